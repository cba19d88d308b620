//! Options of the platform: a field for each that its connector names, and JSON for the rest.
//!
//! The name of a field says what it holds, so that what was typed can be read without asking the connector again.

use serde_json::{Map, Value};

use crate::console::fields::Fields;

/// What stands in the panel for the options of an action.
pub(in crate::console::pages::assistants) struct OptionsForm {
    /// Members by name.
    pub(in crate::console::pages::assistants) values: Map<String, Value>,
    /// What was typed as JSON for members without a field; none: whatever has no field.
    pub(in crate::console::pages::assistants) rest: Option<String>,
    pub(in crate::console::pages::assistants) problem: Option<String>,
}

/// What begins the name of every field.
const MARK: &str = "option:";

/// The name of a field in the form.
pub(in crate::console::pages::assistants) fn field(part: &str, name: &str) -> String {
    format!("{MARK}{part}:{name}")
}

impl OptionsForm {
    pub(super) fn stored(options: &Value) -> Self {
        let values = options.as_object().cloned().unwrap_or_default();
        Self { values, rest: None, problem: None }
    }

    pub(super) fn typed(fields: &Fields) -> Self {
        let mut values = Map::new();
        let names = fields.names().filter_map(|name| name.strip_prefix(MARK)?.split_once(':'));
        for (part, name) in names {
            let value = match part {
                "text" | "choice" => {
                    let other = fields.get(&field("else", name)).trim();
                    let text = if other.is_empty() { fields.get(&field(part, name)).trim() } else { other };
                    Value::String(text.to_owned())
                }
                "words" => Value::from(fields.lines(&field(part, name))),
                "key" => by_field(fields, name),
                _ => continue,
            };
            values.insert(name.to_owned(), value);
        }
        values.retain(|_, value| !is_empty(value));
        Self { values, rest: Some(fields.get("options").trim().to_owned()), problem: None }
    }

    /// The options as they are to be stored. A value that reads as before is left as it was.
    pub(super) fn write(&mut self, before: &Value) -> Option<Value> {
        let mut options = match self.rest.as_deref().map(json).transpose() {
            Ok(rest) => rest.unwrap_or_default(),
            Err(problem) => {
                self.problem = Some(problem);
                return None;
            }
        };
        for (name, value) in &self.values {
            let kept = before.get(name).filter(|kept| reads_alike(kept, value));
            options.insert(name.clone(), kept.unwrap_or(value).clone());
        }
        Some(if options.is_empty() { Value::Null } else { Value::Object(options) })
    }
}

/// What a value reads like in a field.
pub(in crate::console::pages::assistants) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn by_field(fields: &Fields, name: &str) -> Value {
    let keys: Vec<_> = fields.all(&field("key", name)).map(str::trim).collect();
    let values: Vec<_> = fields.all(&field("value", name)).map(str::trim).collect();
    let given = keys.into_iter().zip(values).filter(|(key, _)| !key.is_empty());
    Value::Object(given.map(|(key, value)| (key.to_owned(), typed_value(value))).collect())
}

/// A tick and a list are written as JSON; everything else is a text.
fn typed_value(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Bool(_) | Value::Array(_))) => value,
        _ => Value::String(text.to_owned()),
    }
}

fn reads_alike(kept: &Value, typed: &Value) -> bool {
    match (kept, typed) {
        (Value::Object(kept), Value::Object(typed)) => {
            let alike = |(name, value): (&String, &Value)| {
                kept.get(name).is_some_and(|kept| reads_alike(kept, value))
            };
            kept.len() == typed.len() && typed.iter().all(alike)
        }
        (Value::String(kept), Value::Array(words)) => {
            kept.split(',').map(str::trim).eq(words.iter().filter_map(Value::as_str))
        }
        _ => shown(kept) == shown(typed),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

fn json(text: &str) -> Result<Map<String, Value>, String> {
    if text.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(options)) => Ok(options),
        Ok(_) => Err("Write a JSON object, such as {\"tags\": [\"chat\"]}.".to_owned()),
        Err(error) => Err(format!("This is not JSON: {error}.")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(typed: &[(&str, &str)], before: Value) -> Option<Value> {
        let fields = typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        OptionsForm::typed(&Fields::new(fields)).write(&before)
    }

    #[test]
    fn every_kind_of_field_is_read_by_its_name() {
        let typed = [
            ("option:choice:group", "7"),
            ("option:else:group", ""),
            ("option:choice:brand", "1"),
            ("option:else:brand", "{ brand }"),
            ("option:words:tags", "chat\nfrom web"),
            ("option:text:subject", " "),
            ("option:key:fields", "12"),
            ("option:value:fields", "true"),
            ("option:key:fields", ""),
            ("option:value:fields", "lost"),
            ("options", r#"{"operator": 3}"#),
        ];
        let expected = json!({ "operator": 3, "group": "7", "brand": "{ brand }", "tags": ["chat", "from web"],
            "fields": { "12": true } });
        assert_eq!(written(&typed, Value::Null), Some(expected));
    }

    #[test]
    fn what_reads_as_before_is_left_as_it_was() {
        let before = json!({ "group": 7, "tags": "chat, web", "fields": { "1": 5 } });
        let typed = [
            ("option:choice:group", "7"),
            ("option:words:tags", "chat\nweb"),
            ("option:key:fields", "1"),
            ("option:value:fields", "5"),
        ];
        assert_eq!(written(&typed, before.clone()), Some(before));
    }

    #[test]
    fn nothing_chosen_is_nothing_stored_and_broken_json_is_refused() {
        assert_eq!(
            written(&[("option:choice:group", ""), ("options", "")], json!({ "group": 7 })),
            Some(Value::Null)
        );
        assert_eq!(written(&[("options", "{")], Value::Null), None);
    }
}
