//! Performs effects: takes what is due, the first of each lane, and works on many lanes at once.

use std::{sync::Arc, time::Duration};

use handoff_model::{ConnectionId, Timestamp};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::Runtime;
use crate::{
    store::{Changes, EffectKind, EffectRow, Reschedule, StoreError},
    world::{Call, CallError},
};

/// Effects performed at the same time.
const AT_ONCE: usize = 256;
/// How long an effect is held; longer than any call may take.
const HELD: Duration = Duration::from_secs(120);
/// Longest sleep when nothing is due.
const IDLE: Duration = Duration::from_secs(2);
/// Shortest sleep: what is due may be held, or there may be no room for it.
const SHORTEST: Duration = Duration::from_millis(5);
/// Pause before a conversation is looked at again whose rows are damaged: only a backup mends them.
const DAMAGED: Duration = Duration::from_secs(300);
/// Pause when the store does not answer.
const STORE_DOWN: Duration = Duration::from_secs(1);

impl Runtime {
    /// Performs effects until dropped.
    pub(super) async fn perform_effects(&self) {
        let room = Arc::new(Semaphore::new(AT_ONCE));
        loop {
            let woken = self.0.work.notified();
            match self.claim(&room).await {
                Ok(true) => {}
                Ok(false) => self.wait(woken).await,
                Err(error) => {
                    tracing::error!(%error, "Effects wait: the store does not answer");
                    self.0.parts.clock.sleep(STORE_DOWN).await;
                }
            }
        }
    }

    /// Takes what is due and sets it off; false when there was nothing.
    async fn claim(&self, room: &Arc<Semaphore>) -> Result<bool, StoreError> {
        let parts = &self.0.parts;
        let free = room.available_permits();
        if free == 0 {
            return Ok(false);
        }
        let now = parts.clock.now();
        let rows = parts.store.claim(now, now.after(HELD), free).await?;
        let some = !rows.is_empty();
        for row in rows {
            let Ok(permit) = room.clone().acquire_owned().await else { continue };
            let runtime = self.clone();
            tokio::spawn(async move {
                runtime.perform(row).await;
                drop(permit);
                runtime.0.work.notify_one();
            });
        }
        Ok(some)
    }

    async fn wait(&self, woken: tokio::sync::futures::Notified<'_>) {
        let parts = &self.0.parts;
        let now = parts.clock.now();
        let next = parts.store.next_due().await.ok().flatten();
        let pause = next.map_or(IDLE, |due| due.since(now)).min(IDLE);
        tokio::select! {
            biased;
            () = woken => {}
            () = parts.clock.sleep(pause.max(SHORTEST)) => {}
        }
    }

    async fn perform(&self, row: EffectRow) {
        let (id, kind, attempts, held_until) = (row.id, row.kind, row.attempts, row.held_until);
        let performed = match kind {
            EffectKind::Deliver => self.deliver(row).await,
            EffectKind::Handoff => self.move_handoff(row).await,
            EffectKind::Withdraw => self.withdraw(row).await,
            EffectKind::Forward => self.forward(row).await,
            EffectKind::Fetch => self.fetch(row).await,
        };
        if let Err(error) = performed {
            tracing::error!(%error, effect = kind.name(), "An effect could not be recorded and will be repeated");
            let pause = if matches!(error, StoreError::Damaged(_)) { DAMAGED } else { STORE_DOWN };
            let due = self.0.parts.clock.now().after(pause);
            // What could not be recorded may have been done.
            let later = Reschedule { id, due, attempts, maybe_done: true, held_until };
            let _ = self.put_off(later).await;
        }
    }

    /// Leaves an effect for later.
    pub(super) async fn put_off(&self, later: Reschedule) -> Result<(), StoreError> {
        self.commit(Changes { later: vec![later], ..Changes::default() }).await
    }

    /// Calls a connector for an effect, for no longer than the effect is held: whoever stood still since the claim
    /// would otherwise work side by side with the next holder.
    pub(super) async fn call_while_held(
        &self,
        row: &EffectRow,
        connection: &ConnectionId,
        mut call: Call,
    ) -> Result<Value, CallError> {
        let held = row.held_until.since(self.0.parts.clock.now());
        if held < call.deadline / 2 {
            return Err(CallError::NotBegun("the effect is not held for long enough any more".to_owned()));
        }
        call.deadline = call.deadline.min(held);
        self.0.parts.connectors.call(connection, call).await
    }

    /// Half a second, doubled with every attempt up to a minute, and up to a quarter more.
    pub(super) fn back_off(&self, attempts: u32) -> Timestamp {
        let base = 500_u64.saturating_mul(1 << attempts.min(10)).min(60_000);
        let spread = self.0.parts.chance.next() % (base / 4);
        self.0.parts.clock.now().after(Duration::from_millis(base + spread))
    }
}
