//! Connectors: the code that speaks to platforms.

pub(super) mod list;
