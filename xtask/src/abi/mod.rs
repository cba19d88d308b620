//! The plugin edge: its reference, and whether its versions go together.

pub(crate) mod broken;
pub(crate) mod matrix;
pub(crate) mod reference;
