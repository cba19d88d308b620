//! What an author writes: a tree of triggers and actions.
//!
//! [`definition`] has the shapes as they are stored and exchanged, [`read`](fn@read) takes them from JSON with
//! findings an author understands, [`compile`] turns a definition into what the engine runs, and
//! [`validate`] says what keeps it from being published.

pub mod compile;
pub mod definition;
pub mod expression;
mod options;
pub mod read;
pub mod validate;

pub use compile::{Compiled, compile};
pub use definition::{Action, Assistant, Branch, Do, ExternalHandoff, On, Trigger};
pub use expression::{Expression, ExpressionError, Text};
pub use options::OptionTexts;
pub use read::read;
pub use validate::{Finding, check_platform, validate};
