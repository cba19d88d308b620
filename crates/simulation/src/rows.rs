//! The store as one process sees it: what is committed outlives the process; whether a commit took place whose answer
//! it did not live to hear, it does not know.

use std::sync::Arc;

use futures::future::BoxFuture;
use handoff_core::{
    audit::Slice,
    handoff::Handoff,
    session::Conversation,
    store::{
        AssistantRow, Assistants, Changes, ConnectionRow, Connections, ConversationSummary, Conversations,
        EffectKind, EffectRow, HandoffSummary, Handoffs, Ledger, Outbox, Page, Parked, ParkedRequest, Result,
        Shown, Store, StoreError, StoredSession, Transactions, User, Users, VersionRow,
    },
    world::Keep,
};
use handoff_model::{AssistantId, ConnectionId, ConversationId, HandoffId, Message, Timestamp};
use handoff_store::Memory;
use parking_lot::Mutex;
use serde_json::Value;

use crate::{Flaw, archive::Archive, auditor::Auditor, chance::Dice, power::Power};

/// Longest time that a commit takes, in milliseconds.
const FLUSH: u64 = 4;

/// The disk that all processes share.
#[derive(Clone)]
pub(crate) struct Disk {
    pub(crate) memory: Memory,
    pub(crate) auditor: Arc<Auditor>,
    pub(crate) dice: Dice,
    pub(crate) flaw: Option<Flaw>,
    /// Whether it is full.
    pub(crate) full: Arc<Mutex<bool>>,
    pub(crate) archive: Archive,
}

/// One process's view of it.
pub(crate) struct Rows {
    pub(crate) disk: Disk,
    pub(crate) power: Power,
}

impl Rows {
    /// Does something with the rows: before it and after it the process may die.
    fn pass<'a, T, F>(&'a self, work: F) -> BoxFuture<'a, T>
    where
        T: Send + 'a,
        F: FnOnce(Memory) -> BoxFuture<'a, T> + Send + 'a,
    {
        Box::pin(async move {
            self.power.gate().await;
            let done = work(self.disk.memory.clone()).await;
            self.power.gate().await;
            done
        })
    }

    /// A change: it takes a while, and is refused while the disk is full.
    fn change<'a, T, F>(&'a self, work: F) -> BoxFuture<'a, Result<T>>
    where
        T: Send + 'a,
        F: FnOnce(Memory) -> BoxFuture<'a, Result<T>> + Send + 'a,
    {
        Box::pin(async move {
            self.power.gate().await;
            tokio::time::sleep(self.disk.dice.ms(0..FLUSH)).await;
            self.power.gate().await;
            let full = *self.disk.full.lock();
            let done = if full { Err(no_room()) } else { work(self.disk.memory.clone()).await };
            self.power.gate().await;
            done
        })
    }
}

fn no_room() -> StoreError {
    StoreError::Unavailable("no space left on device".to_owned())
}

/// The future of a call that borrows its arguments, owning them.
macro_rules! owned {
    ($self:ident.$pass:ident, |$memory:ident, $($name:ident),*| $work:expr) => {{
        $(let $name = $name.to_owned();)*
        $self.$pass(move |$memory| Box::pin(async move { $work.await }))
    }};
}

impl Conversations for Rows {
    fn conversation(&self, id: &ConversationId) -> BoxFuture<'_, Result<Option<Conversation>>> {
        owned!(self.pass, |memory, id| memory.conversation(&id))
    }

    fn messages(&self, id: &ConversationId, after: u64, until: u64) -> BoxFuture<'_, Result<Vec<Message>>> {
        owned!(self.pass, |memory, id| memory.messages(&id, after, until))
    }

    fn shown(&self, id: &ConversationId, after: u64, limit: usize) -> BoxFuture<'_, Result<Vec<Shown>>> {
        owned!(self.pass, |memory, id| memory.shown(&id, after, limit))
    }

    fn acknowledge(&self, id: &ConversationId, until: u64) -> BoxFuture<'_, Result<()>> {
        owned!(self.change, |memory, id| memory.acknowledge(&id, until))
    }

    fn conversations(&self, page: Page) -> BoxFuture<'_, Result<Vec<ConversationSummary>>> {
        owned!(self.pass, |memory, page| memory.conversations(page))
    }
}

