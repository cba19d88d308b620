//! What goes along with control: the fields of the ticket that live agents see.
//!
//! Zendesk takes 4 KB, and only while the ticket does not exist yet. The most needed goes first;
//! what no longer fits is left out and named.

use std::collections::BTreeMap;

use handoff_sdk::{model::connector::Transfer, text::truncate_utf16};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::options;

/// A little below Zendesk's 4096 bytes, because it does not say how it counts.
const LIMIT: usize = 4000;
/// Longest name and address.
const REQUESTER_UNITS: usize = 128;

/// What an author chose for this handoff. Choices that are not known are meant for other platforms.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Choices {
    priority: Value,
    group: Value,
    operator: Value,
    tags: Value,
    subject: Value,
    brand: Value,
    /// Custom fields: the field's number, and its value or the tag of the chosen option.
    fields: BTreeMap<String, Value>,
}

/// Fields within the limit, and what had to be left out.
pub(crate) struct Fields {
    pub(crate) metadata: Map<String, Value>,
    pub(crate) remarks: Vec<String>,
}

/// The fields of a transfer whose first line has this id. `brand` is the one of a chat for which nobody chose another.
pub(crate) fn of(transfer: &Transfer, first_line: &str, brand: &str) -> Fields {
    let (options, remarks) = options::sound(&transfer.options);
    let mut fields = Fields { metadata: Map::new(), remarks };
    for (name, value) in wanted(transfer, options, first_line, brand) {
        fields.add(name, value);
    }
    fields
}

impl Fields {
    fn add(&mut self, name: String, value: String) {
        if value.is_empty() {
            return;
        }
        let mut larger = self.metadata.clone();
        larger.insert(name.clone(), json!(value));
        if serde_json::to_vec(&larger).is_ok_and(|bytes| bytes.len() <= LIMIT) {
            self.metadata = larger;
        } else {
            self.remarks.push(format!("the ticket field {} did not fit", short(&name)));
        }
    }
}

/// Every field that is wanted, the most needed first.
fn wanted(transfer: &Transfer, options: Value, first_line: &str, brand: &str) -> Vec<(String, String)> {
    let choices: Choices = serde_json::from_value(options).unwrap_or_default();
    let person = &transfer.person;
    let chosen_brand = Some(word(&choices.brand)).filter(|chosen| !chosen.is_empty());
    let system = |name: &str, value: String| (format!("dataCapture.systemField.{name}"), value);
    let mut wanted = vec![
        // Without it live agents see the last ten messages only.
        ("first_message_id".to_owned(), first_line.to_owned()),
        system("requester.name", requester(&person.name)),
        system("requester.email", requester(&person.email)),
        system("priority", priority(&choices.priority)),
        system("group_id", word(&choices.group)),
        system("assignee_id", word(&choices.operator)),
        system("brand_id", chosen_brand.unwrap_or_else(|| brand.to_owned())),
        system("tags", tags(&choices.tags)),
    ];
    for (field, value) in &choices.fields {
        wanted.push((format!("dataCapture.ticketField.{field}"), word(value)));
    }
    wanted.push(system("subject", word(&choices.subject)));
    wanted
}

fn requester(value: &Option<String>) -> String {
    truncate_utf16(value.as_deref().unwrap_or_default().trim(), REQUESTER_UNITS).to_owned()
}

fn priority(value: &Value) -> String {
    let word = word(value).to_ascii_lowercase();
    if matches!(word.as_str(), "low" | "normal" | "high" | "urgent") { word } else { String::new() }
}

/// One text, separated by commas; a tag holds no white space.
fn tags(value: &Value) -> String {
    let words: Vec<String> = match value {
        Value::Array(items) => items.iter().map(word).collect(),
        other => word(other).split(',').map(str::to_owned).collect(),
    };
    let whole = words.iter().map(|tag| tag.split_whitespace().collect::<Vec<_>>().join("_"));
    whole.filter(|tag| !tag.is_empty()).collect::<Vec<_>>().join(",")
}

/// Zendesk wants every value as a text.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(yes) => yes.to_string(),
        _ => String::new(),
    }
}

fn short(name: &str) -> &str {
    truncate_utf16(name.strip_prefix("dataCapture.").unwrap_or(name), 60)
}

#[cfg(test)]
mod tests {
    use handoff_sdk::model::{HandoffKey, Person, Route};

    use super::*;

    fn transfer(options: Value) -> Transfer {
        let person =
            Person { name: Some("Ann".into()), email: Some("ann@example.org".into()), ..Person::default() };
        Transfer {
            key: HandoffKey::new("h1"),
            route: Route::Bridge,
            chat: None,
            platform_session: None,
            person,
            transcript: Vec::new(),
            options,
            checkpoint: None,
        }
    }

    #[test]
    fn every_value_is_a_text() {
        let options = json!({ "priority": "High", "group": 42, "operator": "7", "tags": ["from assistant", "vip"],
            "fields": { "3600": "refund", "3601": true }, "subject": "Order 12", "line": 3 });
        let fields = of(&transfer(options), "m1", "");
        assert_eq!(
            Value::Object(fields.metadata),
            json!({
                "first_message_id": "m1",
                "dataCapture.systemField.requester.name": "Ann",
                "dataCapture.systemField.requester.email": "ann@example.org",
                "dataCapture.systemField.priority": "high",
                "dataCapture.systemField.group_id": "42",
                "dataCapture.systemField.assignee_id": "7",
                "dataCapture.systemField.tags": "from_assistant,vip",
                "dataCapture.systemField.subject": "Order 12",
                "dataCapture.ticketField.3600": "refund",
                "dataCapture.ticketField.3601": "true",
            })
        );
        assert!(fields.remarks.is_empty());
    }

    #[test]
    fn the_accounts_brand_is_the_one_of_the_connection_unless_the_author_chose_another() {
        for (options, connection, expected) in
            [(json!({}), "", None), (json!({}), "47", Some("47")), (json!({ "brand": 48 }), "47", Some("48"))]
        {
            let fields = of(&transfer(options), "m1", connection);
            let brand = fields.metadata.get("dataCapture.systemField.brand_id").and_then(Value::as_str);
            assert_eq!(brand, expected);
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_named_and_the_rest_stays() {
        let options =
            json!({ "fields": { "1": "x".repeat(4096), "2": "\u{1F600}".repeat(200) }, "subject": "short" });
        let fields = of(&transfer(options), "m1", "");
        assert!(serde_json::to_vec(&fields.metadata).unwrap().len() <= 4096);
        assert_eq!(fields.metadata["first_message_id"], "m1", "");
        assert_eq!(fields.metadata["dataCapture.systemField.subject"], "short");
        assert_eq!(fields.remarks, ["the ticket field ticketField.1 did not fit"]);
    }

    #[test]
    fn options_of_another_shape_are_no_obstacle() {
        for options in [
            json!(null),
            json!([1]),
            json!({ "fields": 3 }),
            json!({ "tags": {} }),
            json!({ "priority": "asap" }),
        ] {
            let fields = of(&transfer(options), "m1", "");
            assert_eq!(fields.metadata.len(), 3);
        }
    }
}
