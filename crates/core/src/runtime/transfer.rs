//! Moves a handoff on: begins an attempt, or looks for what a lost one left behind.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use handoff_model::{
    Delivery, HandoffId, Timestamp,
    connector::{ConnectorError, Find, Transferred},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    Counter, Runtime, TurnError,
    carry::unreadable,
    leaving::{Leaving, each, hash},
};
use crate::{
    handoff::{
        Event, Handoff, HandoffState, Transition, step,
        step::{ATTEMPT, REPLIES_FIRST},
    },
    session::{Handled, settle},
    store::{Changes, EffectKind, EffectRow, Reschedule, StoreError},
    world::{Call, CallError, Checkpoints},
};

/// Pause while earlier replies are on their way.
const FOR_REPLIES: Duration = Duration::from_millis(100);
/// Longest time for a look.
const LOOK: Duration = Duration::from_secs(30);
/// For this long after data was put back from a backup, a handoff may be one that took place already.
const LOOKS_FIRST: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How often a transition begins anew when others change the same rows.
const TRIES: usize = 50;

impl Runtime {
    /// One step of a handoff: what it is depends on where the handoff stands.
    pub(super) async fn move_handoff(&self, row: EffectRow) -> Result<(), StoreError> {
        let Some(handoff) = self.handoff_of_row(&row).await? else { return self.drop_row(&row).await };
        let now = self.0.parts.clock.now();
        match &handoff.state {
            HandoffState::Requested if self.looks_first(&handoff) => {
                let at = self.0.parts.lives.latest().unwrap_or(now);
                self.transition(&row, &handoff.id, Event::Restored { at, until: handoff.fired_seq }).await
            }
            HandoffState::Requested | HandoffState::Waiting { .. } => {
                match self.not_before(&handoff, now).await? {
                    Some(due) => self.put_off(again(&row, due)).await,
                    None if handoff.asks_who_is_there() && self.nobody_is_there(&handoff).await => {
                        self.transition(&row, &handoff.id, Event::NobodyThere).await
                    }
                    None => self.attempt(row, handoff).await,
                }
            }
            // Nobody else works on this row, so whoever began the attempt is gone.
            HandoffState::Transferring { .. } => self.transition(&row, &handoff.id, Event::NodeLost).await,
            HandoffState::InDoubt { look_at, .. } if *look_at > now => {
                self.put_off(again(&row, *look_at)).await
            }
            HandoffState::InDoubt { .. } => self.look(row, handoff).await,
            _ => self.drop_row(&row).await,
        }
    }

    /// Whether the same event may have fired the same handoff before the data was put back from a backup.
    fn looks_first(&self, handoff: &Handoff) -> bool {
        self.0.parts.lives.latest().is_some_and(|at| handoff.fired_at.since(at) < LOOKS_FIRST)
    }

    /// Until when an attempt has to wait: for its time, or for earlier replies.
    async fn not_before(&self, handoff: &Handoff, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        if let HandoffState::Waiting { until, .. } = &handoff.state
            && *until > now
        {
            return Ok(Some(*until));
        }
        let waiting = self.0.parts.store.waiting(&handoff.conversation, EffectKind::Deliver).await?;
        let patience = handoff.fired_at.after(REPLIES_FIRST);
        if waiting.is_empty() || handoff.transcript_until.is_some() {
            return Ok(None);
        }
        if now < patience {
            return Ok(Some(now.after(FOR_REPLIES).min(patience)));
        }
        let changes = Changes {
            deliveries: waiting
                .iter()
                .map(|row| (row.conversation.clone(), row.seq, Delivery::Undelivered))
                .collect(),
            done: waiting.iter().map(|row| row.id).collect(),
            ..Changes::default()
        };
        self.commit(changes).await?;
        Ok(None)
    }

