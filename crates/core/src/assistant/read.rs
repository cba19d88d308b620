//! Takes an assistant from JSON, and says what is wrong in words an author understands.
//!
//! All problems of shape are found at once, each with its place. Depth and size are bounded
//! before anything is built.

use handoff_model::NodeId;
use serde_json::{Map, Value};

use super::{Assistant, Finding, definition::FORMAT};
use crate::handoff::Rule;

/// Longest JSON text, in bytes.
pub const LONGEST: usize = 4 * 1024 * 1024;
/// Longest id of an assistant.
const LONGEST_ID: usize = 64;
/// Triggers and actions within each other, at most.
const DEEPEST: usize = 24;

const ACTIONS: [(&str, &[&str]); 5] = [
    ("send_message", &["texts", "quick_replies"]),
    ("if_else", &["branches", "else"]),
    ("set_variable", &["name", "value"]),
    ("jump", &["to"]),
    (
        "external_handoff",
        &[
            "platform",
            "connection",
            "route",
            "consent",
            "when_consent_is_refused",
            "when_handoff_fails",
            "check_availability",
            "when_nobody_is_there",
            "texts",
            "budget_seconds",
            "options",
            "redact",
            "fallbacks",
        ],
    ),
];

/// Reads an assistant.
///
/// # Errors
/// Everything that is wrong with its shape.
pub fn read(json: &str) -> Result<Assistant, Vec<Finding>> {
    if json.len() > LONGEST {
        return Err(vec![Finding::error(
            None,
            format!("the file has {} bytes; {LONGEST} are allowed", json.len()),
        )]);
    }
    let value: Value =
        serde_json::from_str(json).map_err(|error| vec![Finding::error(None, not_json(&error))])?;
    let mut shape = Shape { findings: Vec::new() };
    shape.assistant(&value);
    if !shape.findings.is_empty() {
        return Err(shape.findings);
    }
    serde_json::from_value(value).map_err(|error| vec![Finding::error(None, error.to_string())])
}

fn not_json(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.contains("recursion limit") {
        return format!("nodes may lie {DEEPEST} deep within each other; here they lie far deeper");
    }
    format!("this is not JSON: {text}")
}

struct Shape {
    findings: Vec<Finding>,
}

impl Shape {
    fn assistant(&mut self, value: &Value) {
        let Some(object) = self.object(value, "the file", None) else { return };
        self.known(object, &["format", "id", "name", "language", "triggers"], "the assistant", None);
        match object.get("format").and_then(Value::as_u64) {
            Some(format) if format == u64::from(FORMAT) => {}
            _ => self.say(None, format!("\"format\" must be {FORMAT}")),
        }
        self.text(object, "id", "the assistant", None);
        let word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let id = object.get("id").and_then(Value::as_str).unwrap_or_default();
        if id.len() > LONGEST_ID || !id.chars().all(word) {
            self.say(
                None,
                format!("the assistant's \"id\" has at most {LONGEST_ID} letters, digits, - _ and ."),
            );
        }
        self.text(object, "name", "the assistant", None);
        for trigger in self.list(object, "triggers", true, "the assistant", None) {
            self.trigger(trigger, 1);
        }
    }

    fn trigger(&mut self, value: &Value, depth: usize) {
        let Some(object) = self.object(value, "a trigger", None) else { return };
        let id = id(object);
        if !self.shallow(depth, id.as_ref()) {
            return;
        }
        self.known(object, &["id", "enabled", "on", "actions", "triggers"], "a trigger", id.clone());
        self.text(object, "id", "a trigger", id.clone());
        self.event(object.get("on"), id.clone());
        for action in self.list(object, "actions", false, "a trigger", id.clone()) {
            self.action(action, depth + 1);
        }
        for trigger in self.list(object, "triggers", false, "a trigger", id) {
            self.trigger(trigger, depth + 1);
        }
    }

    fn event(&mut self, on: Option<&Value>, id: Option<NodeId>) {
        let event = on.and_then(|on| on.get("event")).and_then(Value::as_str);
        match event {
            Some("chat_started" | "fallback" | "message_received") => {}
            Some(other) => self.say(
                id,
                format!("unknown trigger {other:?}; there are chat_started, message_received and fallback"),
            ),
            None => self.say(id, "a trigger needs \"on\": {\"event\": …}".to_owned()),
        }
    }

