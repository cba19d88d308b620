//! Expressions: the conditions and values an author writes in Python's words.
//!
//! An expression goes this way, once, when its assistant is published:
//!
//! ```text
//! source → tokens → spelling → parse (Starlark) → translate → program (Starlark, frozen)
//! ```
//!
//! and is then evaluated any number of times on the variables of a session. Authors
//! are not trusted, and values are typed by anybody, so nothing here may hang or use
//! much memory. Starlark's limits alone cannot promise that, since they do not reach
//! into its operators and functions: `translate` therefore writes every operation as
//! a call to a step of our own, and each step pays from a budget before it allocates
//! (`limits`).
//!
//! Where this differs from Python: a variable that is not set is None; `x.name` reads a
//! dictionary and is None when the name is missing; all links of `a < b < c` are read
//! before the first is compared; a tuple is a list; whole numbers have 64 bits.

mod access;
mod arithmetic;
mod catalogue;
mod compare;
mod error;
mod functions;
mod fuzz;
mod limits;
mod methods;
mod operator;
mod parse;
mod program;
mod spelling;
mod stack;
mod steps;
mod text;
mod tokens;
mod translate;
mod values;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::{Map, Value};

pub use self::error::ExpressionError;
#[doc(hidden)]
pub use self::fuzz::exercise;
pub use self::limits::{MAX_RESULT, MAX_SOURCE, MAX_TEXT_PARTS, MAX_TEXT_SOURCE};
pub use self::text::Text;

use self::limits::Allowance;
use self::program::Program;

/// A compiled expression.
///
/// Cheap to clone, and shared by all sessions of a published assistant.
#[derive(Debug, Clone)]
pub struct Expression(Arc<Program>);

impl Expression {
    /// Compiles an expression of at most 4 KB.
    ///
    /// # Errors
    ///
    /// Says where the source is not an expression, or uses what is not available, and what
    /// to write instead.
    pub fn compile(source: &str) -> Result<Self, ExpressionError> {
        stack::on_own_stack(|| Program::compile(source)).map(|program| Self(Arc::new(program)))
    }

    /// The expression as it was written.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The variables it reads, sorted.
    pub fn names(&self) -> &[String] {
        &self.0.names
    }

    /// Its value. A variable that is missing is None.
    ///
    /// # Errors
    ///
    /// When it does not fit the values, such as a number compared with a text, or when a
    /// limit is met: 1 MiB of variables, 64 KB of result, and a budget of work.
    pub fn evaluate(&self, variables: &Map<String, Value>) -> Result<Value, ExpressionError> {
        self.0.run(variables, &Allowance::new(), values::to_json)
    }

    /// Whether its value counts as true: as in Python, None, False, 0, `""`, `[]` and `{}` do not.
    ///
    /// # Errors
    ///
    /// As [`Expression::evaluate`], except that a value of any size can be asked.
    pub fn is_true(&self, variables: &Map<String, Value>) -> Result<bool, ExpressionError> {
        self.0.run(variables, &Allowance::new(), |value, _| Ok(value.to_bool()))
    }

    /// Whether `name` is a word of the language, and so cannot be the name of a variable.
    pub fn is_reserved(name: &str) -> bool {
        catalogue::is_function(name) || spelling::is_keyword(name) || translate::is_constant_name(name)
    }
}
