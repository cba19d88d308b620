//! What is kept, and the transaction in which it changes.
//!
//! A change of state is plain data, [`Changes`]: read what is needed, decide with plain functions,
//! commit. A commit compares the versions of what was read, so that two nodes cannot both be
//! right; who loses reads again. SQLite and PostgreSQL implement the same traits, and one
//! contract suite runs over both.

mod changes;
mod restored;
mod rows;

use futures::future::BoxFuture;
use handoff_model::{AssistantId, ConnectionId, ConversationId, HandoffId, Message, Timestamp};

pub use changes::{Changes, Dedupe, NewEffect, Reschedule, Withheld};
pub use restored::{Lives, RESTORED_GAP, is_copied, place_after_restore, put_in_doubt};
pub use rows::{
    AssistantRow, ConnectionRow, ConversationSummary, EffectId, EffectKind, EffectRow, HandoffSummary, Page,
    ParkedRequest, Shown, StoredSession, User, VersionRow,
};

use crate::{audit::Slice, handoff::Handoff, session::Conversation};

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Somebody else changed what this commit compared: read again.
    #[error("somebody else changed it meanwhile")]
    Conflict,
    /// The event was handled before. Its messages have the places after `from` up to `until`.
    #[error("the same event was handled before")]
    Duplicate {
        /// Place before the first message of that turn.
        from: u64,
        /// Place of the last one.
        until: u64,
    },
    /// A page was asked for after a cursor that no list gave.
    #[error("there is no page after this cursor; begin again without one")]
    NoSuchPage,
    /// No room left on the disk, or the database is not to be reached: nothing was stored.
    #[error("nothing can be stored just now: {0}")]
    Unavailable(String),
    /// The disk did not give back what was written. It is not given out, and nothing was changed.
    #[error("{0} is damaged and is not given out: run handoff doctor, and put the latest good backup back")]
    Damaged(String),
    /// A row that fits no state, or SQL that fails: a fault of ours.
    #[error("the store is damaged or misused: {0}")]
    Broken(String),
}

/// What the store gives.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Conversations and what was said in them.
pub trait Conversations {
    /// A conversation by id.
    fn conversation(&self, id: &ConversationId) -> BoxFuture<'_, Result<Option<Conversation>>>;

    /// Messages with places from `after` (not included) up to `until`, in order.
    fn messages(&self, id: &ConversationId, after: u64, until: u64) -> BoxFuture<'_, Result<Vec<Message>>>;

    /// What is to be shown to the person after a place, in order, at most `limit`: replies, notices, and what
    /// the team wrote (sealed).
    fn shown(&self, id: &ConversationId, after: u64, limit: usize) -> BoxFuture<'_, Result<Vec<Shown>>>;

    /// The person has everything up to this place: replies are marked delivered, sealed rows are deleted.
    fn acknowledge(&self, id: &ConversationId, until: u64) -> BoxFuture<'_, Result<()>>;

    /// Conversations, latest first, for the Inbox. `before` is the `updated` time and id of the last row seen.
    fn conversations(&self, page: Page) -> BoxFuture<'_, Result<Vec<ConversationSummary>>>;
}

/// Handoffs.
pub trait Handoffs {
    /// A handoff by id.
    fn handoff(&self, id: &HandoffId) -> BoxFuture<'_, Result<Option<Handoff>>>;

    /// The handoff whose chat on the platform has this id.
    fn handoff_by_chat(
        &self,
        connection: &ConnectionId,
        chat: &str,
    ) -> BoxFuture<'_, Result<Option<HandoffId>>>;

    /// What the team wrote while the transfer was undecided, sealed, in order.
    fn withheld(&self, id: &HandoffId) -> BoxFuture<'_, Result<Vec<Vec<u8>>>>;

    /// Handoffs, latest first; only those in this state, when one is named.
    fn handoffs(&self, state: Option<&str>, page: Page) -> BoxFuture<'_, Result<Vec<HandoffSummary>>>;

    /// Handoffs whose chats a connection carries, latest first.
    fn carried(&self, connection: &ConnectionId, limit: usize) -> BoxFuture<'_, Result<Vec<HandoffId>>>;
}

/// The one way in which conversations, messages, handoffs and effects change.
pub trait Transactions {
    /// Commits all of it or nothing. Returns once it is on disk.
    fn commit(&self, changes: Changes) -> BoxFuture<'_, Result<()>>;
}