    /// Records the intent, makes the call, records what it gave.
    async fn attempt(&self, row: EffectRow, handoff: Handoff) -> Result<(), StoreError> {
        let Some(conversation) = self.0.parts.store.conversation(&handoff.conversation).await? else {
            return self.drop_row(&row).await;
        };
        let now = self.0.parts.clock.now();
        let begin = Event::Begin { until: conversation.last_seq };
        let Ok(Transition { handoff: mut begun, .. }) = step(&handoff, begin, now, 0) else {
            return self.put_off(again(&row, now)).await;
        };
        let Leaving { transfer, redacted } = self.leaving(&begun, &conversation).await?;
        begun.receipt.left(each(&transfer.transcript), hash(&transfer.transcript), now);
        begun.receipt.redacted = redacted;
        // Whatever was accepted before the first attempt goes with it. A restore relies on that: a backup that has words
        // and not the attempt is from before it, so they are on the platform. Hence one who wrote meanwhile goes first.
        let unchanged = handoff.transcript_until.is_none().then_some(conversation);
        let intent = Changes { conversation: unchanged, handoffs: vec![begun.clone()], ..Changes::default() };
        match self.commit(intent).await {
            Ok(()) => {}
            Err(StoreError::Conflict) => return self.put_off(again(&row, now)).await,
            Err(error) => return Err(error),
        }
        tracing::info!(handoff.id = %begun.id, platform = %begun.platform, attempt = begun.attempts,
            "Asking {} to take a chat", begun.platform);
        let attempt = begun.attempts;
        let sink = Steps { runtime: self.clone(), handoff: begun.id.clone(), attempt };
        let answer: Result<Transferred, _> =
            self.ask(&row, &begun, "transfer", json!(transfer), ATTEMPT, Some(Arc::new(sink))).await;
        self.transition(&row, &begun.id, Event::Answered { attempt, answer }).await
    }

    async fn look(&self, row: EffectRow, handoff: Handoff) -> Result<(), StoreError> {
        let Some(conversation) = self.0.parts.store.conversation(&handoff.conversation).await? else {
            return self.drop_row(&row).await;
        };
        let find = Find { transfer: self.leaving(&handoff, &conversation).await?.transfer };
        let began = self.0.parts.clock.now();
        let found = self.ask(&row, &handoff, "find", json!(find), LOOK, None).await;
        self.transition(&row, &handoff.id, Event::Looked { began, found }).await
    }

    /// Calls the handoff's connector.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        row: &EffectRow,
        handoff: &Handoff,
        verb: &'static str,
        request: Value,
        deadline: Duration,
        checkpoints: Option<Arc<dyn Checkpoints>>,
    ) -> Result<T, ConnectorError> {
        let call = Call { verb, request, deadline, checkpoints };
        let answer = self.call_while_held(row, &handoff.connection, call).await;
        let answer = answer.map_err(CallError::into_connector_error)?;
        serde_json::from_value(answer).map_err(|error| ConnectorError::Lost {
            detail: format!("the connector's answer cannot be read: {error}"),
        })
    }

    /// Applies an event to a handoff, and what follows to its conversation, in one transaction.
    pub(super) async fn transition(
        &self,
        row: &EffectRow,
        id: &HandoffId,
        event: Event,
    ) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let store = &self.0.parts.store;
            let Some(handoff) = store.handoff(id).await? else { return self.drop_row(row).await };
            let chance = self.0.parts.chance.next();
            let now = self.0.parts.clock.now();
            let Ok(transition) = step(&handoff, event.clone(), now, chance) else {
                return self.put_off(again(row, now)).await;
            };
            let after = transition.handoff.clone();
            let handled = self.settled(&handoff, transition).await?;
            let mut changes = handled.changes;
            match next_time(&after) {
                Some(due) => changes.later.push(again(row, due)),
                None => changes.done.push(row.id),
            }
            match self.commit(changes).await {
                Err(StoreError::Conflict) => {}
                Ok(()) => {
                    self.log(&after.conversation, &handled.notes);
                    self.report(&handoff, &after);
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        self.put_off(again(row, self.0.parts.clock.now())).await
    }

    pub(super) async fn settled(
        &self,
        handoff: &Handoff,
        transition: Transition,
    ) -> Result<Handled, StoreError> {
        let store = &self.0.parts.store;
        let Some(conversation) = store.conversation(&handoff.conversation).await? else {
            return Err(StoreError::Broken(format!("the conversation of handoff {} is missing", handoff.id)));
        };
        let later = store.messages(&conversation.id, handoff.fired_seq, conversation.last_seq).await?;
        let sealed = store.withheld(&handoff.id).await?;
        let withheld = sealed.iter().map(|row| self.unseal(row).unwrap_or_else(|_| unreadable())).collect();
        let event = format!("handoff/{}", handoff.id);
        let copy = conversation.clone();
        self.with_setting(&conversation, Some(handoff), &event, |setting| {
            settle(setting, copy, transition, &later, withheld)
        })
        .await
        .map_err(|error| match error {
            TurnError::Unavailable => StoreError::Unavailable(error.to_string()),
            TurnError::Damaged => StoreError::Damaged("the conversation".to_owned()),
            other => StoreError::Broken(other.to_string()),
        })
    }

    pub(super) fn report(&self, before: &Handoff, after: &Handoff) {
        let (id, platform) = (&after.id, &after.platform);
        match &after.state {
            HandoffState::Accepted { .. } | HandoffState::Carrying { .. } => {
                self.0.counters.add(Counter::Accepted);
                tracing::info!(handoff.id = %id, %platform, "{platform} accepted handoff {id}");
            }
            HandoffState::Failed { nobody_there: true, .. } => {
                self.0.counters.add(Counter::NobodyThere);
                tracing::info!(handoff.id = %id, %platform, "Handoff {id} was not begun: no live agent of {platform} is there");
            }
            HandoffState::Failed { reason, .. } => {
                self.0.counters.add(Counter::Failed);
                tracing::error!(handoff.id = %id, %platform, %reason, "Handoff {id} to {platform} failed: {reason}");
            }
            HandoffState::InDoubt { cause, .. } if !matches!(before.state, HandoffState::InDoubt { .. }) => {
                self.0.counters.add(Counter::Doubts);
                tracing::warn!(handoff.id = %id, %platform, %cause, "Handoff {id} is in doubt: {cause}");
            }
            _ => {}
        }
    }

    pub(super) async fn handoff_of_row(&self, row: &EffectRow) -> Result<Option<Handoff>, StoreError> {
        match &row.handoff {
            Some(id) => self.0.parts.store.handoff(id).await,
            None => Ok(None),
        }
    }

    /// An effect that has become pointless.
    pub(super) async fn drop_row(&self, row: &EffectRow) -> Result<(), StoreError> {
        self.commit(Changes { done: vec![row.id], ..Changes::default() }).await
    }
}