impl Handoffs for Rows {
    fn handoff(&self, id: &HandoffId) -> BoxFuture<'_, Result<Option<Handoff>>> {
        owned!(self.pass, |memory, id| memory.handoff(&id))
    }

    fn handoff_by_chat(
        &self,
        connection: &ConnectionId,
        chat: &str,
    ) -> BoxFuture<'_, Result<Option<HandoffId>>> {
        owned!(self.pass, |memory, connection, chat| memory.handoff_by_chat(&connection, &chat))
    }

    fn withheld(&self, id: &HandoffId) -> BoxFuture<'_, Result<Vec<Vec<u8>>>> {
        owned!(self.pass, |memory, id| memory.withheld(&id))
    }

    fn handoffs(&self, state: Option<&str>, page: Page) -> BoxFuture<'_, Result<Vec<HandoffSummary>>> {
        let state = state.map(str::to_owned);
        self.pass(move |memory| Box::pin(async move { memory.handoffs(state.as_deref(), page).await }))
    }

    fn carried(&self, connection: &ConnectionId, limit: usize) -> BoxFuture<'_, Result<Vec<HandoffId>>> {
        owned!(self.pass, |memory, connection| memory.carried(&connection, limit))
    }
}

/// The auditor of the server does not run here: the one of the simulation looks at every commit.
impl Ledger for Rows {
    fn slice(&self, after: Option<&ConversationId>, limit: usize) -> BoxFuture<'_, Result<Slice>> {
        let after = after.cloned();
        self.pass(move |memory| Box::pin(async move { memory.slice(after.as_ref(), limit).await }))
    }
}

impl Transactions for Rows {
    fn commit(&self, mut changes: Changes) -> BoxFuture<'_, Result<()>> {
        if self.disk.flaw == Some(Flaw::SplitsCommits) && !changes.effects.is_empty() {
            let effects = Changes { effects: std::mem::take(&mut changes.effects), ..Changes::default() };
            return Box::pin(async move {
                self.change(|memory| self.apply(memory, changes)).await?;
                self.change(|memory| self.apply(memory, effects)).await
            });
        }
        self.change(|memory| self.apply(memory, changes))
    }
}

impl Rows {
    fn apply(&self, memory: Memory, mut changes: Changes) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.spoil(&mut changes);
            memory.commit(changes.clone()).await?;
            self.disk.auditor.committed(&memory, &changes).await;
            self.disk.archive.offer(&memory);
            Ok(())
        })
    }

    /// What a store does that breaks a rule.
    fn spoil(&self, changes: &mut Changes) {
        match self.disk.flaw {
            Some(Flaw::ForgetsKeys) => changes.dedupe.clear(),
            Some(Flaw::DropsEffects) if self.disk.dice.per_mille(100) => changes.effects.truncate(0),
            _ => {}
        }
    }
}

impl Outbox for Rows {
    fn claim(
        &self,
        now: Timestamp,
        held_until: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<EffectRow>>> {
        self.change(move |memory| {
            Box::pin(async move {
                let claimed = memory.claim(now, held_until, limit).await?;
                if !claimed.is_empty() {
                    self.power.took_work();
                }
                Ok(claimed)
            })
        })
    }

    fn next_due(&self) -> BoxFuture<'_, Result<Option<Timestamp>>> {
        self.pass(|memory| Box::pin(async move { memory.next_due().await }))
    }

    fn release_all(&self) -> BoxFuture<'_, Result<()>> {
        self.change(|memory| Box::pin(async move { memory.release_all().await }))
    }

    fn waiting(
        &self,
        conversation: &ConversationId,
        kind: EffectKind,
    ) -> BoxFuture<'_, Result<Vec<EffectRow>>> {
        owned!(self.pass, |memory, conversation| memory.waiting(&conversation, kind))
    }
}

impl Parked for Rows {
    fn park(&self, request: ParkedRequest) -> BoxFuture<'_, Result<()>> {
        self.change(|memory| Box::pin(async move { memory.park(request).await }))
    }

    fn parked(
        &self,
        connection: &ConnectionId,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(i64, ParkedRequest)>>> {
        owned!(self.pass, |memory, connection| memory.parked(&connection, limit))
    }

    fn unpark(&self, id: i64) -> BoxFuture<'_, Result<()>> {
        self.change(move |memory| Box::pin(async move { memory.unpark(id).await }))
    }
}

