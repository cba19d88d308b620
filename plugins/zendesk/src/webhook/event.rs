//! One event in our words.

use handoff_sdk::{
    Result,
    model::{
        HandoffKey,
        connector::{EventKind, PlatformEvent},
    },
};
use serde_json::Value;

use super::{content, ignored};
use crate::{
    client::Client,
    native,
    settings::Settings,
    wire::{Conversation, Message, keys, text},
};

/// Longest name of a live agent that is passed on, in characters.
const NAME_LIMIT: usize = 128;

/// What happened; `base` holds what does not depend on it.
pub(super) async fn decode(
    client: Client<'_>,
    event: &Value,
    base: PlatformEvent,
) -> Result<Vec<PlatformEvent>> {
    let settings = client.settings;
    let (kind, payload) = (text(event, "type"), &event["payload"]);
    if kind == "user:merge" {
        return Ok(merged(payload, base));
    }
    let Some(conversation) = Conversation::read(&payload["conversation"]) else {
        return Ok(vec![PlatformEvent { kind: ignored("no conversation"), ..base }]);
    };
    let owner = conversation.tag(keys::OWNER);
    let instance = conversation.tag(keys::INSTANCE);
    let foreign = (!owner.is_empty() && owner != settings.owner)
        || (!instance.is_empty() && instance != settings.integration_name);
    let key = conversation.tag(keys::HANDOFF);
    let handoff = (!key.is_empty()).then(|| HandoffKey::new(key));
    let kind = match kind.as_str() {
        _ if foreign => ignored("another server's"),
        // A deleted conversation may no longer show what it carried.
        "conversation:remove" => closed("deleted"),
        // No handoff made it: a chat of Zendesk's own channels.
        kind if handoff.is_none() => {
            return Ok(vec![native::told(client, kind, payload, &conversation, base).await?]);
        }
        "conversation:message" => message(settings, &payload["message"]),
        "switchboard:passControl" | "switchboard:acceptControl" => moved(settings, &conversation, payload),
        "switchboard:releaseControl" => closed(reason(payload).unwrap_or("closed")),
        other => ignored(&format!("of the kind {}", shortened(other))),
    };
    // Nothing of another server's chat is passed on, not even which handoff it is.
    let handoff = handoff.filter(|_| !foreign);
    Ok(vec![PlatformEvent { handoff, kind, ..base }])
}

fn message(settings: &Settings, value: &Value) -> EventKind {
    let Some(message) = Message::read(value) else { return ignored("no message") };
    match message.activity.as_str() {
        "ticket:closed" => return closed("closed"),
        "ticket:transfer:email" => return closed("moved_to_email"),
        "conversation:endedByUser" => return closed("ended"),
        _ => {}
    }
    if message.author == "user" {
        return ignored("the person's own words");
    }
    if message.line().is_some() || !message.is_from_workspace() {
        return ignored("our own echo, or a bot's words");
    }
    let content = content::read(settings, &message.content);
    if content.is_empty() && content.quick_replies.is_empty() {
        return ignored("a message that shows nothing");
    }
    let automatic = message.live_agent().as_deref() == Some("__trigger");
    let name = Some(message.display_name.trim()).filter(|name| !automatic && !name.is_empty());
    let name = name.map(|name| name.chars().take(NAME_LIMIT).collect());
    EventKind::LiveAgentMessage { name, content, external_id: message.id }
}

/// Control went somewhere. Away from the live agents it is the end for the person.
fn moved(settings: &Settings, conversation: &Conversation, payload: &Value) -> EventKind {
    if let Some(reason) = reason(payload) {
        return closed(reason);
    }
    if !text(&payload["metadata"], keys::STEP).is_empty() {
        return ignored("our own taking of control");
    }
    if conversation.is_held_by(&settings.target) {
        return ignored("live agents have control");
    }
    closed(if conversation.is_held_by(&settings.integration_name) { "closed" } else { "moved_on" })
}

/// Why control went, when Zendesk says so.
fn reason(payload: &Value) -> Option<&'static str> {
    match payload["reason"].as_str()? {
        "transferToEmail" => Some("moved_to_email"),
        _ => Some("closed"),
    }
}

/// Two users turned out to be one; their conversations may have become one too.
fn merged(payload: &Value, base: PlatformEvent) -> Vec<PlatformEvent> {
    let pairs = match &payload["mergedConversations"] {
        Value::Array(pairs) => pairs.iter().collect(),
        one => vec![one],
    };
    let renames: Vec<_> = pairs
        .into_iter()
        .map(|pair| (text(&pair["discarded"], "id"), text(&pair["surviving"], "id")))
        .filter(|(from, to)| !from.is_empty() && !to.is_empty() && from != to)
        .collect();
    if renames.is_empty() {
        return vec![PlatformEvent { kind: ignored("a merge without conversations"), ..base }];
    }
    let event = |(n, (chat, to)): (usize, (String, String))| {
        // The first keeps the event's own key, so that a batch of one looks like any other event.
        let key = if n == 0 { base.key.clone() } else { format!("{}/{n}", base.key) };
        PlatformEvent { key, chat, kind: EventKind::Renamed { to }, ..base.clone() }
    };
    renames.into_iter().enumerate().map(event).collect()
}

fn closed(reason: &str) -> EventKind {
    EventKind::Closed { reason: reason.to_owned() }
}

fn shortened(kind: &str) -> String {
    kind.chars().filter(|c| !c.is_control()).take(40).collect()
}
