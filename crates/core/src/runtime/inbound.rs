//! Events from channels of ours.

use handoff_model::{ChannelId, Content, ConversationId, Message, Person};

use super::{
    ChannelKind, Counter, Runtime, TurnError,
    turns::{Arrival, Outcome},
};
use crate::{session::Happening, store::Dedupe};

/// Longest text of a message, in characters.
const LONGEST_TEXT: usize = 32_000;
/// Longest name of a conversation and longest key, in characters.
const LONGEST_NAME: usize = 200;

/// What a person said.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// What the channel knows of the person; nothing changes what is left out.
    pub person: Option<Person>,
    /// What.
    pub content: Content,
    /// The same for every attempt to send the same message.
    pub key: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Turned {
    /// The conversation.
    pub conversation: ConversationId,
    /// Place of the person's message; 0 when there was none.
    pub seq: u64,
    /// What was said in answer, in order.
    pub replies: Vec<Message>,
    /// Who holds the conversation now: `session`, `handoff`, `platform`, `taken` or `free`.
    pub held_by: &'static str,
    /// The same message was handled before, and this is what was answered then.
    pub duplicate: bool,
}

impl Runtime {
    /// The person opened a chat: *Chat Started* fires unless a session is running.
    ///
    /// # Errors
    /// See [`TurnError`].
    pub async fn open_chat(
        &self,
        channel: &ChannelId,
        external: &str,
        person: Option<Person>,
    ) -> Result<Turned, TurnError> {
        self.own_channel(channel, external)?;
        let happening = Happening::Opened { platform_session: None };
        let (channel, external) = (channel.clone(), external.to_owned());
        let seen = self.0.parts.clock.now();
        let arrival = Arrival { channel, external, person, dedupe: None, handoff: None, happening, seen };
        Ok(turned(self.handle(arrival).await?))
    }

    /// The person wrote. What this returns is on disk.
    ///
    /// # Errors
    /// See [`TurnError`].
    pub async fn say(&self, channel: &ChannelId, external: &str, said: Said) -> Result<Turned, TurnError> {
        self.own_channel(channel, external)?;
        check(&said)?;
        let Said { person, content, key } = said;
        let happening =
            Happening::Said { content, external_id: None, platform_session: None, held_by_live_agent: false };
        let dedupe = key.map(|key| (Dedupe::scope_of(channel, external), key));
        let (channel, external) = (channel.clone(), external.to_owned());
        let seen = self.0.parts.clock.now();
        let arrival = Arrival { channel, external, person, dedupe, handoff: None, happening, seen };
        let outcome = self.handle(arrival).await?;
        if !outcome.duplicate {
            self.0.counters.add(Counter::Messages);
        }
        Ok(turned(outcome))
    }

    /// A channel of ours with this id; a platform's own channel is none.
    pub(super) fn own_channel(&self, channel: &ChannelId, external: &str) -> Result<(), TurnError> {
        match self.channel(channel).map(|found| found.kind) {
            Some(ChannelKind::Api | ChannelKind::Webchat) => {}
            Some(ChannelKind::Connection(_)) | None => {
                return Err(TurnError::UnknownChannel(channel.clone()));
            }
        }
        name(external)
    }
}

fn turned(outcome: Outcome) -> Turned {
    let Outcome { conversation, seq, replies, duplicate } = outcome;
    let held_by = conversation.control.name();
    Turned { conversation: conversation.id, seq, replies, held_by, duplicate }
}

fn check(said: &Said) -> Result<(), TurnError> {
    if said.content.is_empty() {
        return Err(TurnError::Empty);
    }
    let found = said.content.text.chars().count();
    if found > LONGEST_TEXT {
        return Err(TurnError::TooLong { found, allowed: LONGEST_TEXT });
    }
    said.key.as_deref().map_or(Ok(()), name)
}

fn name(text: &str) -> Result<(), TurnError> {
    let fits = (1..=LONGEST_NAME).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(TurnError::BadName) }
}
