//! Files that were sent to the person on an API channel.

pub(super) mod download;
