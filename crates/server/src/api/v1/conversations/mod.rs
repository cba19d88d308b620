//! Conversations: opened by channels, read by operators.

pub(super) mod list;
pub(super) mod show;
pub(super) mod start;
