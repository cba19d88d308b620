//! What may be sent and what may come, as Zendesk's documentation says it: fields that it does not know, and
//! required ones that are missing, fail.
//!
//! Every request that any journey makes is checked on its way; events are checked where they are read.

use std::sync::LazyLock;

use handoff_sdk::model::connector::{HttpBody, HttpRequest};
use serde_json::{Value, json};

static REQUESTS: LazyLock<Value> = LazyLock::new(|| read(include_str!("requests.json")));
static EVENTS: LazyLock<Value> = LazyLock::new(|| read(include_str!("events.json")));

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Fails on a request that Zendesk does not describe.
pub(crate) fn check_request(request: &HttpRequest) {
    let problems = request_problems(request);
    assert!(problems.is_empty(), "{} {}: {}", request.method, request.url, problems.join("; "));
}

/// Fails on a call of the webhook that Zendesk does not describe.
pub(crate) fn check_events(body: &Value) {
    let problems = event_problems(body);
    assert!(problems.is_empty(), "{}: {body:#}", problems.join("; "));
}

fn request_problems(request: &HttpRequest) -> Vec<String> {
    let address = request.url.splitn(4, '/').nth(3).map(|rest| format!("/{rest}")).unwrap_or_default();
    let (path, query) = address.split_once('?').unwrap_or((&address, ""));
    let fits = |known: &&Value| {
        known["method"] == request.method.as_str()
            && matches(known["path"].as_str().unwrap(), path)
            && matches(known["query"].as_str().unwrap(), query)
    };
    let Some(known) = REQUESTS["requests"].as_array().unwrap().iter().find(fits) else {
        return vec!["no such call is described".to_owned()];
    };
    let body = match &request.body {
        HttpBody::Empty => Value::Null,
        HttpBody::Json(body) => body.clone(),
        HttpBody::Text(text) => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
        HttpBody::Blob { .. } | HttpBody::Multipart { .. } => {
            return vec!["no call with a file is described".to_owned()];
        }
    };
    if known["body"].is_null() {
        return if body.is_null() { Vec::new() } else { vec!["a body where none belongs".to_owned()] };
    }
    let metadata = body["metadata"].to_string().len();
    let mut found = problems(&known["body"], &REQUESTS["$defs"], &body);
    found.extend((metadata > 4096).then(|| format!("{metadata} bytes of metadata")));
    found.extend(
        (body.to_string().len() > 100 * 1024 && path.starts_with("/sc/")).then(|| "over 100 kb".to_owned()),
    );
    found
}

fn event_problems(body: &Value) -> Vec<String> {
    let mut found = problems(&EVENTS["envelope"], &EVENTS["$defs"], body);
    for event in body["events"].as_array().into_iter().flatten() {
        let payload = &EVENTS["payloads"][event["type"].as_str().unwrap_or_default()];
        found.extend(problems(payload, &EVENTS["$defs"], &event["payload"]));
    }
    found
}

fn problems(schema: &Value, definitions: &Value, value: &Value) -> Vec<String> {
    let mut whole = schema.clone();
    whole["$defs"] = definitions.clone();
    let validator = jsonschema::validator_for(&whole).unwrap();
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path().as_str())).collect()
}

fn matches(pattern: &str, text: &str) -> bool {
    let schema = json!({ "type": "string", "pattern": pattern });
    jsonschema::is_valid(&schema, &json!(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posted(path: &str, body: Value) -> Vec<String> {
        let request =
            handoff_sdk::Request::new("POST", format!("https://acme.zendesk.com{path}")).json(&body);
        request_problems(&request.into_inner())
    }

    #[test]
    fn what_zendesk_does_not_describe_is_a_problem() {
        let text = json!({ "author": { "type": "business" }, "content": { "type": "text", "text": "Hi" } });
        let path = "/sc/v2/apps/a/conversations/c/messages";
        assert_eq!(posted(path, text.clone()), Vec::<String>::new());
        for (pointer, value) in [
            ("/content/colour", json!("red")),
            ("/author/type", json!("agent")),
            ("/content/text", json!("x".repeat(4097))),
            ("/metadata", json!({ "nested": {} })),
            ("/metadata", json!({ "large": "x".repeat(4096) })),
        ] {
            let mut wrong = text.clone();
            let (parent, member) = pointer.rsplit_once('/').unwrap();
            wrong.pointer_mut(parent).unwrap()[member] = value;
            assert!(!posted(path, wrong).is_empty(), "{pointer}");
        }
        assert!(!posted("/sc/v2/apps/a/conversations/c/releaseControl", json!({})).is_empty());
        assert!(
            !posted("/api/v2/tickets", json!({ "ticket": { "comment": { "public": false } } })).is_empty()
        );
    }

    #[test]
    fn an_event_with_a_field_too_many_or_too_few_is_a_problem() {
        let id = "5f74a0d52b5315fc007e798a";
        let event = json!({ "id": id, "createdAt": "2020-09-30T15:14:29.834Z", "type": "conversation:remove",
            "payload": { "conversation": { "id": id, "type": "personal" } } });
        let envelope = |event: Value| json!({ "app": { "id": "a" }, "webhook": { "id": "w", "version": "v2" }, "events": [event] });
        assert_eq!(event_problems(&envelope(event.clone())), Vec::<String>::new());
        let mut more = event.clone();
        more["payload"]["conversation"]["mood"] = json!("good");
        let mut fewer = event;
        fewer["payload"] = json!({});
        for wrong in [more, fewer] {
            assert!(!event_problems(&envelope(wrong)).is_empty());
        }
    }
}
