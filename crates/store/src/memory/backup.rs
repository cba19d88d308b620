//! Copies of the rows, and what putting one back does to them.

use std::collections::BTreeSet;

use handoff_core::{
    handoff::Handoff,
    session::Conversation,
    store::{Dedupe, EffectKind, Lives, Result, StoreError, is_copied, place_after_restore, put_in_doubt},
};
use handoff_model::{HandoffId, Timestamp};

use super::{Memory, State};

impl Memory {
    /// A copy that changes no more with this store. It holds nothing of what was said after a handoff.
    pub fn backup(&self) -> Self {
        let copy = Self::default();
        copy.replace(self);
        copy.0.lock().leave_out();
        copy
    }

    /// Takes the rows of another store, as they are there. Nothing is marked: [`Memory::doubt_all`] does that.
    pub fn replace(&self, other: &Self) {
        let rows = other.0.lock().clone();
        *self.0.lock() = rows;
    }

    /// Marks all that may have happened since the backup whose rows these are.
    ///
    /// # Errors
    /// When a handoff knows no way into doubt, which is a fault of ours.
    pub fn doubt_all(&self, at: Timestamp) -> Result<()> {
        self.0.lock().doubt_all(at)
    }

    /// Every handoff that is kept.
    pub fn all_handoffs(&self) -> Vec<Handoff> {
        self.0.lock().handoffs.values().cloned().collect()
    }

    /// When what is kept was put back from backups.
    pub fn lives(&self) -> Lives {
        Lives::begun(self.0.lock().restored.clone())
    }

    /// How often it was.
    pub fn restores(&self) -> u64 {
        self.0.lock().restored.len() as u64
    }
}

impl State {
    fn leave_out(&mut self) {
        self.conversations.values_mut().for_each(|talk| talk.sealed.clear());
        self.withheld.clear();
        self.parked.clear();
        self.sessions.clear();
        let (talks, mut unsaid) = (&self.conversations, BTreeSet::new());
        self.effects.retain(|_, effect| {
            let row = &effect.row;
            let talk = talks.get(&row.conversation);
            let in_history = talk.is_some_and(|talk| talk.messages.contains_key(&row.seq));
            let stays = is_copied(row.kind, !row.sealed.is_empty(), in_history);
            if let Some(Conversation { channel, external_id, .. }) = talk.map(|talk| &talk.conversation)
                && !stays
                && row.kind == EffectKind::Forward
            {
                unsaid.insert((Dedupe::scope_of(channel, external_id), row.seq));
            }
            stays
        });
        self.dedupe.retain(|(scope, _), (_, until)| !unsaid.contains(&(scope.clone(), *until)));
        for effect in self.effects.values_mut() {
            effect.row.sealed.clear();
            (effect.held, effect.row.held_until) = (None, Timestamp(0));
        }
    }

    fn doubt_all(&mut self, at: Timestamp) -> Result<()> {
        let all: Vec<HandoffId> = self.handoffs.keys().cloned().collect();
        all.iter().try_for_each(|id| self.doubt(id, at))?;
        for effect in self.effects.values_mut() {
            effect.row.maybe_done = true;
            effect.due = effect.due.min(at);
        }
        for talk in self.conversations.values_mut() {
            talk.conversation.version += 1;
            talk.conversation.last_seq = place_after_restore(talk.conversation.last_seq, at);
        }
        self.restored.push(at);
        Ok(())
    }

    fn doubt(&mut self, id: &HandoffId, at: Timestamp) -> Result<()> {
        let Some(handoff) = self.handoffs.get_mut(id) else { return Ok(()) };
        let talk = self.conversations.get(&handoff.conversation);
        let last = talk.map_or(0, |talk| talk.conversation.last_seq);
        let doubted =
            put_in_doubt(handoff, last, at).map_err(|error| StoreError::Broken(error.to_string()))?;
        if let Some(mut doubted) = doubted {
            doubted.version += 1;
            *handoff = doubted;
        }
        Ok(())
    }
}
