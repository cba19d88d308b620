//! What is to be shown on an API channel.

pub(super) mod ack;
pub(super) mod list;
