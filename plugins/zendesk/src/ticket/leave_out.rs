//! What Zendesk will not take in a ticket is left out, so that the chat reaches the team all the same.

use serde_json::Value;

use crate::support::{Answer, entries};

/// Members that a ticket can do without, and the words by which a refusal names them.
const OPTIONAL: [(&str, &[&str]); 9] = [
    ("priority", &["priority"]),
    ("type", &["type"]),
    ("assignee_id", &["assignee"]),
    ("group_id", &["group"]),
    ("brand_id", &["brand"]),
    ("ticket_form_id", &["form"]),
    ("tags", &["tag"]),
    ("requester", &["requester", "email"]),
    ("metadata", &["metadata"]),
];

/// Takes out what a refusal complains of; when it does not say what, everything that is not needed.
/// Gives what was taken out, or none when nothing is left to take.
pub(super) fn leave_out(ticket: &mut Value, answer: &Answer) -> Option<Vec<String>> {
    let mut taken = Vec::new();
    for (member, complaints) in answer.body["details"].as_object().into_iter().flatten() {
        for complaint in entries(complaints) {
            taken.extend(blamed(ticket, member, complaint));
        }
    }
    if taken.is_empty() {
        taken = everything(ticket);
    }
    (!taken.is_empty()).then_some(taken)
}

/// One complaint: by the number of a custom field, by the member's name, or by what it says.
fn blamed(ticket: &mut Value, member: &str, complaint: &Value) -> Option<String> {
    if let Some(id) = complaint["ticket_field_id"].as_u64() {
        return field(ticket, id);
    }
    let said = complaint["description"].as_str().unwrap_or_default().to_ascii_lowercase();
    let names = |(_, words): &&(&str, &[&str])| {
        words.iter().any(|word| member.starts_with(word) || (member == "base" && said.contains(word)))
    };
    let (name, _) = OPTIONAL.iter().find(names)?;
    ticket.as_object_mut()?.remove(*name).map(|_| (*name).to_owned())
}

fn field(ticket: &mut Value, id: u64) -> Option<String> {
    let list = ticket["custom_fields"].as_array_mut()?;
    let before = list.len();
    list.retain(|field| field["id"].as_u64() != Some(id));
    let taken = list.len() < before;
    if list.is_empty() {
        ticket.as_object_mut()?.remove("custom_fields");
    }
    taken.then(|| format!("custom field {id}"))
}

/// The requester goes last: it is what the team answers to.
fn everything(ticket: &mut Value) -> Vec<String> {
    let Some(members) = ticket.as_object_mut() else { return Vec::new() };
    let names = OPTIONAL.iter().map(|(name, _)| *name).filter(|name| *name != "requester");
    let taken: Vec<_> = names
        .chain(["custom_fields"])
        .filter(|name| members.remove(*name).is_some())
        .map(str::to_owned)
        .collect();
    if !taken.is_empty() {
        return taken;
    }
    members.remove("requester").map(|_| "requester".to_owned()).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ticket() -> Value {
        json!({ "comment": {}, "external_id": "e", "priority": "high", "group_id": 1, "tags": ["t"],
            "requester": { "email": "a" }, "custom_fields": [{ "id": 1, "value": 1 }, { "id": 2, "value": 2 }] })
    }

    fn refusal(details: Value) -> Answer {
        Answer { status: 422, body: json!({ "error": "RecordInvalid", "details": details }) }
    }

    #[test]
    fn what_is_complained_of_is_taken_out_and_nothing_else() {
        for (details, expected) in [
            (json!({ "custom_fields": [{ "ticket_field_id": 2 }] }), "custom field 2"),
            (json!({ "priority": [{ "description": "Priority: is invalid" }] }), "priority"),
            (json!({ "group": [{ "description": "Group is gone" }] }), "group_id"),
            (json!({ "base": [{ "description": "Requester: Email is not valid" }] }), "requester"),
        ] {
            let mut now = ticket();
            assert_eq!(
                leave_out(&mut now, &refusal(details.clone())),
                Some(vec![expected.to_owned()]),
                "{details}"
            );
            let fields = if expected == "custom field 2" { 1 } else { 2 };
            assert_eq!(now["custom_fields"].as_array().map(Vec::len), Some(fields), "{details}");
        }
    }

    #[test]
    fn a_complaint_of_nothing_takes_all_but_the_requester_and_then_the_requester() {
        let (mut now, unclear) = (ticket(), refusal(json!({ "base": [{ "description": "No." }] })));
        assert!(leave_out(&mut now, &unclear).unwrap().len() >= 4);
        assert_eq!(now, json!({ "comment": {}, "external_id": "e", "requester": { "email": "a" } }));
        assert_eq!(leave_out(&mut now, &unclear), Some(vec!["requester".to_owned()]));
        assert_eq!(leave_out(&mut now, &unclear), None);
    }
}
