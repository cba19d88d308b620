//! A call's parameters, which may come as JSON or as strings from a form.

use serde_json::{Map, Value};

/// Parameters by name.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Params(Map<String, Value>);

impl Params {
    /// Parameters as they came.
    pub(in super::super) fn new(map: Map<String, Value>) -> Self {
        Self(map)
    }

    /// The same with upper-case names, as methods of the first generation read them.
    pub(in super::super) fn upper(self) -> Self {
        Self(self.0.into_iter().map(|(name, value)| (name.to_uppercase(), value)).collect())
    }

    /// Adds parameters of another source; those already here win.
    pub(in super::super) fn or(mut self, others: Map<String, Value>) -> Self {
        for (name, value) in others {
            self.0.entry(name).or_insert(value);
        }
        self
    }

    /// Takes a parameter out, if it is text.
    pub(in super::super) fn take_text(&mut self, name: &str) -> Option<String> {
        match self.0.remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The parameter, unless it is missing or null.
    pub(in super::super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Whether it was sent at all, even empty.
    pub(in super::super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Text, or a number written as text. Empty text counts as missing.
    pub(in super::super) fn text(&self, name: &str) -> Option<String> {
        as_text(self.get(name)?).filter(|text| !text.is_empty())
    }

    /// A whole number above zero, from a number or from text that begins with one, as PHP's `intval`.
    pub(in super::super) fn id(&self, name: &str) -> Option<i64> {
        as_int(self.get(name)?).filter(|id| *id > 0)
    }

    /// Like [`Self::id`], but zero and below are numbers too.
    pub(in super::super) fn int(&self, name: &str) -> Option<i64> {
        as_int(self.get(name)?)
    }

    /// `true`, `"Y"`, `1` or `"1"`; `default` if missing.
    pub(in super::super) fn flag(&self, name: &str, default: bool) -> bool {
        self.get(name).map_or(default, |value| match value {
            Value::Bool(yes) => *yes,
            other => as_text(other).is_some_and(|text| matches!(text.as_str(), "Y" | "y" | "1" | "true")),
        })
    }

    /// Nested parameters, empty if missing.
    pub(in super::super) fn nested(&self, name: &str) -> Self {
        match self.get(name) {
            Some(Value::Object(map)) => Self(map.clone()),
            _ => Self::default(),
        }
    }

    /// All of them.
    pub(in super::super) fn iter(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.iter()
    }
}

/// A scalar as text; booleans as `Y` and `N`.
pub(in super::super) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(if *yes { "Y" } else { "N" }.to_owned()),
        _ => None,
    }
}

/// A scalar as a whole number: PHP's `intval` reads as far as there are digits.
pub(in super::super) fn as_int(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => {
            let text = text.trim();
            let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            Some(digits[..end].parse::<i64>().unwrap_or(0) * sign)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn params(value: Value) -> Params {
        Params::new(value.as_object().cloned().unwrap())
    }

    #[test]
    fn ids_are_read_from_numbers_and_strings() {
        let read = |value: Value| params(json!({ "id": value })).id("id");
        let cases = [
            (json!(7), Some(7)),
            (json!("7"), Some(7)),
            (json!("queue22"), None),
            (json!("-3"), None),
            (json!(null), None),
        ];
        for (value, expected) in cases {
            assert_eq!(read(value.clone()), expected, "{value}");
        }
    }

    #[test]
    fn flags_are_read_from_every_spelling() {
        let read = |value: Value| params(json!({ "on": value })).flag("on", false);
        for yes in [json!(true), json!("Y"), json!("1"), json!(1)] {
            assert!(read(yes.clone()), "{yes}");
        }
        for no in [json!(false), json!("N"), json!("0"), json!(""), json!(null)] {
            assert!(!read(no.clone()), "{no}");
        }
    }
}