/// Effects to be performed.
pub trait Outbox {
    /// Takes effects that are due, the first of each lane only, and holds them until `held_until`. One whose
    /// earlier hold ran out is given as maybe done: whoever held it may have performed it.
    fn claim(
        &self,
        now: Timestamp,
        held_until: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<EffectRow>>>;

    /// When the next effect is due that nobody holds.
    fn next_due(&self) -> BoxFuture<'_, Result<Option<Timestamp>>>;

    /// Lets go of everything that is held, as maybe done: for the start of a server that is alone on its
    /// database, whose predecessor may have performed it.
    fn release_all(&self) -> BoxFuture<'_, Result<()>>;

    /// Effects of one kind that wait for a conversation.
    fn waiting(
        &self,
        conversation: &ConversationId,
        kind: EffectKind,
    ) -> BoxFuture<'_, Result<Vec<EffectRow>>>;
}

/// Webhook requests that could not be read when they arrived.
pub trait Parked {
    /// Keeps a request, sealed; refused when too many are kept already.
    fn park(&self, request: ParkedRequest) -> BoxFuture<'_, Result<()>>;

    /// Requests of a connection, in the order of their arrival.
    fn parked(
        &self,
        connection: &ConnectionId,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(i64, ParkedRequest)>>>;

    /// Forgets a request.
    fn unpark(&self, id: i64) -> BoxFuture<'_, Result<()>>;
}

/// Assistants, their drafts and published versions.
pub trait Assistants {
    /// All assistants.
    fn assistants(&self) -> BoxFuture<'_, Result<Vec<AssistantRow>>>;

    /// The published version of every assistant that has one.
    fn published(&self) -> BoxFuture<'_, Result<Vec<(AssistantId, u32)>>>;

    /// An assistant with its draft.
    fn assistant(&self, id: &AssistantId) -> BoxFuture<'_, Result<Option<AssistantRow>>>;

    /// Stores a draft if the revision still is `expected` (0: a new assistant); gives the new revision.
    fn save_draft(
        &self,
        id: &AssistantId,
        name: &str,
        draft: &str,
        expected: u64,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<u64>>;

    /// Makes the draft of this revision the next version; gives its number.
    fn publish(&self, id: &AssistantId, revision: u64, now: Timestamp) -> BoxFuture<'_, Result<u32>>;

    /// A published version.
    fn version(&self, id: &AssistantId, version: u32) -> BoxFuture<'_, Result<Option<VersionRow>>>;
}

/// People who use the console, and what they are signed in with.
pub trait Users {
    /// How many users there are.
    fn count_users(&self) -> BoxFuture<'_, Result<u64>>;

    /// Adds a user; a conflict when the name is taken.
    fn add_user(&self, user: User) -> BoxFuture<'_, Result<()>>;

    /// A user by name.
    fn user(&self, name: &str) -> BoxFuture<'_, Result<Option<User>>>;

    /// Keeps a console session under the hash of its token.
    fn keep_session(&self, session: StoredSession) -> BoxFuture<'_, Result<()>>;

    /// A console session by the hash of its token, unless it is over.
    fn console_session(
        &self,
        token_hash: &str,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Option<StoredSession>>>;

    /// Ends a console session.
    fn end_session(&self, token_hash: &str) -> BoxFuture<'_, Result<()>>;

    /// Counts a failed sign-in under a key and says how many there were since `since`.
    fn count_failure(&self, key: &str, now: Timestamp, since: Timestamp) -> BoxFuture<'_, Result<u64>>;
}

/// Connections that administrators made, and what setting up those of the configuration file gave.
pub trait Connections {
    /// All of them, by id.
    fn connection_rows(&self) -> BoxFuture<'_, Result<Vec<ConnectionRow>>>;

    /// Stores a row if its revision still is the one that the row names (0: a new one); gives the new revision.
    fn save_connection(&self, row: ConnectionRow) -> BoxFuture<'_, Result<u64>>;

    /// Forgets a connection of this revision, with all that was kept for its connector, unless handoffs there are not
    /// at their end: says how many those are, and then nothing was changed.
    fn remove_connection(&self, id: &ConnectionId, revision: u64) -> BoxFuture<'_, Result<u64>>;
}

/// Rows as they lie there, for whoever proves the promises on them.
pub trait Ledger {
    /// All rows of the conversations that follow `after` in the order of their ids, at most `limit` of them, each as of
    /// one moment. Without `after`, from the beginning.
    fn slice(&self, after: Option<&ConversationId>, limit: usize) -> BoxFuture<'_, Result<Slice>>;
}

/// Everything that is kept.
pub trait Store:
    Conversations
    + Handoffs
    + Transactions
    + Outbox
    + Parked
    + Assistants
    + Users
    + Connections
    + Ledger
    + crate::world::Keep
    + Send
    + Sync
    + 'static
{
    /// Whether the store can write: an empty transaction, all the way to the disk.
    fn ready(&self) -> BoxFuture<'_, Result<()>>;
}
