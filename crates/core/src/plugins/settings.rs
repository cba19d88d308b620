//! Checks the settings of a connection against the schema of its connector, before the connector
//! sees them.

use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value;

/// Everything that is wrong with the settings, each with the JSON pointer of its place. Values are
/// not repeated: somebody may have put a secret where it does not belong.
pub(super) fn problems(schema: &Value, settings: &Value) -> Vec<String> {
    let validator = match jsonschema::options().build(schema) {
        Ok(validator) => validator,
        Err(error) => return vec![format!("the connector's schema cannot be used: {error}")],
    };
    let problems = validator.iter_errors(settings).map(|error| {
        let place = error.instance_path().as_str();
        let place = if place.is_empty() { "/" } else { place };
        format!("settings at {place}: {}", error.masked_with("the value"))
    });
    problems.collect()
}

/// Everything that is wrong with the settings, by the name of the setting (empty: all of them), in words for a form.
/// Values are not repeated.
pub fn fields(schema: &Value, settings: &Value) -> Vec<(String, String)> {
    let validator = match jsonschema::options().build(schema) {
        Ok(validator) => validator,
        Err(error) => {
            return vec![(String::new(), format!("The connector's schema cannot be used: {error}."))];
        }
    };
    let place = |error: jsonschema::ValidationError<'_>| {
        let path = error.instance_path().as_str().to_owned();
        let name = path.split('/').nth(1).unwrap_or_default().to_owned();
        let words = match error.kind() {
            Kind::Required { property } if name.is_empty() => {
                let property = property.as_str().unwrap_or_default().to_owned();
                return vec![(property, "This is needed.".to_owned())];
            }
            Kind::AdditionalProperties { unexpected } if name.is_empty() => {
                let unknown = unexpected
                    .iter()
                    .map(|name| (name.clone(), "The connector knows no such setting.".to_owned()));
                return unknown.collect();
            }
            _ => format!("This cannot be accepted: {}.", error.masked_with("the value")),
        };
        vec![(name, words)]
    };
    validator.iter_errors(settings).flat_map(place).collect()
}

/// What is wrong with a schema.
pub(super) fn fault(schema: &Value) -> Option<String> {
    match jsonschema::options().build(schema) {
        Ok(_) => None,
        Err(error) => Some(format!("its schema of the settings is not valid: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_problems_are_found_at_once_and_values_stay_unsaid() {
        let schema = json!({
            "type": "object", "required": ["line"], "additionalProperties": false,
            "properties": { "line": { "type": "integer" }, "who": { "type": "object", "properties": { "name": { "maxLength": 3 } } } },
        });
        let found = problems(&schema, &json!({ "who": { "name": "hunter2" }, "linee": 1 })).join("\n");
        for expected in ["/who/name", "line", "linee"] {
            assert!(found.contains(expected), "{found}");
        }
        assert!(!found.contains("hunter2"), "{found}");
        assert!(problems(&schema, &json!({ "line": 1 })).is_empty());
    }

    #[test]
    fn a_schema_elsewhere_is_not_fetched() {
        assert!(fault(&json!({ "$ref": "https://example.com/schema.json" })).is_some());
        assert!(fault(&json!({ "$ref": "file:///etc/passwd" })).is_some());
    }
}