impl Assistants for Rows {
    fn assistants(&self) -> BoxFuture<'_, Result<Vec<AssistantRow>>> {
        self.pass(|memory| Box::pin(async move { memory.assistants().await }))
    }

    fn published(&self) -> BoxFuture<'_, Result<Vec<(AssistantId, u32)>>> {
        self.pass(|memory| Box::pin(async move { memory.published().await }))
    }

    fn assistant(&self, id: &AssistantId) -> BoxFuture<'_, Result<Option<AssistantRow>>> {
        owned!(self.pass, |memory, id| memory.assistant(&id))
    }

    fn save_draft(
        &self,
        id: &AssistantId,
        name: &str,
        draft: &str,
        expected: u64,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<u64>> {
        owned!(self.change, |memory, id, name, draft| memory.save_draft(&id, &name, &draft, expected, now))
    }

    fn publish(&self, id: &AssistantId, revision: u64, now: Timestamp) -> BoxFuture<'_, Result<u32>> {
        owned!(self.change, |memory, id| memory.publish(&id, revision, now))
    }

    fn version(&self, id: &AssistantId, version: u32) -> BoxFuture<'_, Result<Option<VersionRow>>> {
        owned!(self.pass, |memory, id| memory.version(&id, version))
    }
}

/// Nobody uses a console here.
impl Users for Rows {
    fn count_users(&self) -> BoxFuture<'_, Result<u64>> {
        self.pass(|memory| Box::pin(async move { memory.count_users().await }))
    }

    fn add_user(&self, user: User) -> BoxFuture<'_, Result<()>> {
        self.change(|memory| Box::pin(async move { memory.add_user(user).await }))
    }

    fn user(&self, name: &str) -> BoxFuture<'_, Result<Option<User>>> {
        owned!(self.pass, |memory, name| memory.user(&name))
    }

    fn keep_session(&self, session: StoredSession) -> BoxFuture<'_, Result<()>> {
        self.change(|memory| Box::pin(async move { memory.keep_session(session).await }))
    }

    fn console_session(
        &self,
        token_hash: &str,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Option<StoredSession>>> {
        owned!(self.pass, |memory, token_hash| memory.console_session(&token_hash, now))
    }

    fn end_session(&self, token_hash: &str) -> BoxFuture<'_, Result<()>> {
        owned!(self.change, |memory, token_hash| memory.end_session(&token_hash))
    }

    fn count_failure(&self, key: &str, now: Timestamp, since: Timestamp) -> BoxFuture<'_, Result<u64>> {
        owned!(self.change, |memory, key| memory.count_failure(&key, now, since))
    }
}

/// Connections stand in the configuration here.
impl Connections for Rows {
    fn connection_rows(&self) -> BoxFuture<'_, Result<Vec<ConnectionRow>>> {
        self.pass(|memory| Box::pin(async move { memory.connection_rows().await }))
    }

    fn save_connection(&self, row: ConnectionRow) -> BoxFuture<'_, Result<u64>> {
        self.change(|memory| Box::pin(async move { memory.save_connection(row).await }))
    }

    fn remove_connection(&self, id: &ConnectionId, revision: u64) -> BoxFuture<'_, Result<u64>> {
        owned!(self.change, |memory, id| memory.remove_connection(&id, revision))
    }
}

impl Keep for Rows {
    fn get(
        &self,
        connection: &ConnectionId,
        key: &str,
    ) -> BoxFuture<'_, std::result::Result<Option<(Value, u64)>, String>> {
        owned!(self.pass, |memory, connection, key| memory.get(&connection, &key))
    }

    fn swap(
        &self,
        connection: &ConnectionId,
        key: &str,
        expected: u64,
        value: Value,
    ) -> BoxFuture<'_, std::result::Result<bool, String>> {
        owned!(self.pass, |memory, connection, key| memory.swap(&connection, &key, expected, value))
    }
}

impl Store for Rows {
    fn ready(&self) -> BoxFuture<'_, Result<()>> {
        self.change(|memory| Box::pin(async move { memory.ready().await }))
    }
}
