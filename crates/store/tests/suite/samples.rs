//! Rows to store.

use handoff_core::{
    handoff::{Handoff, HandoffState, Receipt, Texts},
    session::Conversation,
    store::{Changes, Dedupe, EffectKind, NewEffect},
};
use handoff_model::{
    Author, ChannelId, ConnectionId, ConnectorId, Content, ConversationId, Delivery, HandoffId, Message,
    NodeId, Person, Route, SessionId, Timestamp,
};
use serde_json::json;

/// A conversation that is not stored yet.
pub(crate) fn conversation(name: &str) -> Conversation {
    let person = Person { id: name.into(), name: Some(format!("{name} Example")), ..Person::default() };
    Conversation::new(ChannelId::new("web"), name.into(), person, Timestamp(1))
}

/// The message at a place: an even place is the assistant's.
pub(crate) fn message(seq: u64, text: &str) -> Message {
    let author = if seq.is_multiple_of(2) { Author::Assistant } else { Author::Person };
    let delivery = if author == Author::Person { Delivery::Delivered } else { Delivery::Pending };
    let at = Timestamp(100 + i64::try_from(seq).unwrap());
    Message { seq, author, content: Content::text(text), at, delivery, external_id: None }
}

/// Stores the conversation as it is, with messages.
pub(crate) fn with_messages(conversation: &Conversation, messages: &[Message]) -> Changes {
    let messages = messages.iter().map(|message| (conversation.id.clone(), message.clone())).collect();
    Changes { conversation: Some(conversation.clone()), messages, ..Changes::default() }
}

/// Stores the conversation as it is.
pub(crate) fn only(conversation: &Conversation) -> Changes {
    with_messages(conversation, &[])
}

/// The handoff of a conversation that an event fired.
pub(crate) fn handoff(conversation: &ConversationId, event: &str) -> Handoff {
    Handoff {
        id: HandoffId::derive(conversation, event, 0),
        version: 0,
        conversation: conversation.clone(),
        session: SessionId::nth(conversation, 1),
        node: NodeId::new("n7"),
        connection: ConnectionId::new("desk"),
        connector: ConnectorId::new("zendesk"),
        platform: "Zendesk".into(),
        route: Route::Bridge,
        chat: None,
        platform_session: None,
        options: json!({ "priority": "high" }),
        texts: Texts::default(),
        state: HandoffState::Requested,
        fired_at: Timestamp(1000),
        give_up_at: Timestamp(61_000),
        settle_ms: 60_000,
        speaks_after_transfer: false,
        check_availability: false,
        consent: None,
        redact: Vec::new(),
        fallbacks: Vec::new(),
        replay_of: None,
        replayed_as: None,
        attempts: 0,
        fired_seq: 3,
        transcript_until: None,
        checkpoint: None,
        told_delayed: false,
        held: false,
        unseen: false,
        settles_at: Timestamp(0),
        perhaps_carried_until: 0,
        receipt: Receipt::default(),
    }
}

/// An event of the web channel.
pub(crate) fn event(key: &str, from: u64, until: u64) -> Dedupe {
    Dedupe { scope: "web".into(), key: key.into(), at: Timestamp(1), from, until }
}

/// An effect that is due at a time.
pub(crate) fn effect(conversation: &ConversationId, lane: &str, due: i64) -> NewEffect {
    NewEffect {
        kind: EffectKind::Forward,
        lane: lane.into(),
        conversation: conversation.clone(),
        handoff: None,
        seq: 0,
        sealed: Vec::new(),
        due: Timestamp(due),
    }
}
