//! Targets: the accounts that can take chats.

pub(super) mod list;
