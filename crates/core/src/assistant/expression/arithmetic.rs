//! `+ - * / // %`. Whole numbers stay within 64 bits, fractions stay finite.

use starlark::values::list::AllocList;
use starlark::values::{Heap, Value};

use super::compare::{Number, numeric};
use super::limits::{Budget, Checked, Fault, NODE};
use super::operator::Operator;
use super::values::Kind;

/// The value of `left operator right`.
pub(super) fn calculate<'v>(
    heap: Heap<'v>,
    budget: &Budget,
    operator: Operator,
    left: Value<'v>,
    right: Value<'v>,
) -> Checked<Value<'v>> {
    let (left, right) = (Kind::of(left)?, Kind::of(right)?);
    if let (Some(left), Some(right)) = (numeric(&left), numeric(&right)) {
        return Ok(match numbers(operator, left, right)? {
            Number::Int(number) => heap.alloc(number),
            Number::Float(number) => heap.alloc(number),
        });
    }
    match (operator, &left, &right) {
        (Operator::Add, Kind::Text(left), Kind::Text(right)) => {
            budget.make_text(left.len() + right.len())?;
            Ok(heap.alloc_str_concat(left, right).to_value())
        }
        (Operator::Add, Kind::List(left), Kind::List(right)) => {
            budget.spend(NODE * (1 + left.len() + right.len()))?;
            Ok(heap.alloc(AllocList(left.iter().chain(*right).copied())))
        }
        _ => Fault::value(unfit(operator, &left, &right)),
    }
}

fn unfit<'v>(operator: Operator, left: &Kind<'v>, right: &Kind<'v>) -> String {
    let symbol = operator.symbol();
    match (operator, left, right) {
        (Operator::Add, Kind::Text(_), other) | (Operator::Add, other, Kind::Text(_)) => {
            format!("`+` cannot join a text and {}: write str(...) around what is no text", other.name())
        }
        (Operator::Multiply, Kind::Text(_) | Kind::List(_), _)
        | (Operator::Multiply, _, Kind::Text(_) | Kind::List(_)) => {
            "`*` is for numbers: a text or list is not repeated".to_owned()
        }
        _ => format!("`{symbol}` does not fit {} and {}", left.name(), right.name()),
    }
}

/// Adds two numbers, for `sum`.
pub(super) fn add(left: Number, right: Number) -> Checked<Number> {
    numbers(Operator::Add, left, right)
}

fn numbers(operator: Operator, left: Number, right: Number) -> Checked<Number> {
    let divides = matches!(operator, Operator::Divide | Operator::FloorDivide | Operator::Remainder);
    if divides && to_float(right) == 0.0 {
        return Fault::value("this divides by zero");
    }
    match (left, right) {
        (Number::Int(left), Number::Int(right)) if operator != Operator::Divide => {
            whole(operator, left, right).map(Number::Int).ok_or_else(too_large)
        }
        _ => {
            let result = fraction(operator, to_float(left), to_float(right));
            if result.is_finite() { Ok(Number::Float(result)) } else { Err(too_large()) }
        }
    }
}

/// `None` when the result does not fit 64 bits. The divisor is not zero.
fn whole(operator: Operator, left: i64, right: i64) -> Option<i64> {
    match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::FloorDivide => {
            let quotient = left.checked_div(right)?;
            let exact = left.wrapping_rem(right) == 0;
            if !exact && (left < 0) != (right < 0) { quotient.checked_sub(1) } else { Some(quotient) }
        }
        Operator::Remainder => {
            let rest = left.wrapping_rem(right);
            Some(if rest != 0 && (rest < 0) != (right < 0) { rest + right } else { rest })
        }
        _ => None,
    }
}

fn fraction(operator: Operator, left: f64, right: f64) -> f64 {
    match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        Operator::FloorDivide => (left / right).floor(),
        Operator::Remainder => {
            let rest = left % right;
            if rest != 0.0 && (rest < 0.0) != (right < 0.0) { rest + right } else { rest }
        }
        _ => f64::NAN,
    }
}

fn to_float(number: Number) -> f64 {
    match number {
        Number::Int(number) => number as f64,
        Number::Float(number) => number,
    }
}

fn too_large() -> Fault {
    Fault::Value("the number becomes too large".to_owned())
}
