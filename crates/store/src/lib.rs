//! Where everything is kept: the traits of `handoff_core::store`, over a database.
//!
//! [`Sqlite`] is one file beside the server. All of its SQL is under `sqlite`, one file for each
//! noun, and its tables under `migrations/sqlite`. [`Memory`] is for simulations.

mod listing;
mod memory;
mod sqlite;

pub use memory::Memory;
pub use sqlite::{OpenError, Sqlite, backup, examine};
