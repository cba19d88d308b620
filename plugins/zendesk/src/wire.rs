//! Zendesk's objects, as far as we look at them. What is not there is empty; nothing is assumed.

use serde_json::{Map, Value, json};

/// Names of our own members of a conversation's and a message's metadata.
pub(crate) mod keys {
    /// The handoff's key; on conversations, messages and control actions.
    pub(crate) const HANDOFF: &str = "handoffId";
    /// The owner tag; on conversations.
    pub(crate) const OWNER: &str = "handoffOwner";
    /// Name of the switchboard integration of the server that made the conversation.
    pub(crate) const INSTANCE: &str = "handoffInstance";
    /// Marks the control actions of our own recipe, so that their events are known as echo.
    pub(crate) const STEP: &str = "handoffStep";
    /// Place of the message in our conversation.
    pub(crate) const SEQ: &str = "seq";
    /// The key of a message that the assistant sent on Zendesk's own channel.
    pub(crate) const SENT: &str = "handoffSent";
    /// Which part of that message, counted from 0.
    pub(crate) const PART: &str = "part";
}

/// An integration in the switchboard.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
}

/// A conversation and who controls it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Conversation {
    pub(crate) id: String,
    pub(crate) is_default: bool,
    pub(crate) created_at: String,
    /// None when the answer had no such member, which is not the same as an empty one.
    pub(crate) metadata: Option<Map<String, Value>>,
    pub(crate) active: Option<Member>,
    pub(crate) pending: Option<Member>,
}

/// A message of a conversation.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) received: String,
    /// `business` or `user`.
    pub(crate) author: String,
    pub(crate) display_name: String,
    pub(crate) source: String,
    /// Set on texts that the system made: what they tell of.
    pub(crate) activity: String,
    pub(crate) content: Value,
    pub(crate) metadata: Map<String, Value>,
}

impl Member {
    /// Reads an integration; none without id and name.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        let id = text(value, "id");
        let name = text(value, "name");
        let known = !(id.is_empty() && name.is_empty());
        known.then(|| Self { id, name, kind: text(value, "integrationType") })
    }

    /// Whether this is the one that a setting names: by id, name or type, as Zendesk looks targets up.
    pub(crate) fn is(&self, named: &str) -> bool {
        self.id == named || self.name == named || self.kind == named
    }
}

impl Conversation {
    /// Reads a conversation; none without an id.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        let id = text(value, "id");
        (!id.is_empty()).then(|| Self {
            id,
            is_default: value["isDefault"].as_bool().unwrap_or_default(),
            created_at: text(value, "createdAt"),
            metadata: value["metadata"].as_object().cloned(),
            active: Member::read(&value["activeSwitchboardIntegration"]),
            pending: Member::read(&value["pendingSwitchboardIntegration"]),
        })
    }

    /// One of the metadata's texts; empty when there is none.
    pub(crate) fn tag(&self, key: &str) -> &str {
        self.metadata
            .as_ref()
            .and_then(|metadata| metadata.get(key))
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(crate) fn is_held_by(&self, named: &str) -> bool {
        self.active.as_ref().is_some_and(|active| active.is(named))
    }

    pub(crate) fn is_offered_to(&self, named: &str) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.is(named))
    }
}

impl Message {
    /// Reads a message; none without an id.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        let id = text(value, "id");
        (!id.is_empty()).then(|| Self {
            id,
            received: text(value, "received"),
            author: text(&value["author"], "type"),
            display_name: text(&value["author"], "displayName"),
            source: text(&value["source"], "type"),
            activity: text(&value["activity"], "type"),
            content: value["content"].clone(),
            metadata: value["metadata"].as_object().cloned().unwrap_or_default(),
        })
    }

    /// Whose line this is: the handoff's key, and which part of which message.
    pub(crate) fn line(&self) -> Option<(&str, u64, u64)> {
        let key = self.metadata.get(keys::HANDOFF)?.as_str()?;
        Some((key, number(self.metadata.get(keys::SEQ)?)?, number(self.metadata.get(keys::PART)?)?))
    }

    /// The live agent's id in Zendesk, or `__trigger` for automatic texts.
    pub(crate) fn live_agent(&self) -> Option<String> {
        let id = self.metadata.get("__zendesk_msg.agent.id")?;
        id.as_str().map(str::to_owned).or_else(|| id.as_u64().map(|id| id.to_string()))
    }

    /// Whether a live agent or the workspace wrote it. Other business messages are our own echo or a
    /// bot's.
    pub(crate) fn is_from_workspace(&self) -> bool {
        self.author == "business" && (self.source == "zd:agentWorkspace" || self.live_agent().is_some())
    }
}

/// The metadata of a line.
pub(crate) fn line_metadata(key: &str, seq: u64, part: u64) -> Value {
    json!({ keys::HANDOFF: key, keys::SEQ: seq, keys::PART: part })
}

/// A member that is a text; numbers are written out, because Zendesk's own examples mix both.
pub(crate) fn text(value: &Value, member: &str) -> String {
    match &value[member] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_tells_whose_it_is() {
        let posted = |metadata: Value, source: &str| {
            Message::read(&json!({ "id": "m", "author": { "type": "business" }, "source": { "type": source },
                "metadata": metadata }))
            .unwrap()
        };
        let ours = posted(line_metadata("h1", 3, 1), "api:conversations");
        assert_eq!(ours.line(), Some(("h1", 3, 1)));
        assert!(!ours.is_from_workspace());
        assert!(posted(json!({}), "zd:agentWorkspace").is_from_workspace());
        assert!(posted(json!({ "__zendesk_msg.agent.id": 901 }), "api:conversations").is_from_workspace());
        assert_eq!(posted(json!({ "handoffId": "h1" }), "x").line(), None);
    }

    #[test]
    fn junk_is_no_object_and_no_panic() {
        for junk in [json!(null), json!([]), json!("x"), json!({ "id": {} }), json!({ "metadata": 1 })] {
            assert_eq!(Conversation::read(&junk), None);
            assert_eq!(Message::read(&junk), None);
        }
        let odd = Message::read(&json!({ "id": 7, "author": 1, "metadata": [1], "content": null })).unwrap();
        assert_eq!((odd.id.as_str(), odd.line()), ("7", None));
    }
}
