//! `x[0]`, `x["key"]`, `x[1:3]`, `x.key` and `for each in x`.

use starlark::values::list::AllocList;
use starlark::values::{Heap, Value};

use super::limits::{Budget, Checked, Fault, NODE};
use super::values::Kind;

/// `of[key]`.
pub(super) fn index<'v>(
    heap: Heap<'v>,
    budget: &Budget,
    of: Value<'v>,
    key: Value<'v>,
) -> Checked<Value<'v>> {
    match (Kind::of(of)?, Kind::of(key)?) {
        (Kind::Dict(entries), Kind::Text(key)) => {
            budget.spend(key.len())?;
            match entries.get_str(key) {
                Some(value) => Ok(value),
                None => Fault::value("there is nothing under this key: .get(...) gives None then"),
            }
        }
        (Kind::List(items), Kind::Int(index)) => match place(index, items.len()) {
            Some(place) => Ok(items[place]),
            None => Fault::value("the list is not that long"),
        },
        (Kind::Text(text), Kind::Int(index)) => {
            budget.spend(text.len())?;
            match place(index, text.chars().count()).and_then(|place| text.chars().nth(place)) {
                Some(c) => Ok(heap.alloc(c)),
                None => Fault::value("the text is not that long"),
            }
        }
        (Kind::Dict(_), key) => Fault::value(format!("a key is a text, and this is {}", key.name())),
        (of @ (Kind::List(_) | Kind::Text(_)), key) => {
            Fault::value(format!("{} is counted by whole numbers, and this is {}", of.name(), key.name()))
        }
        (of, _) => Fault::value(format!("{} has no parts to take by [ ]", of.name())),
    }
}

/// The place an index means, counted from the end when it is negative.
fn place(index: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let place = if index < 0 { index.checked_add(length)? } else { index };
    if place < length { usize::try_from(place).ok() } else { None }
}

/// `of[from:to]`; what lies beyond the end is left out.
pub(super) fn slice<'v>(
    heap: Heap<'v>,
    budget: &Budget,
    of: Value<'v>,
    from: Value<'v>,
    to: Value<'v>,
) -> Checked<Value<'v>> {
    match Kind::of(of)? {
        Kind::List(items) => {
            let (from, to) = bounds(from, to, items.len())?;
            let part = items.get(from..to).unwrap_or_default();
            budget.spend(NODE * (1 + part.len()))?;
            Ok(heap.alloc(AllocList(part.iter().copied())))
        }
        Kind::Text(text) => {
            budget.spend(text.len())?;
            let (from, to) = bounds(from, to, text.chars().count())?;
            let part: String = text.chars().skip(from).take(to.saturating_sub(from)).collect();
            budget.make_text(part.len())?;
            Ok(heap.alloc(part))
        }
        of => Fault::value(format!("{} has no parts to take by [ : ]", of.name())),
    }
}

fn bounds<'v>(from: Value<'v>, to: Value<'v>, length: usize) -> Checked<(usize, usize)> {
    let bound = |value: Value<'v>, missing| match Kind::of(value)? {
        Kind::None => Ok(missing),
        Kind::Int(index) => Ok(clamp(index, length)),
        other => Fault::value(format!("[ : ] takes whole numbers, and this is {}", other.name())),
    };
    Ok((bound(from, 0)?, bound(to, length)?))
}

fn clamp(index: i64, length: usize) -> usize {
    let distance = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
    if index < 0 { length.saturating_sub(distance) } else { distance.min(length) }
}

/// `of.name`: what a dictionary holds under the name, None when it holds nothing.
pub(super) fn attribute<'v>(budget: &Budget, of: Value<'v>, name: &str) -> Checked<Value<'v>> {
    budget.spend(name.len())?;
    match Kind::of(of)? {
        Kind::Dict(entries) => Ok(entries.get_str(name).unwrap_or_else(Value::new_none)),
        Kind::None => Fault::value(format!("there is no `{name}` in None (nothing): this has no value yet")),
        of => Fault::value(format!("there is no `{name}` in {}", of.name())),
    }
}

/// What a `for` goes through: a list, the keys of a dictionary, the characters of a text.
pub(super) fn each<'v>(heap: Heap<'v>, budget: &Budget, of: Value<'v>) -> Checked<Value<'v>> {
    match Kind::of(of)? {
        Kind::List(items) => {
            budget.spend(NODE * items.len())?;
            Ok(of)
        }
        Kind::Dict(entries) => {
            budget.spend(NODE * entries.len())?;
            Ok(heap.alloc(AllocList(entries.keys())))
        }
        Kind::Text(text) => {
            budget.spend(NODE * text.len())?;
            Ok(heap.alloc(AllocList(text.chars())))
        }
        of => Fault::value(format!("a `for` cannot go through {}", of.name())),
    }
}

/// Pays for a list or dictionary that a `for` built.
pub(super) fn built<'v>(budget: &Budget, value: Value<'v>) -> Checked<Value<'v>> {
    let size = match Kind::of(value)? {
        Kind::List(items) => items.len(),
        Kind::Dict(entries) => 4 * entries.len(),
        _ => 0,
    };
    budget.spend(NODE * (4 + size))?;
    Ok(value)
}
