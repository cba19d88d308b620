//! Handoffs: where chats went, and whether they arrived.

pub(super) mod decide;
pub(super) mod list;
pub(super) mod receipt;
pub(super) mod replay;
pub(super) mod show;
