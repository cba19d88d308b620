//! One turn at a time, with what surrounds it in plain sight.

use handoff_core::{
    assistant::{Compiled, compile, read},
    handoff::{Effect, Event, Handoff, Target, Targets, step},
    session::{
        Conversation, FromTeam, Handled, Happening, Repair, ReplayRefusal, Setting, replay, settle, turn,
    },
};
use handoff_model::{
    AssistantId, Author, ChannelId, ConnectionId, ConnectorId, Content, Delivery, HandoffId, Message, Person,
    Plan, Route, Timestamp,
};
use serde_json::{Value, json};

use crate::table::NOW;

/// What a turn may depend on, and a test may change.
pub(crate) struct Desk {
    /// The version of a session that runs.
    pub(crate) running: Option<Compiled>,
    /// The version for new sessions.
    pub(crate) published: Option<(u32, Compiled)>,
    pub(crate) home: Option<ConnectionId>,
    pub(crate) targets: Targets,
    pub(crate) last: Option<Handoff>,
    pub(crate) now: Timestamp,
    pub(crate) event: &'static str,
}

/// An assistant that says what it heard, and on *human* does these actions.
pub(crate) fn assistant(actions: Value) -> Compiled {
    let echo = json!([{ "id": "echo", "action": "send_message", "texts": ["echo { _user_input }"] }]);
    let on = |phrase: &str| json!({ "event": "message_received", "phrases": [phrase], "approximate": false });
    let definition = json!({ "format": 1, "id": "a", "name": "A", "triggers": [
        { "id": "start", "on": { "event": "chat_started" },
          "actions": [{ "id": "hello", "action": "send_message", "texts": ["hello"] }] },
        { "id": "human", "on": on("human"), "actions": actions },
        { "id": "other", "on": { "event": "fallback" }, "actions": echo } ] });
    compile(read(&definition.to_string()).unwrap()).unwrap()
}

/// An External Handoff to the platform *one*, with these fields beside.
pub(crate) fn away(fields: Value) -> Value {
    let mut action = json!({ "id": "away", "action": "external_handoff", "platform": "one",
        "when_handoff_fails": [{ "id": "sorry", "action": "send_message", "texts": ["sorry"] }] });
    action.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!([action])
}

/// An account that takes chats in every way, named as its connector.
pub(crate) fn account(name: &str) -> Target {
    Target {
        connection: ConnectionId::new(name),
        connector: ConnectorId::new(name),
        name: format!("the {name}"),
        routes: vec![Route::Bridge, Route::Native, Route::Ticket],
        settle_ms: 30_000,
        speaks_after_transfer: true,
    }
}

pub(crate) fn said(text: &str) -> Happening {
    Happening::Said {
        content: Content::text(text),
        external_id: None,
        platform_session: None,
        held_by_live_agent: false,
    }
}

/// Something that the person wrote at this place.
pub(crate) fn message(seq: u64, author: Author, text: &str) -> Message {
    let content = Content::text(text);
    Message { seq, author, content, at: NOW, delivery: Delivery::Delivered, external_id: None }
}

pub(crate) fn team(text: &str) -> FromTeam {
    FromTeam::Message { name: None, content: Content::text(text) }
}

impl Desk {
    /// On a channel of ours, with the platforms *one* and *two*.
    pub(crate) fn new(actions: Value) -> Self {
        let targets = vec![account("one"), account("two")];
        Self {
            running: None,
            published: Some((1, assistant(actions))),
            home: None,
            targets: Targets { plan: Some(Plan::Total), targets, ..Targets::default() },
            last: None,
            now: NOW,
            event: "e",
        }
    }

    /// Of nobody yet.
    pub(crate) fn conversation(&self) -> Conversation {
        let person = Person { id: "ann".to_owned(), ..Person::default() };
        Conversation::new(ChannelId::new("web"), "ann".to_owned(), person, self.now)
    }

    /// In a session in which one message was said and answered.
    pub(crate) fn in_session(&self) -> Conversation {
        conversation(&self.turn(self.conversation(), None, said("hi")))
    }

    pub(crate) fn turn(
        &self,
        conversation: Conversation,
        handoff: Option<&Handoff>,
        happening: Happening,
    ) -> Handled {
        self.with(|setting| turn(setting, conversation, handoff, happening))
    }

    /// The chat and its handoff after *human*.
    pub(crate) fn asks_for_human(&self) -> (Conversation, Handoff) {
        let handled = self.turn(self.in_session(), None, said("human"));
        (conversation(&handled), handled.changes.handoffs.last().unwrap().clone())
    }

    /// What a handoff's event leads to; `later` was typed meanwhile.
    pub(crate) fn settles(
        &self,
        conversation: Conversation,
        handoff: &Handoff,
        event: Event,
        later: &[Message],
        withheld: Vec<FromTeam>,
    ) -> Handled {
        let transition = step(handoff, event, self.now, 0).unwrap();
        self.with(|setting| settle(setting, conversation, transition, later, withheld))
    }

    /// The same for effects alone.
    pub(crate) fn does(
        &self,
        conversation: Conversation,
        handoff: &Handoff,
        effects: Vec<Effect>,
    ) -> Handled {
        let transition = handoff_core::handoff::Transition { handoff: handoff.clone(), effects };
        self.with(|setting| settle(setting, conversation, transition, &[], Vec::new()))
    }

    pub(crate) fn replays(
        &self,
        conversation: Conversation,
        failed: &Handoff,
        repair: &Repair,
    ) -> Result<(Handled, HandoffId), ReplayRefusal> {
        self.with(|setting| replay(setting, conversation, failed, repair))
    }

    fn with<T>(&self, make: impl FnOnce(&Setting<'_>) -> T) -> T {
        let id = AssistantId::new("a");
        make(&Setting {
            running: self.running.as_ref(),
            published: self.published.as_ref().map(|(version, compiled)| (&id, *version, compiled)),
            home: self.home.as_ref(),
            targets: &self.targets,
            last_handoff: self.last.as_ref(),
            seal: &|plain| plain.iter().rev().copied().collect(),
            now: self.now,
            seen: self.now,
            event: self.event,
        })
    }
}

/// The conversation as it will be.
pub(crate) fn conversation(handled: &Handled) -> Conversation {
    handled.changes.conversation.clone().unwrap()
}

/// What was said in answer.
pub(crate) fn replies(handled: &Handled) -> Vec<&str> {
    handled.replies.iter().map(|message| message.content.text.as_str()).collect()
}

/// Effects to perform: kind, lane, place.
pub(crate) fn effects(handled: &Handled) -> Vec<(&'static str, &str, u64)> {
    let effects = handled.changes.effects.iter();
    effects.map(|effect| (effect.kind.name(), effect.lane.as_str(), effect.seq)).collect()
}

/// What an effect carries, as JSON, sealed by turning it round.
pub(crate) fn unsealed(sealed: &[u8]) -> Value {
    let plain: Vec<u8> = sealed.iter().rev().copied().collect();
    serde_json::from_slice(&plain).unwrap()
}