    fn action(&mut self, value: &Value, depth: usize) {
        let Some(object) = self.object(value, "an action", None) else { return };
        let id = id(object);
        if !self.shallow(depth, id.as_ref()) {
            return;
        }
        self.text(object, "id", "an action", id.clone());
        let Some(name) = object.get("action").and_then(Value::as_str) else {
            return self.say(id, "an action needs \"action\": its kind".to_owned());
        };
        let Some((_, members)) = ACTIONS.iter().find(|(known, _)| *known == name) else {
            let names: Vec<_> = ACTIONS.iter().map(|(name, _)| *name).collect();
            return self.say(id, format!("unknown action {name:?}; there are {}", names.join(", ")));
        };
        let known: Vec<_> = members.iter().copied().chain(["id", "enabled", "action"]).collect();
        self.known(object, &known, name, id.clone());
        self.inner(object, depth, id);
    }

    fn inner(&mut self, object: &Map<String, Value>, depth: usize, id: Option<NodeId>) {
        for branch in self.list(object, "branches", false, "an action", id.clone()) {
            if let Some(branch) = self.object(branch, "a branch", id.clone()) {
                self.known(branch, &["if", "actions"], "a branch", id.clone());
                self.text(branch, "if", "a branch", id.clone());
                for action in self.list(branch, "actions", false, "a branch", id.clone()) {
                    self.action(action, depth + 1);
                }
            }
        }
        if let Some(consent) = object.get("consent").filter(|consent| !consent.is_null())
            && let Some(consent) = self.object(consent, "consent", id.clone())
        {
            self.known(consent, &["question", "yes", "no"], "consent", id.clone());
            self.text(consent, "question", "consent", id.clone());
        }
        for rule in self.list(object, "redact", false, "an action", id.clone()) {
            if let Err(problem) = Rule::try_from(rule.clone()) {
                self.say(id.clone(), problem);
            }
        }
        for member in ["else", "when_handoff_fails", "when_nobody_is_there", "when_consent_is_refused"] {
            for action in self.list(object, member, false, "an action", id.clone()) {
                self.action(action, depth + 1);
            }
        }
    }

    fn object<'a>(
        &mut self,
        value: &'a Value,
        what: &str,
        id: Option<NodeId>,
    ) -> Option<&'a Map<String, Value>> {
        if !value.is_object() {
            self.say(id, format!("{what} must be a JSON object"));
        }
        value.as_object()
    }

    fn known(&mut self, object: &Map<String, Value>, known: &[&str], what: &str, id: Option<NodeId>) {
        for key in object.keys().filter(|key| !known.contains(&key.as_str())) {
            self.say(id.clone(), format!("{what} has no {key:?}; it has {}", known.join(", ")));
        }
    }

    fn text(&mut self, object: &Map<String, Value>, key: &str, what: &str, id: Option<NodeId>) {
        let fits = object.get(key).and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty());
        if !fits {
            self.say(id, format!("{what} needs {key:?}, a text"));
        }
    }

    fn list<'a>(
        &mut self,
        object: &'a Map<String, Value>,
        key: &str,
        needed: bool,
        what: &str,
        id: Option<NodeId>,
    ) -> &'a [Value] {
        match object.get(key) {
            Some(Value::Array(list)) => return list,
            None if !needed => {}
            _ => self.say(id, format!("{what} needs {key:?}, a list")),
        }
        &[]
    }

    fn shallow(&mut self, depth: usize, id: Option<&NodeId>) -> bool {
        if depth > DEEPEST {
            self.say(
                id.cloned(),
                format!("nodes may lie {DEEPEST} deep within each other; this one lies deeper"),
            );
        }
        depth <= DEEPEST
    }

    fn say(&mut self, node: Option<NodeId>, problem: String) {
        self.findings.push(Finding::error(node, problem));
    }
}

fn id(object: &Map<String, Value>) -> Option<NodeId> {
    object.get("id").and_then(Value::as_str).map(NodeId::new)
}
