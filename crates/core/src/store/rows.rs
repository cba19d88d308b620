//! What the store gives back.

use handoff_model::{
    AssistantId, Author, ChannelId, ConnectionId, ConnectorId, Content, ConversationId, HandoffId, Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Number of an effect; later effects have larger numbers.
pub type EffectId = i64;

/// What an effect does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// Sends a message to the person on a platform's own channel.
    Deliver,
    /// Moves a handoff on: begins an attempt, or looks.
    Handoff,
    /// Takes back what a refused handoff left behind.
    Withdraw,
    /// Carries the person's words to the platform.
    Forward,
    /// Gets a team member's files and shows the message to the person.
    Fetch,
}

impl EffectKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Deliver, Self::Handoff, Self::Withdraw, Self::Forward, Self::Fetch];

    /// The kind in one word, as stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deliver => "deliver",
            Self::Handoff => "handoff",
            Self::Withdraw => "withdraw",
            Self::Forward => "forward",
            Self::Fetch => "fetch",
        }
    }

    /// The kind that has this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// An effect that waits or is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectRow {
    /// Its number.
    pub id: EffectId,
    /// What to do.
    pub kind: EffectKind,
    /// Its lane.
    pub lane: String,
    /// The conversation it belongs to.
    pub conversation: ConversationId,
    /// The handoff it belongs to.
    pub handoff: Option<HandoffId>,
    /// The message it belongs to; 0 when there is none.
    pub seq: u64,
    /// Sealed content.
    pub sealed: Vec<u8>,
    /// Attempts so far.
    pub attempts: u32,
    /// An attempt's answer was lost: it may have been done.
    pub maybe_done: bool,
    /// When it was added.
    pub added: Timestamp,
    /// Until when its holder has it to itself; by this the hold is known from later ones.
    pub held_until: Timestamp,
}

/// Something that the person is to be shown.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown {
    /// A reply or a notice, from the history.
    Said {
        /// Its place.
        seq: u64,
        /// Who said it.
        author: Author,
        /// What.
        content: Content,
        /// When.
        at: Timestamp,
    },
    /// What the team wrote.
    Sealed {
        /// Its place.
        seq: u64,
        /// The sealed row.
        sealed: Vec<u8>,
    },
}

/// Which rows of a long list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Only rows after this cursor, which is the `cursor` of the last row seen.
    pub after: Option<String>,
    /// How many.
    pub limit: usize,
}

/// A conversation in the Inbox's list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConversationSummary {
    /// Its id.
    pub id: ConversationId,
    /// Where the person writes.
    pub channel: ChannelId,
    /// Name of the person, as far as known.
    pub person: String,
    /// Who holds it, in one word: free, session, handoff, platform, taken.
    pub held_by: String,
    /// The beginning of the last message from before any handoff.
    pub last_text: String,
    /// When something last happened that the Inbox shows.
    pub updated: Timestamp,
    /// Where the next page begins.
    pub cursor: String,
}

/// A handoff in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HandoffSummary {
    /// Its id.
    pub id: HandoffId,
    /// The conversation that leaves.
    pub conversation: ConversationId,
    /// The connector.
    pub connector: ConnectorId,
    /// The account.
    pub connection: ConnectionId,
    /// The platform's name.
    pub platform: String,
    /// Its state in one word.
    pub state: String,
    /// When it fired.
    pub fired_at: Timestamp,
    /// Where the next page begins.
    pub cursor: String,
}

/// An assistant with its draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssistantRow {
    /// Its id.
    pub id: AssistantId,
    /// Its name.
    pub name: String,
    /// The draft as JSON.
    pub draft: String,
    /// Number of the draft's revision.
    pub revision: u64,
    /// The published version, if there is one.
    pub published: Option<u32>,
    /// The revision that was published last.
    pub published_revision: Option<u64>,
    /// When the draft was saved.
    pub saved_at: Timestamp,
}

/// A published version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRow {
    /// The assistant.
    pub assistant: AssistantId,
    /// The number, counted from 1.
    pub version: u32,
    /// The assistant as JSON.
    pub definition: String,
    /// When it was published.
    pub at: Timestamp,
}

/// A webhook request that could not be read when it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedRequest {
    /// The connection.
    pub connection: ConnectionId,
    /// The request, sealed.
    pub sealed: Vec<u8>,
    /// When it arrived.
    pub at: Timestamp,
}

/// Somebody who may use the console.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// Name to sign in with.
    pub name: String,
    /// argon2id hash of the password.
    pub password_hash: String,
    /// When the user was added.
    pub at: Timestamp,
}

/// A signed-in browser.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// SHA-256 of the token, in hexadecimal digits.
    pub token_hash: String,
    /// Who.
    pub user: String,
    /// Token that every form must repeat.
    pub csrf: String,
    /// Until when.
    pub until: Timestamp,
}

/// A connection that an administrator made.
#[derive(Clone, PartialEq)]
pub struct ConnectionRow {
    /// Its id.
    pub id: ConnectionId,
    /// The connector that serves it.
    pub connector: ConnectorId,
    /// The assistant that serves the platform's own channel.
    pub assistant: Option<AssistantId>,
    /// What the connector is told; null where the configuration file says it, and only secrets are kept here.
    pub settings: Value,
    /// Secrets, sealed.
    pub sealed: Vec<u8>,
    /// Grows by one with every change.
    pub revision: u64,
    /// When it was changed last.
    pub at: Timestamp,
}
