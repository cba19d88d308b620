//! Rows of whole conversations, for whoever proves the promises on them.

use std::ops::Bound;

use futures::future::BoxFuture;
use handoff_core::{
    audit::{Case, Filed, Place, Queued, Slice},
    store::{EffectId, Ledger, Result},
};
use handoff_model::ConversationId;

use super::{Memory, State, Talk};

impl Ledger for Memory {
    fn slice(&self, after: Option<&ConversationId>, limit: usize) -> BoxFuture<'_, Result<Slice>> {
        self.with(|state| {
            let from = after.map_or(Bound::Unbounded, Bound::Excluded);
            let talks = state.conversations.range((from, Bound::Unbounded)).take(limit);
            let heads = state.heads();
            let cases: Vec<Case> = talks.map(|(_, talk)| state.case(talk, &heads)).collect();
            let last = cases.last().filter(|_| cases.len() == limit);
            let next = last.map(|case| case.conversation.id.clone());
            Ok(Slice { cases, next, restores: state.restored.len() as u64, ..Slice::default() })
        })
    }
}

impl Memory {
    /// All rows of a conversation.
    pub fn case(&self, id: &ConversationId) -> Option<Case> {
        let state = self.0.lock();
        state.conversations.get(id).map(|talk| state.case(talk, &state.heads()))
    }
}

impl State {
    fn case(&self, talk: &Talk, heads: &[EffectId]) -> Case {
        let id = &talk.conversation.id;
        let handoffs = self.handoffs.values().filter(|handoff| handoff.conversation == *id);
        let place = |(seq, message): (&u64, &handoff_model::Message)| Place {
            seq: *seq,
            author: message.author,
            delivery: message.delivery,
        };
        Case {
            conversation: talk.conversation.clone(),
            held_by: talk.conversation.control.name().to_owned(),
            history: talk.messages.iter().map(place).collect(),
            sealed: talk.sealed.iter().map(|(seq, sealed)| (*seq, sealed.clone())).collect(),
            withheld: self.withheld.iter().filter(|row| self.is_of(&row.handoff, id)).cloned().collect(),
            handoffs: handoffs
                .map(|handoff| Filed {
                    handoff: handoff.clone(),
                    state: handoff.state.name().to_owned(),
                    chats: self.chats.values().filter(|of| **of == handoff.id).count() as u64,
                })
                .collect(),
            effects: self.queued(id, heads),
            damaged: Vec::new(),
        }
    }

    fn is_of(&self, handoff: &handoff_model::HandoffId, id: &ConversationId) -> bool {
        self.handoffs.get(handoff).is_some_and(|handoff| handoff.conversation == *id)
    }

    fn queued(&self, id: &ConversationId, heads: &[EffectId]) -> Vec<Queued> {
        let ours = self.effects.values().filter(|effect| effect.row.conversation == *id);
        ours.map(|effect| {
            let (row, ready) = (effect.row.clone(), effect.ready());
            Queued { head: heads.contains(&row.id), row, ready }
        })
        .collect()
    }
}
