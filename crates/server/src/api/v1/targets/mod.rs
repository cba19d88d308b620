//! Targets: the accounts that can take chats.

pub(super) mod ask;
pub(super) mod list;
