//! What a fuzzer calls.

use serde_json::{Map, Value as Json};

use super::{Expression, Text};

/// Compiles `source` as an expression and as a text, and runs both on what a person typed.
///
/// Returns normally whatever it is given: that it returns, soon and without a large
/// allocation, is what a fuzzer checks.
#[doc(hidden)]
pub fn exercise(source: &str, typed: &str) {
    let mut variables = Map::new();
    let value = serde_json::from_str(typed).unwrap_or_else(|_| Json::from(typed));
    if let Ok(expression) = Expression::compile(source) {
        for name in expression.names() {
            variables.insert(name.clone(), value.clone());
        }
        drop(expression.evaluate(&variables));
        drop(expression.is_true(&variables));
    }
    if let Ok(text) = Text::compile(source) {
        drop(text.render(&variables));
    }
}
