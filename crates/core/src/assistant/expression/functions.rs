//! `len`, `str`, `int`, `max` and the other functions.

use starlark::values::list::AllocList;
use starlark::values::{Heap, Value};

use super::arithmetic;
use super::catalogue::Function;
use super::compare::{Number, numeric, order};
use super::limits::{Budget, Checked, Fault, NODE};
use super::values::{Kind, to_text};

/// Calls a function. How many values it takes was checked when the expression was compiled.
pub(super) fn call<'v>(
    heap: Heap<'v>,
    budget: &Budget,
    function: Function,
    given: &[Value<'v>],
) -> Checked<Value<'v>> {
    budget.spend(NODE)?;
    let first = given.first().copied().unwrap_or_else(Value::new_none);
    match function {
        Function::Abs => absolute(heap, first),
        Function::All => Ok(Value::new_bool(items(budget, first, "all")?.iter().all(|item| item.to_bool()))),
        Function::Any => Ok(Value::new_bool(items(budget, first, "any")?.iter().any(|item| item.to_bool()))),
        Function::Bool => Ok(Value::new_bool(first.to_bool())),
        Function::Float => float(heap, budget, first),
        Function::Int => int(heap, budget, first),
        Function::Len => length(heap, budget, first),
        Function::Max => extreme(budget, given, |order| order.is_gt()),
        Function::Min => extreme(budget, given, |order| order.is_lt()),
        Function::Round => round(heap, first, given.get(1).copied()),
        Function::Sorted => sorted(heap, budget, first),
        Function::Str => Ok(heap.alloc(to_text(first, budget)?)),
        Function::Sum => sum(heap, budget, first),
    }
}

fn items<'v>(budget: &Budget, value: Value<'v>, function: &str) -> Checked<&'v [Value<'v>]> {
    match Kind::of(value)? {
        Kind::List(items) => {
            budget.spend(items.len())?;
            Ok(items)
        }
        other => Fault::value(format!("`{function}` takes a list, and this is {}", other.name())),
    }
}

fn number(value: Value<'_>, function: &str) -> Checked<Number> {
    let kind = Kind::of(value)?;
    numeric(&kind)
        .ok_or_else(|| Fault::Value(format!("`{function}` takes numbers, and this is {}", kind.name())))
}

fn absolute<'v>(heap: Heap<'v>, value: Value<'v>) -> Checked<Value<'v>> {
    match number(value, "abs")? {
        Number::Int(number) => number.checked_abs().map(|number| heap.alloc(number)).ok_or_else(too_large),
        Number::Float(number) => Ok(heap.alloc(number.abs())),
    }
}

fn float<'v>(heap: Heap<'v>, budget: &Budget, value: Value<'v>) -> Checked<Value<'v>> {
    let number = match Kind::of(value)? {
        Kind::Text(text) => {
            budget.spend(text.len())?;
            text.trim().parse::<f64>().ok().filter(|number| number.is_finite())
        }
        kind => match numeric(&kind) {
            Some(Number::Int(number)) => Some(number as f64),
            Some(Number::Float(number)) => Some(number),
            None => return Fault::value(format!("`float` cannot make a number of {}", kind.name())),
        },
    };
    number
        .map(|number| heap.alloc(number))
        .ok_or_else(|| Fault::Value("this text is not a number".to_owned()))
}

fn int<'v>(heap: Heap<'v>, budget: &Budget, value: Value<'v>) -> Checked<Value<'v>> {
    match Kind::of(value)? {
        Kind::Text(text) => {
            budget.spend(text.len())?;
            match text.trim().parse::<i64>() {
                Ok(number) => Ok(heap.alloc(number)),
                Err(_) => Fault::value("this text is not a whole number"),
            }
        }
        kind => match numeric(&kind) {
            Some(Number::Int(number)) => Ok(heap.alloc(number)),
            Some(Number::Float(number)) => whole(number.trunc()).map(|number| heap.alloc(number)),
            None => Fault::value(format!("`int` cannot make a number of {}", kind.name())),
        },
    }
}

