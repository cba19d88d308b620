//! Files on an API channel: those that were sent to the person, and those that the person sends.

pub(super) mod download;
pub(super) mod upload;
