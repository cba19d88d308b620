//! What the person says on an API channel.

pub(super) mod send;
