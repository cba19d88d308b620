//! Events of a conversation on Zendesk's own channels.

use handoff_sdk::{
    Result,
    model::{
        Content, Person, Timestamp,
        connector::{EventKind, PlatformEvent},
    },
};
use serde_json::Value;

use super::place;
use crate::{
    bridge::conversation,
    client::Client,
    time,
    webhook::{content, ignored},
    wire::{Conversation, Message, keys, text},
};

/// Who controls a conversation, as far as it concerns us.
enum Holder {
    /// The assistant may answer. The session, as a number that grows whenever control comes back.
    Us(String),
    /// The live agents.
    Team,
    /// Another bot, or nobody.
    Other,
}

/// What happened; `base` holds what does not depend on it.
///
/// # Errors
/// When it has to be asked who controls the conversation now, and Zendesk does not say.
pub(crate) async fn told(
    client: Client<'_>,
    kind: &str,
    payload: &Value,
    conversation: &Conversation,
    base: PlatformEvent,
) -> Result<PlatformEvent> {
    let at = base.at;
    match kind {
        "conversation:create" => {
            let person = person(&payload["user"], "");
            let event = PlatformEvent { kind: EventKind::ChatStarted { person }, ..base };
            Ok(by_holder(holder(client, conversation, at).await?, event, false))
        }
        "conversation:message" => message(client, &payload["message"], conversation, base).await,
        "conversation:postback" => {
            let content = Content::text(text(&payload["postback"], "payload"));
            if content.is_empty() {
                return Ok(PlatformEvent { kind: ignored("a button without a payload"), ..base });
            }
            let (person, external_id) = (person(&payload["user"], ""), base.key.clone());
            let kind = EventKind::PersonMessage { person, content, external_id, held_by_live_agent: false };
            let event = PlatformEvent { kind, ..base };
            Ok(by_holder(holder(client, conversation, at).await?, event, true))
        }
        "switchboard:passControl" | "switchboard:acceptControl" => Ok(PlatformEvent {
            platform_session: Some(number(at)),
            kind: taken(client, payload, conversation).await?,
            ..base
        }),
        _ => Ok(PlatformEvent { kind: ignored("no matter of a chat here"), ..base }),
    }
}

async fn message(
    client: Client<'_>,
    value: &Value,
    conversation: &Conversation,
    base: PlatformEvent,
) -> Result<PlatformEvent> {
    let ignore = |why: &str| Ok(PlatformEvent { kind: ignored(why), ..base.clone() });
    let Some(message) = Message::read(value) else { return ignore("no message") };
    if message.author != "user" {
        return ignore("our own echo, or the team's words to the person");
    }
    let content = said(client, &message);
    if content.is_empty() {
        return ignore("a message that shows nothing");
    }
    let person = person(&value["author"]["user"], &message.display_name);
    let person =
        if person.id.is_empty() { Person { id: text(&value["author"], "userId"), ..person } } else { person };
    let at = time::parse(&message.received).unwrap_or(base.at);
    let kind =
        EventKind::PersonMessage { person, content, external_id: message.id, held_by_live_agent: false };
    let event = PlatformEvent { at, kind, ..base };
    Ok(by_holder(holder(client, conversation, at).await?, event, true))
}

/// The words. A reply button's own text may be cut by the channel; its payload is what was offered.
fn said(client: Client<'_>, message: &Message) -> Content {
    let mut content = content::read(client.settings, &message.content);
    let payload = text(&message.content, "payload");
    if !payload.trim().is_empty() {
        content.text = payload;
    }
    content.quick_replies.clear();
    content
}

/// An event that the assistant may answer, one that live agents answer, or one that is not for us.
fn by_holder(holder: Holder, event: PlatformEvent, speaks: bool) -> PlatformEvent {
    match (holder, event.kind) {
        (Holder::Us(session), kind) => PlatformEvent { platform_session: Some(session), kind, ..event },
        (Holder::Team, EventKind::PersonMessage { person, content, external_id, .. }) if speaks => {
            let kind = EventKind::PersonMessage { person, content, external_id, held_by_live_agent: true };
            PlatformEvent { platform_session: Some(number(event.at)), kind, ..event }
        }
        (Holder::Team, _) => PlatformEvent { kind: ignored("live agents have the chat"), ..event },
        (Holder::Other, _) => PlatformEvent { kind: ignored("another bot has the chat, or nobody"), ..event },
    }
}

/// Who controls the conversation. An event says who did when it happened; once we have passed a
/// conversation on, that may be long ago, and whether control came back is asked.
async fn holder(client: Client<'_>, then: &Conversation, at: Timestamp) -> Result<Holder> {
    let settings = client.settings;
    if then.is_held_by(&settings.target) {
        return Ok(Holder::Team);
    }
    if !then.is_held_by(&settings.integration_name) {
        return Ok(Holder::Other);
    }
    let Some(place) = place::of(client.cx, &then.id).await? else { return Ok(Holder::Us(number(at))) };
    if !place.passed {
        // From before the pass: no later session than the one that is being passed on.
        return Ok(Holder::Us(place.session.unwrap_or_else(|| number(at))));
    }
    Ok(match conversation::get(&client, &then.id).await? {
        Some(now) if now.is_held_by(&settings.integration_name) => Holder::Us(number(at)),
        Some(now) if now.is_held_by(&settings.target) => Holder::Team,
        _ => Holder::Other,
    })
}

/// Control went to the live agents without our asking. That is asked for once more: the event may be old.
async fn taken(client: Client<'_>, payload: &Value, then: &Conversation) -> Result<EventKind> {
    let metadata = &payload["metadata"];
    if !text(metadata, keys::STEP).is_empty() || !text(metadata, keys::HANDOFF).is_empty() {
        return Ok(ignored("our own passing of control"));
    }
    if !then.is_held_by(&client.settings.target) {
        return Ok(ignored("control is not with the live agents; whoever has it answers the next message"));
    }
    Ok(match conversation::get(&client, &then.id).await? {
        Some(now) if now.is_held_by(&client.settings.target) => EventKind::TakenByPlatform,
        _ => ignored("live agents had the chat and have it no more"),
    })
}

fn number(at: Timestamp) -> String {
    at.0.max(0).to_string()
}

fn person(user: &Value, display_name: &str) -> Person {
    let profile = &user["profile"];
    let filled = |value: String| Some(value.trim().to_owned()).filter(|value| !value.is_empty());
    let whole = [text(profile, "givenName"), text(profile, "surname")].join(" ");
    Person {
        id: text(user, "id"),
        name: filled(whole).or_else(|| filled(display_name.to_owned())),
        email: filled(text(profile, "email")),
        phone: None,
        language: filled(text(profile, "locale")),
    }
}
