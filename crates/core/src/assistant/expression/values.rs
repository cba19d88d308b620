//! The kinds of value an expression knows, and the way from JSON and back.

use serde_json::{Map, Value as Json};
use starlark::values::dict::{AllocDict, DictRef};
use starlark::values::float::UnpackFloat;
use starlark::values::list::{AllocList, ListRef};
use starlark::values::{Heap, UnpackValue, Value};

use super::limits::{Budget, Checked, Fault, MAX_RESULT, MAX_VALUE_DEPTH, MAX_WALK_DEPTH, NODE};

/// A value by its kind.
pub(super) enum Kind<'v> {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'v str),
    List(&'v [Value<'v>]),
    Dict(DictRef<'v>),
}

impl<'v> Kind<'v> {
    pub(super) fn of(value: Value<'v>) -> Checked<Self> {
        if let Some(text) = value.unpack_str() {
            return Ok(Self::Text(text));
        }
        if let Some(number) = value.unpack_i32() {
            return Ok(Self::Int(number.into()));
        }
        if value.is_none() {
            return Ok(Self::None);
        }
        if let Some(truth) = value.unpack_bool() {
            return Ok(Self::Bool(truth));
        }
        if let Some(list) = ListRef::from_value(value) {
            return Ok(Self::List(list.content()));
        }
        if let Some(dict) = DictRef::from_value(value) {
            return Ok(Self::Dict(dict));
        }
        number(value)
    }

    /// What a person would call it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::None => "None (nothing)",
            Self::Bool(_) => "True or False",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Dict(_) => "a dictionary",
        }
    }
}

fn number(value: Value<'_>) -> Checked<Kind<'_>> {
    if let Ok(Some(number)) = i64::unpack_value(value) {
        return Ok(Kind::Int(number));
    }
    match UnpackFloat::unpack_value(value) {
        Ok(Some(number)) => Ok(Kind::Float(number.0)),
        _ => Fault::value("this kind of value cannot be used here"),
    }
}

/// Brings a variable in.
pub(super) fn from_json<'v>(heap: Heap<'v>, json: &Json, budget: &Budget) -> Checked<Value<'v>> {
    bring(heap, json, budget, 0)
}

fn bring<'v>(heap: Heap<'v>, json: &Json, budget: &Budget, depth: usize) -> Checked<Value<'v>> {
    if depth > MAX_VALUE_DEPTH {
        return Err(Fault::Limit("a variable used here is nested too deeply"));
    }
    budget.spend(NODE)?;
    match json {
        Json::Null => Ok(Value::new_none()),
        Json::Bool(truth) => Ok(Value::new_bool(*truth)),
        Json::Number(number) => bring_number(heap, number),
        Json::String(text) => {
            budget.spend(text.len())?;
            Ok(heap.alloc_str(text).to_value())
        }
        Json::Array(items) => {
            let items = items.iter().map(|item| bring(heap, item, budget, depth + 1));
            Ok(heap.alloc(AllocList(items.collect::<Checked<Vec<_>>>()?)))
        }
        Json::Object(entries) => {
            let mut values = Vec::new();
            for (key, value) in entries {
                budget.spend(NODE + key.len())?;
                values.push((heap.alloc_str(key), bring(heap, value, budget, depth + 1)?));
            }
            Ok(heap.alloc(AllocDict(values)))
        }
    }
}

fn bring_number<'v>(heap: Heap<'v>, number: &serde_json::Number) -> Checked<Value<'v>> {
    if let Some(whole) = number.as_i64() {
        return Ok(heap.alloc(whole));
    }
    match number.as_f64() {
        Some(fraction) if fraction.is_finite() => Ok(heap.alloc(fraction)),
        _ => Fault::value("a variable used here holds a number that is too large"),
    }
}

/// What a value counts beside its text: a comma, a bracket, digits.
const PLACE: usize = 8;

/// Takes a result out. A result larger than [`MAX_RESULT`] is refused before it is built.
pub(super) fn to_json(value: Value<'_>, budget: &Budget) -> Checked<Json> {
    let mut left = MAX_RESULT;
    take(value, budget, &mut left, 0)
}

fn take(value: Value<'_>, budget: &Budget, left: &mut usize, depth: usize) -> Checked<Json> {
    if depth > MAX_WALK_DEPTH {
        return Err(Fault::Limit("the result is nested too deeply"));
    }
    pay(budget, left, PLACE)?;
    Ok(match Kind::of(value)? {
        Kind::None => Json::Null,
        Kind::Bool(truth) => Json::Bool(truth),
        Kind::Int(number) => Json::from(number),
        Kind::Float(number) => Json::from(number),
        Kind::Text(text) => {
            pay(budget, left, text.len())?;
            Json::String(text.to_owned())
        }
        Kind::List(items) => {
            let items = items.iter().map(|item| take(*item, budget, left, depth + 1));
            Json::Array(items.collect::<Checked<_>>()?)
        }
        Kind::Dict(entries) => {
            let mut map = Map::new();
            for (key, value) in entries.iter() {
                let key = key.unpack_str().unwrap_or_default();
                pay(budget, left, key.len())?;
                map.insert(key.to_owned(), take(value, budget, left, depth + 1)?);
            }
            Json::Object(map)
        }
    })
}

fn pay(budget: &Budget, left: &mut usize, bytes: usize) -> Checked<()> {
    let rest = left.checked_sub(bytes).ok_or(Fault::Limit("the result is larger than 64 KB"))?;
    *left = rest;
    budget.spend(bytes)
}

/// A value as a person reads it: as Python's `str`, and lists and dictionaries as JSON.
pub(super) fn to_text(value: Value<'_>, budget: &Budget) -> Checked<String> {
    Ok(match Kind::of(value)? {
        Kind::None => "None".to_owned(),
        Kind::Bool(truth) => if truth { "True" } else { "False" }.to_owned(),
        Kind::Int(number) => number.to_string(),
        Kind::Float(number) => float_text(number),
        Kind::Text(text) => {
            budget.make_text(text.len())?;
            text.to_owned()
        }
        Kind::List(_) | Kind::Dict(_) => {
            let text = to_json(value, budget)?.to_string();
            budget.make_text(text.len())?;
            text
        }
    })
}

/// Writes a fraction as Python does: `5.0`, `0.25`, `1e+16`.
fn float_text(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-4..1e16).contains(&size) {
        let text = format!("{number:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    let text = number.to_string();
    if text.contains('.') { text } else { text + ".0" }
}
