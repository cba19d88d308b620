//! Settings that fit a schema, and settings that do not.

use serde_json::{Map, Value, json};

/// Settings that fit as far as a schema tells, with `base` wherever an address seems to be wanted.
pub(crate) fn fitting(schema: &Value, hosts: &[String], base: &str) -> Value {
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let addresses = hosts.iter().filter_map(|host| host.strip_prefix('{')?.strip_suffix('}'));
    let known = &schema["properties"];
    let mut settings = Map::new();
    for name in required {
        settings.insert(name.to_owned(), value(schema, &known[name], base));
    }
    for name in addresses.filter(|name| known[*name]["default"].is_null()) {
        settings.insert(name.to_owned(), json!(base));
    }
    Value::Object(settings)
}

fn value(schema: &Value, about: &Value, base: &str) -> Value {
    let reference = about["$ref"].as_str().and_then(|reference| schema.pointer(reference.strip_prefix('#')?));
    let about = reference.unwrap_or(about);
    let given = ["default", "const"].into_iter().map(|word| &about[word]).find(|given| !given.is_null());
    let listed = [&about["examples"][0], &about["enum"][0], &about["oneOf"][0]["const"]];
    if let Some(given) = given.or_else(|| listed.into_iter().find(|given| !given.is_null())) {
        return given.clone();
    }
    let kind = about["type"].as_str().or_else(|| about["type"][0].as_str());
    match kind {
        Some("integer" | "number") => about["minimum"].as_u64().map_or(json!(1), |least| json!(least.max(1))),
        Some("boolean") => json!(true),
        Some("array") => json!([]),
        Some("object") => json!({}),
        _ if about["description"].as_str().is_some_and(|text| text.contains("http")) => json!(base),
        _ => json!("kit"),
    }
}

/// Settings that are wrong in one way each, with what is wrong.
pub(crate) fn wrong(schema: &Value, good: &Value) -> Vec<(String, Value)> {
    let mut wrong =
        vec![("a setting that nobody knows".to_owned(), with(good, "kit_unknown_setting", json!(1)))];
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let mut without = good.clone();
        if let Some(settings) = without.as_object_mut() {
            settings.remove(name);
        }
        wrong.push((format!("no {name}"), without));
    }
    for (name, about) in schema["properties"].as_object().into_iter().flatten() {
        // A setting that may be anything cannot be of a wrong kind.
        if !about["type"].is_null() {
            wrong.push((format!("a {name} of another kind"), with(good, name, json!({ "kit": [1] }))));
        }
    }
    wrong
}

fn with(good: &Value, name: &str, value: Value) -> Value {
    let mut settings = good.clone();
    settings[name] = value;
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_made_to_a_schema_and_against_it() {
        let schema = json!({
            "type": "object", "required": ["base_url", "app", "mode", "n"], "$defs": { "Mode": { "oneOf": [{ "const": "fast" }] } },
            "properties": {
                "base_url": { "type": "string", "description": "such as https://acme.example" },
                "app": { "type": "string" }, "mode": { "$ref": "#/$defs/Mode" }, "n": { "type": "integer", "minimum": 5 },
                "flag": { "type": "boolean", "default": false },
            },
        });
        let good = fitting(&schema, &["{base_url}".to_owned()], "http://x");
        assert_eq!(good, json!({ "base_url": "http://x", "app": "kit", "mode": "fast", "n": 5 }));
        let names: Vec<_> = wrong(&schema, &good).into_iter().map(|(name, _)| name).collect();
        assert!(
            names.contains(&"no app".to_owned()) && names.contains(&"a flag of another kind".to_owned()),
            "{names:?}"
        );
        assert_eq!(names.len(), 1 + 4 + 4);
    }
}
