//! `==`, `<`, `in`, `is`, with Python's meaning and a price for every value looked at.

use std::cmp::Ordering;

use starlark::values::Value;

use super::limits::{Budget, Checked, Fault, MAX_WALK_DEPTH};
use super::operator::Operator;
use super::values::Kind;

/// The cost of looking at one value.
const LOOK: usize = 4;

/// Whether `left operator right` holds.
pub(super) fn compare<'v>(
    budget: &Budget,
    operator: Operator,
    left: Value<'v>,
    right: Value<'v>,
) -> Checked<bool> {
    match operator {
        Operator::Equal => equal(budget, left, right),
        Operator::NotEqual => equal(budget, left, right).map(|same| !same),
        Operator::In => contains(budget, right, left),
        Operator::NotIn => contains(budget, right, left).map(|found| !found),
        Operator::Is => identical(left, right),
        Operator::IsNot => identical(left, right).map(|same| !same),
        Operator::Less => Ok(order(budget, left, right)?.is_lt()),
        Operator::LessOrEqual => Ok(order(budget, left, right)?.is_le()),
        Operator::Greater => Ok(order(budget, left, right)?.is_gt()),
        Operator::GreaterOrEqual => Ok(order(budget, left, right)?.is_ge()),
        _ => Fault::value("this is not a comparison"),
    }
}

/// Python's `==`.
pub(super) fn equal<'v>(budget: &Budget, left: Value<'v>, right: Value<'v>) -> Checked<bool> {
    same(budget, left, right, 0)
}

fn same<'v>(budget: &Budget, left: Value<'v>, right: Value<'v>, depth: usize) -> Checked<bool> {
    if depth > MAX_WALK_DEPTH {
        return Err(Fault::Limit("the values compared here are nested too deeply"));
    }
    budget.spend(LOOK)?;
    match (Kind::of(left)?, Kind::of(right)?) {
        (Kind::None, Kind::None) => Ok(true),
        (Kind::Text(left), Kind::Text(right)) => {
            budget.spend(left.len().min(right.len()))?;
            Ok(left == right)
        }
        (Kind::List(left), Kind::List(right)) => {
            if left.len() != right.len() {
                return Ok(false);
            }
            let mut pairs = left.iter().zip(right);
            all(&mut pairs, |(left, right)| same(budget, *left, *right, depth + 1))
        }
        (Kind::Dict(left), Kind::Dict(right)) => {
            if left.len() != right.len() {
                return Ok(false);
            }
            all(&mut left.iter(), |(key, value)| {
                let key = key.unpack_str().unwrap_or_default();
                budget.spend(key.len())?;
                right.get_str(key).map_or(Ok(false), |other| same(budget, value, other, depth + 1))
            })
        }
        (left, right) => Ok(match (numeric(&left), numeric(&right)) {
            (Some(left), Some(right)) => order_numbers(left, right).is_eq(),
            _ => false,
        }),
    }
}

fn all<T>(items: &mut impl Iterator<Item = T>, mut holds: impl FnMut(T) -> Checked<bool>) -> Checked<bool> {
    for item in items {
        if !holds(item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Which of two numbers, or of two texts, comes first.
pub(super) fn order<'v>(budget: &Budget, left: Value<'v>, right: Value<'v>) -> Checked<Ordering> {
    budget.spend(LOOK)?;
    let (left, right) = (Kind::of(left)?, Kind::of(right)?);
    if let (Kind::Text(left), Kind::Text(right)) = (&left, &right) {
        budget.spend(left.len().min(right.len()))?;
        return Ok(left.cmp(right));
    }
    match (numeric(&left), numeric(&right)) {
        (Some(left), Some(right)) => Ok(order_numbers(left, right)),
        _ => Fault::value(format!("{} cannot be less or more than {}", left.name(), right.name())),
    }
}

/// A number, a whole one or a fraction.
#[derive(Debug, Clone, Copy)]
pub(super) enum Number {
    Int(i64),
    Float(f64),
}

/// The number in a value; True is 1 and False is 0, as in Python.
pub(super) fn numeric(kind: &Kind<'_>) -> Option<Number> {
    match kind {
        Kind::Int(number) => Some(Number::Int(*number)),
        Kind::Float(number) => Some(Number::Float(*number)),
        Kind::Bool(truth) => Some(Number::Int(i64::from(*truth))),
        _ => None,
    }
}

/// Exact, so that it is a total order: no number here is infinite or NaN.
pub(super) fn order_numbers(left: Number, right: Number) -> Ordering {
    match (left, right) {
        (Number::Int(left), Number::Int(right)) => left.cmp(&right),
        (Number::Float(left), Number::Float(right)) => left.partial_cmp(&right).unwrap_or(Ordering::Equal),
        (Number::Int(left), Number::Float(right)) => order_mixed(left, right),
        (Number::Float(left), Number::Int(right)) => order_mixed(right, left).reverse(),
    }
}

/// 2 to the power of 63: the first number above every `i64`.
const ABOVE_INTS: f64 = 9_223_372_036_854_775_808.0;

fn order_mixed(whole: i64, fraction: f64) -> Ordering {
    if fraction >= ABOVE_INTS {
        return Ordering::Less;
    }
    if fraction < -ABOVE_INTS {
        return Ordering::Greater;
    }
    let floor = fraction.floor();
    whole.cmp(&(floor as i64)).then(if fraction > floor { Ordering::Less } else { Ordering::Equal })
}

fn identical<'v>(left: Value<'v>, right: Value<'v>) -> Checked<bool> {
    Ok(match (Kind::of(left)?, Kind::of(right)?) {
        (Kind::None, Kind::None) => true,
        (Kind::Bool(left), Kind::Bool(right)) => left == right,
        _ => false,
    })
}

fn contains<'v>(budget: &Budget, whole: Value<'v>, part: Value<'v>) -> Checked<bool> {
    match (Kind::of(whole)?, Kind::of(part)?) {
        (Kind::Text(whole), Kind::Text(part)) => {
            budget.spend(whole.len() + part.len())?;
            Ok(whole.contains(part))
        }
        (Kind::List(items), _) => {
            for item in items {
                if equal(budget, *item, part)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        (Kind::Dict(entries), Kind::Text(key)) => {
            budget.spend(key.len())?;
            Ok(entries.get_str(key).is_some())
        }
        (Kind::Text(_), part) => Fault::value(format!("{} cannot be in a text", part.name())),
        (Kind::Dict(_), _) => Ok(false),
        (whole, _) => Fault::value(format!("nothing can be in {}", whole.name())),
    }
}
