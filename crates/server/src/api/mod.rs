//! The HTTP API for programs with a key.

mod v1;

pub(crate) use v1::routes;
