//! Plans: what the workspace pays for.

pub(super) mod show;