/// When the handoff's effect is due next; none when it is decided.
fn next_time(handoff: &Handoff) -> Option<Timestamp> {
    match &handoff.state {
        HandoffState::Requested | HandoffState::Transferring { .. } => Some(handoff.fired_at),
        HandoffState::Waiting { until, .. } => Some(*until),
        HandoffState::InDoubt { look_at, .. } => Some(*look_at),
        _ => None,
    }
}

fn again(row: &EffectRow, due: Timestamp) -> Reschedule {
    Reschedule {
        id: row.id,
        due,
        attempts: row.attempts,
        maybe_done: row.maybe_done,
        held_until: row.held_until,
    }
}

/// Stores the checkpoints of one attempt, while it holds the handoff.
struct Steps {
    runtime: Runtime,
    handoff: HandoffId,
    attempt: u32,
}

impl Checkpoints for Steps {
    fn store(&self, checkpoint: Value) -> BoxFuture<'_, Result<(), ConnectorError>> {
        self.keep(checkpoint).boxed()
    }
}

impl Steps {
    async fn keep(&self, checkpoint: Value) -> Result<(), ConnectorError> {
        let parts = &self.runtime.0.parts;
        let unavailable = |error: StoreError| ConnectorError::Unavailable { detail: error.to_string() };
        for _ in 0..TRIES {
            let handoff = parts.store.handoff(&self.handoff).await.map_err(unavailable)?;
            let handoff = handoff.ok_or(ConnectorError::Superseded)?;
            let done = Event::StepDone { attempt: self.attempt, checkpoint: checkpoint.clone() };
            let now = parts.clock.now();
            let transition = step(&handoff, done, now, 0).map_err(|_| ConnectorError::Superseded)?;
            let changes = Changes { handoffs: vec![transition.handoff], ..Changes::default() };
            match self.runtime.commit(changes).await {
                Ok(()) => return Ok(()),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(unavailable(error)),
            }
        }
        Err(ConnectorError::Superseded)
    }
}
