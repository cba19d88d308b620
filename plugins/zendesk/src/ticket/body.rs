//! The bytes that make the ticket.

use std::collections::BTreeMap;

use handoff_sdk::{Result, model::connector::Transfer, text::truncate_utf16};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{files::Files, transcript};
use crate::{
    client::{refused, unavailable},
    options,
    support::Support,
    wire::text,
};

/// A little below the 65,535 bytes that a comment is said to take.
const COMMENT_LIMIT: usize = 60_000;
/// How much of a long chat stands in the comment beside the file: its end.
const END: usize = 8_000;
/// Longest subject, name and address.
const SUBJECT_UNITS: usize = 150;
const REQUESTER_UNITS: usize = 128;
/// The file that a long chat goes into.
const FILE: &str = "transcript.txt";

/// What an author chose for this handoff. Choices that are not known are meant for other platforms or routes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Choices {
    priority: Value,
    r#type: Value,
    group: Value,
    operator: Value,
    brand: Value,
    form: Value,
    tags: Value,
    subject: Value,
    /// `comment` or `file`.
    transcript: Value,
    /// Custom fields: the field's number, and its value as Zendesk wants it for the field's type.
    fields: BTreeMap<String, Value>,
}

/// A body, and what it could not hold.
pub(super) struct Body {
    pub(super) ticket: Value,
    pub(super) remarks: Vec<String>,
}

/// What every ticket of a handoff is found by.
pub(super) fn external_id(transfer: &Transfer) -> String {
    format!("handoff:{}", transfer.key)
}

/// Makes the body. Uploads the transcript first when it does not fit a comment, or the author wants a file.
pub(super) async fn make(support: &Support<'_>, transfer: &Transfer) -> Result<Body> {
    let (options, remarks) = options::sound(&transfer.options);
    let mut choices: Choices = serde_json::from_value(options).unwrap_or_default();
    if text(&json!({ "it": choices.brand }), "it").trim().is_empty() {
        choices.brand = json!(support.settings.brand);
    }
    let mut body = Body { ticket: plain(support, transfer, &choices), remarks };
    body.numbers(&choices);
    body.fields(&choices.fields);
    body.requester(transfer);
    let mut comment = comment(support, transfer, choices.transcript.as_str() == Some("file")).await?;
    let files = Files::upload(support, transfer.transcript.iter().map(|message| &message.content)).await?;
    files.attach(&mut comment);
    body.remarks.extend(files.left_out.into_iter().map(|what| format!("not attached: {what}")));
    body.ticket["comment"] = comment;
    Ok(body)
}

/// The bytes that are sent.
pub(super) fn bytes(ticket: &Value) -> String {
    json!({ "ticket": ticket }).to_string()
}

