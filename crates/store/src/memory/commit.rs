//! One transaction: first everything that may refuse it, then everything that it changes.

use std::collections::BTreeSet;

use futures::future::BoxFuture;
use handoff_core::store::{Changes, EffectId, Result, StoreError, Transactions};
use handoff_model::{ConversationId, Timestamp};

use super::{Memory, State, Talk};
use crate::listing::beginning;

impl Transactions for Memory {
    fn commit(&self, changes: Changes) -> BoxFuture<'_, Result<()>> {
        self.with(|state| {
            state.refuse(&changes)?;
            state.apply(changes);
            Ok(())
        })
    }
}

impl State {
    /// Why nothing of these changes can be stored.
    fn refuse(&self, changes: &Changes) -> Result<()> {
        let mut keys = BTreeSet::new();
        for event in &changes.dedupe {
            let key = (event.scope.clone(), event.key.clone());
            if let Some((from, until)) = self.dedupe.get(&key) {
                return Err(StoreError::Duplicate { from: *from, until: *until });
            }
            if !keys.insert(key) {
                return Err(StoreError::Duplicate { from: event.from, until: event.until });
            }
        }
        if let Some(conversation) = &changes.conversation {
            let stored = self.conversations.get(&conversation.id).map_or(0, |talk| talk.conversation.version);
            same(stored, conversation.version)?;
        }
        for handoff in &changes.handoffs {
            same(self.handoffs.get(&handoff.id).map_or(0, |stored| stored.version), handoff.version)?;
        }
        let held = |(id, until): &(EffectId, Timestamp)| {
            self.effects.get(id).is_some_and(|effect| effect.held == Some(*until))
        };
        if !changes.held.iter().all(held) {
            return Err(StoreError::Conflict);
        }
        self.refuse_history(changes)
    }

    /// What is said belongs to a conversation that is there, at a place that is free.
    fn refuse_history(&self, changes: &Changes) -> Result<()> {
        let made = changes.conversation.as_ref().map(|conversation| &conversation.id);
        let mut places = BTreeSet::new();
        let said = changes.messages.iter().map(|(id, message)| (id, message.seq, "said"));
        let sealed = changes.sealed.iter().map(|(id, seq, _)| (id, *seq, "sealed"));
        for (id, seq, what) in said.chain(sealed) {
            self.is_there(id, made)?;
            let taken = self.conversations.get(id).is_some_and(|talk| match what {
                "said" => talk.messages.contains_key(&seq),
                _ => talk.sealed.contains_key(&seq),
            });
            if taken || !places.insert((id, seq, what)) {
                return Err(StoreError::Broken(format!("place {seq} of conversation {id} is taken")));
            }
        }
        changes.deliveries.iter().try_for_each(|(id, ..)| self.is_there(id, made))
    }

    fn is_there(&self, id: &ConversationId, made: Option<&ConversationId>) -> Result<()> {
        let there = made == Some(id) || self.conversations.contains_key(id);
        there.then_some(()).ok_or_else(|| StoreError::Broken(format!("there is no conversation {id}")))
    }

    fn apply(&mut self, changes: Changes) {
        for event in changes.dedupe {
            self.dedupe.insert((event.scope, event.key), (event.from, event.until));
        }
        if let Some(mut conversation) = changes.conversation {
            conversation.version += 1;
            let id = conversation.id.clone();
            let talk = self.conversations.entry(id).or_insert_with(|| Talk::new(conversation.clone()));
            talk.conversation = conversation;
        }
        for mut handoff in changes.handoffs {
            handoff.version += 1;
            self.handoffs.insert(handoff.id.clone(), handoff);
        }
        for (id, message) in changes.messages {
            if let Some(talk) = self.conversations.get_mut(&id) {
                talk.last_text = beginning(&message);
                talk.messages.insert(message.seq, message);
            }
        }
        for (id, seq, delivery) in changes.deliveries {
            let talk = self.conversations.get_mut(&id);
            if let Some(message) = talk.and_then(|talk| talk.messages.get_mut(&seq)) {
                message.delivery = delivery;
            }
        }
        for (id, seq, sealed) in changes.sealed {
            if let Some(talk) = self.conversations.get_mut(&id) {
                talk.sealed.insert(seq, sealed);
            }
        }
        if let Some(handoff) = changes.drop_withheld {
            self.withheld.retain(|withheld| withheld.handoff != handoff);
        }
        self.withheld.extend(changes.withheld);
        for (connection, chat, handoff) in changes.chats {
            self.chats.insert((connection, chat), handoff);
        }
        for (connection, from, to) in changes.renamed_chats {
            if let Some(handoff) = self.chats.remove(&(connection.clone(), from)) {
                self.chats.insert((connection, to), handoff);
            }
        }
        changes.done.into_iter().for_each(|id| drop(self.effects.remove(&id)));
        changes.later.into_iter().for_each(|later| self.put_off(later));
        changes.wake.into_iter().for_each(|(lane, at)| self.wake(&lane, at));
        changes.effects.into_iter().for_each(|effect| self.add(effect));
    }
}

fn same(stored: u64, expected: u64) -> Result<()> {
    if stored == expected { Ok(()) } else { Err(StoreError::Conflict) }
}
