//! Effects, in lanes: only the first row of each lane can be claimed.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use handoff_core::store::{EffectId, EffectKind, EffectRow, NewEffect, Outbox, Reschedule, Result};
use handoff_model::{ConversationId, Timestamp};

use super::{Effect, Memory, State};

impl Outbox for Memory {
    fn claim(
        &self,
        now: Timestamp,
        held_until: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<EffectRow>>> {
        self.with(|state| Ok(state.claim(now, held_until, limit)))
    }

    fn next_due(&self) -> BoxFuture<'_, Result<Option<Timestamp>>> {
        self.with(|state| {
            let heads = state.heads();
            Ok(heads.into_iter().filter_map(|id| state.effects.get(&id)).map(Effect::ready).min())
        })
    }

    fn release_all(&self) -> BoxFuture<'_, Result<()>> {
        self.with(|state| {
            for effect in state.effects.values_mut().filter(|effect| effect.held.is_some()) {
                effect.held = None;
                effect.row.held_until = Timestamp(0);
                effect.row.maybe_done = true;
            }
            Ok(())
        })
    }

    fn waiting(
        &self,
        conversation: &ConversationId,
        kind: EffectKind,
    ) -> BoxFuture<'_, Result<Vec<EffectRow>>> {
        self.with(|state| {
            let rows = state.effects.values().map(|effect| &effect.row);
            Ok(rows.filter(|row| row.conversation == *conversation && row.kind == kind).cloned().collect())
        })
    }
}

impl Effect {
    /// When it can be claimed: it is due, and nobody holds it.
    pub(super) fn ready(&self) -> Timestamp {
        self.held.map_or(self.due, |held| self.due.max(Timestamp(held.0 + 1)))
    }
}

impl State {
    pub(super) fn add(&mut self, effect: NewEffect) {
        self.last_effect += 1;
        let NewEffect { kind, lane, conversation, handoff, seq, sealed, due } = effect;
        let row = EffectRow {
            id: self.last_effect,
            kind,
            lane,
            conversation,
            handoff,
            seq,
            sealed,
            attempts: 0,
            maybe_done: false,
            added: due,
            held_until: Timestamp(0),
        };
        self.effects.insert(row.id, Effect { row, due, held: None });
    }

    /// Whoever held it too long decides nothing any more: it is another's by now.
    pub(super) fn put_off(&mut self, later: Reschedule) {
        let Some(effect) = self.effects.get_mut(&later.id) else { return };
        if effect.held == Some(later.held_until) {
            (effect.held, effect.due) = (None, later.due);
            effect.row.held_until = Timestamp(0);
            effect.row.attempts = later.attempts;
            effect.row.maybe_done = later.maybe_done;
        }
    }

    pub(super) fn wake(&mut self, lane: &str, at: Timestamp) {
        for effect in self.effects.values_mut().filter(|effect| effect.row.lane == lane) {
            effect.due = effect.due.min(at);
        }
    }

    pub(super) fn heads(&self) -> Vec<EffectId> {
        let mut heads = BTreeMap::<&str, EffectId>::new();
        for (id, effect) in &self.effects {
            heads.entry(&effect.row.lane).or_insert(*id);
        }
        heads.into_values().collect()
    }

    fn claim(&mut self, now: Timestamp, held_until: Timestamp, limit: usize) -> Vec<EffectRow> {
        let mut due: Vec<(Timestamp, EffectId)> = self
            .heads()
            .into_iter()
            .filter_map(|id| self.effects.get(&id).map(|effect| (effect.ready(), id)))
            .filter(|(ready, _)| *ready <= now)
            .collect();
        due.sort_unstable();
        let mut claimed = Vec::new();
        for (_, id) in due.into_iter().take(limit) {
            let Some(effect) = self.effects.get_mut(&id) else { continue };
            // One whose hold ran out may have been performed by whoever held it.
            effect.row.maybe_done |= effect.held.is_some();
            effect.held = Some(held_until);
            effect.row.held_until = held_until;
            claimed.push(effect.row.clone());
        }
        claimed
    }
}
