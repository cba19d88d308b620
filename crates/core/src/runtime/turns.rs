//! Reads, decides, commits; and again when somebody else was faster.

use handoff_model::{AssistantId, ChannelId, ConversationId, HandoffId, Message, Person, Timestamp};

use super::{ChannelKind, Counter, Runtime, TurnError};
use crate::{
    handoff::Handoff,
    session::{Control, Conversation, Handled, Happening, Setting, know, turn},
    store::{Changes, Dedupe, Result as StoreResult, StoreError, place_after_restore},
};

/// How often a turn begins anew when others change the same conversation.
const TRIES: usize = 50;

/// An event on its way to its conversation.
pub(super) struct Arrival {
    pub(super) channel: ChannelId,
    pub(super) external: String,
    pub(super) person: Option<Person>,
    /// Scope and key by which the event is recognised when it comes again.
    pub(super) dedupe: Option<(String, String)>,
    /// The handoff that the event belongs to, when it comes from a platform over a bridge.
    pub(super) handoff: Option<HandoffId>,
    pub(super) happening: Happening,
    /// When it was looked up who has the chat.
    pub(super) seen: Timestamp,
}

/// What came of it.
pub(super) struct Outcome {
    pub(super) conversation: Conversation,
    pub(super) seq: u64,
    pub(super) replies: Vec<Message>,
    pub(super) duplicate: bool,
}

