//! A transaction being put together: the conversation as it will be, and what goes with it.

use handoff_model::{
    AssistantId, Author, ConnectionId, Content, Delivery, HandoffId, Message, SessionId, Timestamp,
};
use serde_json::{Map, Value, json};

use super::conversation::{Control, Conversation, Ended, Session, SessionState};
use crate::{
    assistant::Compiled,
    handoff::{Handoff, Targets},
    store::{Changes, EffectKind, NewEffect},
};

/// What surrounds a turn: everything it may depend on, besides the conversation itself.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// The version on which the running session stays.
    pub running: Option<&'a Compiled>,
    /// The version on which a new session begins.
    pub published: Option<(&'a AssistantId, u32, &'a Compiled)>,
    /// The connection whose own channel this is; none on a channel of ours.
    pub home: Option<&'a ConnectionId>,
    /// Where chats may go.
    pub targets: &'a Targets,
    /// The latest handoff of the conversation, if there is one.
    pub last_handoff: Option<&'a Handoff>,
    /// Encrypts what must not be readable at rest.
    pub seal: &'a dyn Fn(&[u8]) -> Vec<u8>,
    /// The time.
    pub now: Timestamp,
    /// When that was looked up which the event says about who has the chat: what was decided since then overrules it.
    pub seen: Timestamp,
    /// What makes this event's handoff recognisable: the event's own key.
    pub event: &'a str,
}

/// What a turn decided.
#[derive(Debug)]
pub struct Handled {
    /// The transaction.
    pub changes: Changes,
    /// Place of the person's message; 0 when none was kept.
    pub seq: u64,
    /// What was said in answer, in order.
    pub replies: Vec<Message>,
    /// What an operator should see in the log.
    pub notes: Vec<String>,
    /// Whether anything is to be stored at all.
    pub nothing: bool,
}

/// A transaction being put together.
pub(super) struct Draft<'a> {
    pub(super) setting: &'a Setting<'a>,
    pub(super) conversation: Conversation,
    pub(super) changes: Changes,
    pub(super) replies: Vec<Message>,
    pub(super) notes: Vec<String>,
    pub(super) seq: u64,
    pub(super) touched: bool,
}

impl<'a> Draft<'a> {
    pub(super) fn new(setting: &'a Setting<'a>, conversation: Conversation) -> Self {
        let changes = Changes::default();
        Self {
            setting,
            conversation,
            changes,
            replies: Vec::new(),
            notes: Vec::new(),
            seq: 0,
            touched: false,
        }
    }

    pub(super) fn finish(mut self) -> Handled {
        if self.touched {
            self.changes.conversation = Some(self.conversation);
        }
        let nothing = self.changes == Changes::default();
        Handled { changes: self.changes, seq: self.seq, replies: self.replies, notes: self.notes, nothing }
    }

    /// Keeps what the person said, in the history.
    pub(super) fn hear(&mut self, content: Content, external_id: Option<String>) -> u64 {
        let seq = self.add(Author::Person, content, Delivery::Delivered, external_id);
        self.seq = seq;
        seq
    }

    /// Says something to the person, in the history.
    pub(super) fn say(&mut self, author: Author, content: Content) {
        let seq = self.add(author, content, Delivery::Pending, None);
        if let Some(message) = self.changes.messages.last() {
            self.replies.push(message.1.clone());
        }
        if self.setting.home.is_some() {
            let lane = format!("deliver:{}", self.conversation.id);
            self.effect(EffectKind::Deliver, lane, None, seq, Vec::new());
        }
    }

    fn add(
        &mut self,
        author: Author,
        content: Content,
        delivery: Delivery,
        external_id: Option<String>,
    ) -> u64 {
        self.touch();
        let seq = self.conversation.take_seq();
        let at = self.setting.now;
        self.conversation.updated = at;
        let message = Message { seq, author, content, at, delivery, external_id };
        self.changes.messages.push((self.conversation.id.clone(), message));
        seq
    }

    pub(super) fn touch(&mut self) {
        self.touched = true;
    }

    pub(super) fn effect(
        &mut self,
        kind: EffectKind,
        lane: String,
        handoff: Option<HandoffId>,
        seq: u64,
        sealed: Vec<u8>,
    ) {
        let (conversation, due) = (self.conversation.id.clone(), self.setting.now);
        self.changes.effects.push(NewEffect { kind, lane, conversation, handoff, seq, sealed, due });
    }

    /// Stores a handoff, in place of an earlier state of it in the same transaction.
    pub(super) fn keep(&mut self, handoff: Handoff) {
        self.changes.handoffs.retain(|other| other.id != handoff.id);
        self.changes.handoffs.push(handoff);
    }

    pub(super) fn control(&mut self, control: Control) {
        self.touch();
        self.conversation.control = control;
    }

    /// Begins the next session on the published version; false when there is none.
    pub(super) fn begin_session(&mut self) -> bool {
        let Some((assistant, version, _)) = self.setting.published else { return false };
        self.touch();
        self.conversation.sessions += 1;
        let id = SessionId::nth(&self.conversation.id, self.conversation.sessions);
        self.conversation.session = Some(Session {
            id,
            assistant: assistant.clone(),
            assistant_version: version,
            began: self.setting.now,
            first_seq: self.conversation.last_seq + 1,
            state: SessionState::Active,
            level: None,
            variables: Map::new(),
            asked: None,
        });
        self.conversation.control = Control::Session;
        true
    }

    /// Ends the running session, if there is one.
    pub(super) fn end_session(&mut self, how: Ended) {
        let now = self.setting.now;
        self.touch();
        if let Some(session) = &mut self.conversation.session
            && let Ok(ended) = session.state.end(how, now)
        {
            session.state = ended;
        }
    }

    /// What expressions may read besides the session's variables.
    pub(super) fn system(&self, assistant: &Compiled) -> Map<String, Value> {
        let person = &self.conversation.person;
        let last = self.setting.last_handoff;
        let values = json!({
            "_lang": person.language.as_deref().unwrap_or(&assistant.definition.language),
            "_channel": self.conversation.channel.as_str(),
            "_customer": { "id": person.id, "name": person.name, "email": person.email, "phone": person.phone },
            "_chatbot": { "id": assistant.definition.id.as_str(), "name": assistant.definition.name },
            "_handoff": last.map(|handoff| json!({ "state": handoff.state.name(), "platform": handoff.platform })),
        });
        match values {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }
}