/// A whole fraction as a whole number.
fn whole(number: f64) -> Checked<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&number) { Ok(number as i64) } else { Err(too_large()) }
}

fn length<'v>(heap: Heap<'v>, budget: &Budget, value: Value<'v>) -> Checked<Value<'v>> {
    let length = match Kind::of(value)? {
        Kind::Text(text) => {
            budget.spend(text.len())?;
            text.chars().count()
        }
        Kind::List(items) => items.len(),
        Kind::Dict(entries) => entries.len(),
        other => return Fault::value(format!("{} has no length", other.name())),
    };
    i64::try_from(length).map(|length| heap.alloc(length)).map_err(|_| too_large())
}

fn extreme<'v>(
    budget: &Budget,
    given: &[Value<'v>],
    wins: fn(std::cmp::Ordering) -> bool,
) -> Checked<Value<'v>> {
    let among = match given {
        [list] => items(budget, *list, "min and max")?,
        several => several,
    };
    let Some((first, rest)) = among.split_first() else { return Fault::value("the list is empty") };
    let mut best = *first;
    order(budget, best, best)?;
    for value in rest {
        if wins(order(budget, *value, best)?) {
            best = *value;
        }
    }
    Ok(best)
}

/// Rounds half to even, as Python does.
fn round<'v>(heap: Heap<'v>, value: Value<'v>, digits: Option<Value<'v>>) -> Checked<Value<'v>> {
    let number = match number(value, "round")? {
        Number::Int(number) => return Ok(heap.alloc(number)),
        Number::Float(number) => number,
    };
    let digits = match digits.map(Kind::of).transpose()? {
        None | Some(Kind::None) => return whole(number.round_ties_even()).map(|number| heap.alloc(number)),
        Some(Kind::Int(digits)) => usize::try_from(digits).ok().filter(|digits| *digits <= 15),
        Some(_) => None,
    };
    let Some(digits) = digits else { return Fault::value("`round` takes 0 to 15 digits") };
    Ok(heap.alloc(format!("{number:.digits$}").parse::<f64>().unwrap_or(number)))
}

fn sorted<'v>(heap: Heap<'v>, budget: &Budget, value: Value<'v>) -> Checked<Value<'v>> {
    let items = items(budget, value, "sorted")?;
    let rounds = items.len().max(2).ilog2() as usize + 1;
    budget.spend(NODE * items.len() * rounds)?;
    let mut texts = Vec::new();
    let mut numbers = Vec::new();
    for item in items {
        match Kind::of(*item)? {
            Kind::Text(text) => {
                budget.spend(text.len().saturating_mul(rounds))?;
                texts.push((text, *item));
            }
            kind => numbers.push((number_to_sort(&kind)?, *item)),
        }
    }
    if !texts.is_empty() && !numbers.is_empty() {
        return Fault::value("`sorted` cannot order texts and numbers together");
    }
    texts.sort_by_key(|(text, _)| *text);
    numbers.sort_by(|(left, _), (right, _)| super::compare::order_numbers(*left, *right));
    let in_order = texts.into_iter().map(|(_, item)| item).chain(numbers.into_iter().map(|(_, item)| item));
    Ok(heap.alloc(AllocList(in_order)))
}

fn number_to_sort(kind: &Kind<'_>) -> Checked<Number> {
    numeric(kind)
        .ok_or_else(|| Fault::Value(format!("`sorted` orders numbers or texts, and here is {}", kind.name())))
}

fn sum<'v>(heap: Heap<'v>, budget: &Budget, value: Value<'v>) -> Checked<Value<'v>> {
    let mut total = Number::Int(0);
    for item in items(budget, value, "sum")? {
        total = arithmetic::add(total, number(*item, "sum")?)?;
    }
    Ok(match total {
        Number::Int(number) => heap.alloc(number),
        Number::Float(number) => heap.alloc(number),
    })
}

fn too_large() -> Fault {
    Fault::Value("the number is too large".to_owned())
}
