//! Tests of expressions, by what is asked of them.

mod hostile;
mod properties;
mod refused;
mod results;
mod text;

use serde_json::{Map, Value};

use super::{Expression, ExpressionError};

/// The variables of a session in the middle of a sale.
fn session() -> Map<String, Value> {
    let value = serde_json::json!({
        "_user_input": "I want a Refund, please",
        "_lang": "de",
        "_customer": {"name": "Ann", "email": "ann@example.com", "tags": ["vip", "new"], "address": {"city": "Bonn"}},
        "name": "Ann",
        "cart": [{"sku": "a1", "price": 10.5, "count": 2}, {"sku": "b2", "price": 3, "count": 1}],
        "age": 17,
        "total": 24.0,
        "price": "12.5",
        "empty": "",
        "nothing": null,
        "yes": true,
        "words": ["pear", "apple", "fig"],
        "city": "Zürich",
        "huge": 9_223_372_036_854_775_807_i64
    });
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn evaluate(source: &str) -> Result<Value, ExpressionError> {
    Expression::compile(source)?.evaluate(&session())
}