impl Runtime {
    /// Handles one event of one conversation.
    pub(super) async fn handle(&self, arrival: Arrival) -> Result<Outcome, TurnError> {
        let id = ConversationId::derive(&arrival.channel, &arrival.external);
        for _ in 0..TRIES {
            let (before, handled) = self.decide(&id, &arrival).await?;
            let from = before.last_seq;
            let after = handled.changes.conversation.clone().unwrap_or(before);
            let fired = handled.changes.handoffs.iter().filter(|handoff| handoff.version == 0).count();
            if handled.nothing {
                self.log(&id, &handled.notes);
                return Ok(Outcome { conversation: after, seq: 0, replies: Vec::new(), duplicate: false });
            }
            let changes = self.with_key(handled.changes, &arrival, from, after.last_seq);
            match self.commit(changes).await {
                Ok(()) => {
                    self.log(&id, &handled.notes);
                    (0..fired).for_each(|_| self.0.counters.add(Counter::Fired));
                    return Ok(Outcome {
                        conversation: after,
                        seq: handled.seq,
                        replies: handled.replies,
                        duplicate: false,
                    });
                }
                Err(StoreError::Conflict) => {}
                Err(StoreError::Duplicate { from, until }) => {
                    return self.repeat(&id, &arrival, from, until).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(TurnError::Busy)
    }

    /// Commits, and wakes whoever waits for what changed.
    pub(super) async fn commit(&self, changes: Changes) -> StoreResult<()> {
        let works = !changes.effects.is_empty() || !changes.wake.is_empty() || !changes.done.is_empty();
        let shows = changes.conversation.as_ref().map(|conversation| conversation.id.clone());
        self.0.parts.store.commit(changes).await?;
        if works {
            self.0.work.notify_one();
        }
        if let Some(conversation) = shows {
            self.0.watchers.tell(&conversation);
        }
        Ok(())
    }

    async fn decide(
        &self,
        id: &ConversationId,
        arrival: &Arrival,
    ) -> Result<(Conversation, Handled), TurnError> {
        let parts = &self.0.parts;
        let now = parts.clock.now();
        let found = parts.store.conversation(id).await?;
        let mut conversation = found.unwrap_or_else(|| {
            let person = Person { id: arrival.external.clone(), ..Person::default() };
            let new = Conversation::new(arrival.channel.clone(), arrival.external.clone(), person, now);
            // It may have been there before, and its places are known elsewhere.
            let last_seq = parts.lives.latest().map_or(0, |at| place_after_restore(0, at));
            Conversation { last_seq, ..new }
        });
        let last_handoff = self.last_handoff(&conversation).await?;
        let handoff = self.handoff_of(&conversation, arrival.handoff.as_ref(), last_handoff.as_ref()).await?;
        let before = conversation.clone();
        know(&mut conversation, arrival.person.clone());
        let event = arrival.dedupe.as_ref().map(|(scope, key)| format!("{scope}/{key}"));
        let event = event.unwrap_or_else(|| format!("seq/{}", conversation.last_seq + 1));
        let handled = self
            .with_setting(&conversation, last_handoff.as_ref(), &event, |setting| {
                let setting = Setting { seen: arrival.seen, ..*setting };
                turn(&setting, conversation.clone(), handoff.as_ref(), arrival.happening.clone())
            })
            .await?;
        Ok((before, handled))
    }

    /// Gathers what surrounds a turn and makes it.
    pub(super) async fn with_setting<T>(
        &self,
        conversation: &Conversation,
        last_handoff: Option<&Handoff>,
        event: &str,
        make: impl FnOnce(&Setting<'_>) -> T,
    ) -> Result<T, TurnError> {
        let parts = &self.0.parts;
        let channel = self.channel(&conversation.channel);
        let assistant: Option<&AssistantId> = channel.as_ref().and_then(|channel| channel.assistant.as_ref());
        let published = match assistant {
            Some(id) => self.0.library.published(id).await?,
            None => None,
        };
        let running = match &conversation.session {
            Some(session) => self.0.library.version(&session.assistant, session.assistant_version).await?,
            None => None,
        };
        let home = match channel.as_ref().map(|channel| &channel.kind) {
            Some(ChannelKind::Connection(connection)) => Some(connection),
            _ => None,
        };
        let now = parts.clock.now();
        let setting = Setting {
            running: running.as_deref(),
            published: published
                .as_ref()
                .and_then(|(number, compiled)| Some((assistant?, *number, &**compiled))),
            home,
            targets: &self.targets(),
            last_handoff,
            seal: &|plain| parts.seal.seal(plain),
            now,
            seen: now,
            event,
        };
        Ok(make(&setting))
    }

    pub(super) async fn last_handoff(&self, conversation: &Conversation) -> StoreResult<Option<Handoff>> {
        match &conversation.last_handoff {
            Some(id) => self.0.parts.store.handoff(id).await,
            None => Ok(None),
        }
    }

    /// The handoff that the event names, or else the one that holds the conversation.
    async fn handoff_of(
        &self,
        conversation: &Conversation,
        named: Option<&HandoffId>,
        last: Option<&Handoff>,
    ) -> StoreResult<Option<Handoff>> {
        let holder = match &conversation.control {
            Control::Handoff { id } | Control::Platform { id } => Some(id),
            Control::Free | Control::Session | Control::Taken => None,
        };
        match (named.or(holder), last) {
            (Some(id), Some(last)) if last.id == *id => Ok(Some(last.clone())),
            (Some(id), _) => self.0.parts.store.handoff(id).await,
            (None, _) => Ok(None),
        }
    }

    fn with_key(&self, mut changes: Changes, arrival: &Arrival, from: u64, until: u64) -> Changes {
        if let Some((scope, key)) = &arrival.dedupe {
            let at = self.0.parts.clock.now();
            changes.dedupe.push(Dedupe { scope: scope.clone(), key: key.clone(), at, from, until });
        }
        changes
    }

    /// The answer of a turn that took place before.
    async fn repeat(
        &self,
        id: &ConversationId,
        arrival: &Arrival,
        from: u64,
        until: u64,
    ) -> Result<Outcome, TurnError> {
        self.0.counters.add(Counter::Duplicates);
        let store = &self.0.parts.store;
        let conversation = store.conversation(id).await?.ok_or(TurnError::Broken)?;
        let messages = store.messages(id, from, until).await?;
        let person = |message: &&Message| message.author == handoff_model::Author::Person;
        // Platforms may tell of one message in two ways under one key; whoever uses our own API chose the key.
        if let (Happening::Said { content, external_id: None, .. }, Some(before)) =
            (&arrival.happening, messages.iter().find(person))
            && before.content != *content
        {
            return Err(TurnError::KeyReused);
        }
        // Words that were carried are in no history; theirs was the last place.
        let seq =
            messages.iter().find(person).map_or(if until > from { until } else { 0 }, |message| message.seq);
        let replies = messages.into_iter().filter(|message| !person(&message)).collect();
        Ok(Outcome { conversation, seq, replies, duplicate: true })
    }

    pub(super) fn log(&self, conversation: &ConversationId, notes: &[String]) {
        for note in notes {
            tracing::warn!(conversation.id = %conversation, "{note}");
        }
    }
}
