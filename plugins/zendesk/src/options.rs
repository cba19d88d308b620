//! What an author chose beside the platform. A choice of the wrong shape is left out and named; the others stay.

use serde_json::{Map, Value};

/// Choices that are one word, number or switch.
const PLAIN: [&str; 8] = ["priority", "type", "group", "operator", "brand", "form", "subject", "transcript"];

/// The choices that can be read, and remarks about the others.
pub(crate) fn sound(options: &Value) -> (Value, Vec<String>) {
    let mut remarks = Vec::new();
    let given = match options {
        Value::Object(given) => given.clone(),
        Value::Null => Map::new(),
        _ => {
            remarks.push("the options were left out: they must be an object".to_owned());
            Map::new()
        }
    };
    let kept = given.into_iter().filter(|(name, value)| {
        let wanted = wanted(name, value);
        remarks.extend(wanted.map(|wanted| format!("the option {name} was left out: it must be {wanted}")));
        wanted.is_none()
    });
    (Value::Object(kept.collect()), remarks)
}

/// What a choice should be; none when it is that, or another platform's.
fn wanted(name: &str, value: &Value) -> Option<&'static str> {
    let plain = |value: &Value| !value.is_array() && !value.is_object();
    let fits = match name {
        "tags" => match value {
            Value::Array(tags) => tags.iter().all(plain),
            other => plain(other),
        },
        "fields" => value.is_null() || value.is_object(),
        name if PLAIN.contains(&name) => plain(value),
        _ => true,
    };
    let shape = match name {
        "tags" => "a list of words",
        "fields" => "an object with the value of each field under its number",
        _ => "one word or number",
    };
    (!fits).then_some(shape)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_wrong_is_left_out_and_it_is_named() {
        let given = json!({
            "priority": "high", "group": [42], "tags": ["a", 1], "fields": 3, "line": { "of": "another platform" },
        });
        let (kept, remarks) = sound(&given);
        let expected = json!({ "priority": "high", "tags": ["a", 1], "line": { "of": "another platform" } });
        assert_eq!(kept, expected);
        assert_eq!(remarks.len(), 2, "{remarks:?}");
        assert!(remarks.iter().any(|remark| remark.contains("fields")), "{remarks:?}");
        assert!(sound(&Value::Null).1.is_empty());
        assert_eq!(sound(&json!([1])).1.len(), 1);
    }
}