fn plain(support: &Support<'_>, transfer: &Transfer, choices: &Choices) -> Value {
    let mut ticket = json!({
        "subject": subject(transfer, choices),
        "external_id": external_id(transfer),
        "tags": tags(&choices.tags, &support.settings.ticket_tag),
        "metadata": { "handoff": transfer.key },
    });
    for (member, value, known) in [
        ("priority", &choices.priority, &["low", "normal", "high", "urgent"][..]),
        ("type", &choices.r#type, &["problem", "incident", "question", "task"][..]),
    ] {
        let word = text(&json!({ "it": value }), "it").to_ascii_lowercase();
        if known.contains(&word.as_str()) {
            ticket[member] = json!(word);
        }
    }
    ticket
}

fn subject(transfer: &Transfer, choices: &Choices) -> String {
    let chosen = choices.subject.as_str().map(str::trim).filter(|subject| !subject.is_empty());
    let name = transfer.person.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let subject = match (chosen, name) {
        (Some(subject), _) => subject.to_owned(),
        (None, Some(name)) => format!("Chat with {name}"),
        (None, None) => "Chat handed over".to_owned(),
    };
    truncate_utf16(&subject.replace("{{", "{ {"), SUBJECT_UNITS).to_owned()
}

/// A list; a tag holds no white space. Ours is among them, so that triggers can leave the ticket out.
fn tags(chosen: &Value, ours: &str) -> Vec<String> {
    let words: Vec<String> = match chosen {
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        other => other.as_str().unwrap_or_default().split(',').map(str::to_owned).collect(),
    };
    let mut tags = vec![ours.to_owned()];
    for tag in words.iter().map(|word| word.split_whitespace().collect::<Vec<_>>().join("_")) {
        if !tag.is_empty() && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

async fn comment(support: &Support<'_>, transfer: &Transfer, as_file: bool) -> Result<Value> {
    let whole = transcript::whole(transfer, &support.settings.assistant_name);
    // The requester must not get a copy of the chat by e-mail.
    if !as_file && whole.len() <= COMMENT_LIMIT {
        return Ok(json!({ "body": whole, "public": false }));
    }
    let answer = support.upload(FILE, &whole).await?;
    if answer.status == 413 {
        return Err(refused("the transcript is larger than Zendesk takes"));
    }
    let token = text(&answer.accept()?["upload"], "token");
    if token.is_empty() {
        return Err(unavailable("Zendesk's answer names no upload"));
    }
    let body = format!("The whole chat is attached as {FILE}. It ends:\n\n{}", end(&whole));
    Ok(json!({ "body": body, "public": false, "uploads": [token] }))
}

/// The end of a text, from the beginning of a paragraph on where there is one.
fn end(whole: &str) -> &str {
    let mut from = whole.len().saturating_sub(END);
    while !whole.is_char_boundary(from) {
        from += 1;
    }
    let last = &whole[from..];
    if from == 0 { last } else { last.split_once("\n\n").map_or(last, |(_, rest)| rest) }
}

impl Body {
    fn numbers(&mut self, choices: &Choices) {
        for (member, choice, value) in [
            ("group_id", "group", &choices.group),
            ("assignee_id", "operator", &choices.operator),
            ("brand_id", "brand", &choices.brand),
            ("ticket_form_id", "form", &choices.form),
        ] {
            let word = text(&json!({ "it": value }), "it");
            match word.trim().parse::<u64>() {
                Ok(id) => self.ticket[member] = json!(id),
                Err(_) if word.trim().is_empty() => {}
                Err(_) => self
                    .remarks
                    .push(format!("the option {choice} was left out: it must be an id, in digits")),
            }
        }
    }

    /// Values keep their type: a check-box wants true or false, a field of many choices a list of tags.
    fn fields(&mut self, fields: &BTreeMap<String, Value>) {
        let mut list = Vec::new();
        for (field, value) in fields {
            match (field.trim().parse::<u64>(), value) {
                (_, Value::Null) => {}
                (Ok(id), Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Array(_)) => {
                    list.push(json!({ "id": id, "value": value }));
                }
                (Ok(_), Value::Object(_)) => {
                    self.remarks.push(format!("the field {field} was left out: no field takes an object"));
                }
                (Err(_), _) => {
                    let field = truncate_utf16(field, 40);
                    self.remarks
                        .push(format!("the field {field:?} was left out: a field is named by its number"));
                }
            }
        }
        if !list.is_empty() {
            self.ticket["custom_fields"] = json!(list);
        }
    }

    /// Zendesk finds or makes the requester by the e-mail address.
    fn requester(&mut self, transfer: &Transfer) {
        let person = &transfer.person;
        let email = person.email.as_deref().map(str::trim).unwrap_or_default();
        if email.is_empty() || truncate_utf16(email, REQUESTER_UNITS) != email {
            let remark =
                "the person's e-mail address is not known: the ticket's requester is the API's own user";
            return self.remarks.push(remark.to_owned());
        }
        let name = person.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        // Without a name Zendesk refuses an address that it does not know.
        let name = name.unwrap_or_else(|| email.split('@').next().unwrap_or(email));
        let mut requester = Map::new();
        requester.insert("email".to_owned(), json!(email));
        requester.insert("name".to_owned(), json!(truncate_utf16(name, REQUESTER_UNITS)));
        self.ticket["requester"] = Value::Object(requester);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_that_cannot_be_sent_is_left_out_and_named() {
        let mut body = Body { ticket: json!({}), remarks: Vec::new() };
        let choices: Choices = serde_json::from_value(json!({
            "group": "sales", "brand": 7, "operator": "12",
            "fields": { "1": "refund", "2": true, "3": ["a", "b"], "4": {}, "x": 1, "5": null },
        }))
        .unwrap();
        body.numbers(&choices);
        body.fields(&choices.fields);
        assert_eq!(
            body.ticket,
            json!({ "assignee_id": 12, "brand_id": 7, "custom_fields": [
                { "id": 1, "value": "refund" }, { "id": 2, "value": true }, { "id": 3, "value": ["a", "b"] }] })
        );
        assert_eq!(body.remarks.len(), 3, "{:?}", body.remarks);
    }

    #[test]
    fn tags_are_one_word_each_and_ours_is_among_them() {
        assert_eq!(tags(&json!(["from chat", "handoff", " "]), "handoff"), ["handoff", "from_chat"]);
        assert_eq!(tags(&json!("a, b c"), "handoff"), ["handoff", "a", "b_c"]);
        assert_eq!(tags(&Value::Null, "handoff"), ["handoff"]);
    }

    #[test]
    fn the_end_of_a_long_chat_begins_with_a_whole_paragraph() {
        let paragraph = "\u{1F600}".repeat(700);
        let whole = [paragraph.as_str(); 9].join("\n\n");
        let end = end(&whole);
        assert!(end.len() <= END && end.starts_with('\u{1F600}') && end.len() >= paragraph.len());
        assert_eq!(super::end("short"), "short");
    }
}
