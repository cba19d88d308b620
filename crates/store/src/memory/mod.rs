//! Everything in the memory of this process: for simulations, where the rows of a server outlive the server.
//!
//! It keeps the same contract as a database. A commit is all of it or nothing and is there once it is answered;
//! what is kept ends with the last clone. Nothing here waits, and nothing is in an order of chance.

mod audit;
mod backup;
mod commit;
mod connections;
mod outbox;
mod people;
mod rows;

use std::{collections::BTreeMap, future::ready, sync::Arc};

use futures::future::BoxFuture;
use handoff_core::{
    handoff::Handoff,
    session::Conversation,
    store::{
        AssistantRow, ConnectionRow, EffectId, EffectRow, ParkedRequest, Result, Store, StoredSession, User,
        VersionRow, Withheld,
    },
};
use handoff_model::{AssistantId, ConnectionId, ConversationId, HandoffId, Message, Timestamp};
use parking_lot::Mutex;
use serde_json::Value;

/// Everything that is kept. Clones are the same store.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<State>>);

#[derive(Clone, Default)]
struct State {
    dedupe: BTreeMap<(String, String), (u64, u64)>,
    conversations: BTreeMap<ConversationId, Talk>,
    handoffs: BTreeMap<HandoffId, Handoff>,
    chats: BTreeMap<(ConnectionId, String), HandoffId>,
    withheld: Vec<Withheld>,
    effects: BTreeMap<EffectId, Effect>,
    last_effect: EffectId,
    parked: BTreeMap<i64, ParkedRequest>,
    last_parked: i64,
    assistants: BTreeMap<AssistantId, AssistantRow>,
    versions: BTreeMap<(AssistantId, u32), VersionRow>,
    users: BTreeMap<String, User>,
    sessions: BTreeMap<String, StoredSession>,
    failures: Vec<(String, Timestamp)>,
    kept: BTreeMap<(ConnectionId, String), (Value, u64)>,
    connections: BTreeMap<ConnectionId, ConnectionRow>,
    /// When it was put back from backups.
    restored: Vec<Timestamp>,
}

/// A conversation with what was said in it.
#[derive(Clone)]
struct Talk {
    conversation: Conversation,
    last_text: String,
    messages: BTreeMap<u64, Message>,
    sealed: BTreeMap<u64, Vec<u8>>,
}

/// An effect that waits, or that somebody holds.
#[derive(Clone)]
struct Effect {
    row: EffectRow,
    due: Timestamp,
    held: Option<Timestamp>,
}

impl Memory {
    /// Does something with the rows, at once.
    fn with<'a, T: Send + 'a>(&self, work: impl FnOnce(&mut State) -> T) -> BoxFuture<'a, T> {
        Box::pin(ready(work(&mut self.0.lock())))
    }

    /// Every text that is kept, for a search after what must not be readable.
    pub fn texts(&self) -> Vec<Vec<u8>> {
        let state = self.0.lock();
        let talks = state.conversations.values().flat_map(|talk| {
            let said = talk.messages.values().map(|message| message.content.text.clone().into_bytes());
            let body = serde_json::to_vec(&talk.conversation).unwrap_or_default();
            said.chain(talk.sealed.values().cloned()).chain([body]).collect::<Vec<_>>()
        });
        let handoffs = state.handoffs.values().map(|handoff| serde_json::to_vec(handoff).unwrap_or_default());
        let withheld = state.withheld.iter().map(|withheld| withheld.sealed.clone());
        let effects = state.effects.values().map(|effect| effect.row.sealed.clone());
        let parked = state.parked.values().map(|parked| parked.sealed.clone());
        let kept = state.kept.values().map(|(value, _)| value.to_string().into_bytes());
        talks.chain(handoffs).chain(withheld).chain(effects).chain(parked).chain(kept).collect()
    }
}

impl Store for Memory {
    fn ready(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(ready(Ok(())))
    }
}
