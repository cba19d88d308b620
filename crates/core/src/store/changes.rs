//! One transaction as plain data.

use handoff_model::{ChannelId, ConnectionId, ConversationId, Delivery, HandoffId, Message, Timestamp};
use serde::{Deserialize, Serialize};

use super::rows::{EffectId, EffectKind};
use crate::{handoff::Handoff, session::Conversation};

/// Everything that changes together. Empty by default.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Changes {
    /// Events handled by this transaction: if one was handled before, nothing is stored and
    /// the commit is a [`Duplicate`](super::StoreError::Duplicate).
    pub dedupe: Vec<Dedupe>,
    /// The conversation afterwards. Its `version` is the one that was read (0: it must not exist
    /// yet); the store raises it by one.
    pub conversation: Option<Conversation>,
    /// Handoffs afterwards, in the same manner.
    pub handoffs: Vec<Handoff>,
    /// Messages to add to the conversation of each.
    pub messages: Vec<(ConversationId, Message)>,
    /// What became of messages.
    pub deliveries: Vec<(ConversationId, u64, Delivery)>,
    /// What the team wrote, sealed, to be shown to the person at its place.
    pub sealed: Vec<(ConversationId, u64, Vec<u8>)>,
    /// What the team wrote while the transfer is undecided, sealed: not shown yet.
    pub withheld: Vec<Withheld>,
    /// Handoff whose withheld rows are dropped, having been taken over into `sealed`.
    pub drop_withheld: Option<HandoffId>,
    /// The platform's ids of chats that handoffs made.
    pub chats: Vec<(ConnectionId, String, HandoffId)>,
    /// Renames of such chats: the old id and the new one.
    pub renamed_chats: Vec<(ConnectionId, String, String)>,
    /// Effects to perform.
    pub effects: Vec<NewEffect>,
    /// Effects that are done or given up.
    pub done: Vec<EffectId>,
    /// Effects that must still be held until this time: if one is gone, or another holds it, nothing is stored and
    /// the commit is a [`Conflict`](super::StoreError::Conflict).
    pub held: Vec<(EffectId, Timestamp)>,
    /// Effects to perform later.
    pub later: Vec<Reschedule>,
    /// Effects of these lanes are due now.
    pub wake: Vec<(String, Timestamp)>,
}

/// An event by which a transaction can be recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dedupe {
    /// The channel or connection within which the key is unique.
    pub scope: String,
    /// The key.
    pub key: String,
    /// When it was handled; keys are forgotten after some days.
    pub at: Timestamp,
    /// Place before the first message of the turn.
    pub from: u64,
    /// Place of the last message of the turn.
    pub until: u64,
}

impl Dedupe {
    /// The scope of the keys under which a person's own client sends.
    pub fn scope_of(channel: &ChannelId, external: &str) -> String {
        format!("{channel}/{external}")
    }
}

/// Something the team wrote before the platform's acceptance was known here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// The handoff that is undecided.
    pub handoff: HandoffId,
    /// What was written, sealed.
    pub sealed: Vec<u8>,
}

/// An effect to perform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEffect {
    /// What to do.
    pub kind: EffectKind,
    /// Effects of one lane are performed one by one, in the order in which they were added.
    pub lane: String,
    /// The conversation it belongs to.
    pub conversation: ConversationId,
    /// The handoff it belongs to.
    pub handoff: Option<HandoffId>,
    /// The message it belongs to; 0 when there is none.
    pub seq: u64,
    /// Content that is not kept elsewhere, sealed; empty when there is none.
    pub sealed: Vec<u8>,
    /// When it is due.
    pub due: Timestamp,
}

/// An effect to perform later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reschedule {
    /// Which.
    pub id: EffectId,
    /// When it is due.
    pub due: Timestamp,
    /// Attempts so far.
    pub attempts: u32,
    /// An attempt's answer was lost: it may have been done.
    pub maybe_done: bool,
    /// The hold under which this was decided. When another one has it by now, nothing changes.
    pub held_until: Timestamp,
}
