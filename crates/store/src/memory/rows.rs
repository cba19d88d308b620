//! What is read: conversations with their messages, handoffs, parked requests, values of connectors.

use std::cmp::Reverse;

use futures::future::BoxFuture;
use handoff_core::{
    handoff::Handoff,
    session::Conversation,
    store::{
        ConversationSummary, Conversations, HandoffSummary, Handoffs, Page, Parked, ParkedRequest, Result,
        Shown,
    },
    world::Keep,
};
use handoff_model::{Author, ConnectionId, ConversationId, Delivery, HandoffId, Message};
use serde_json::Value;

use super::{Memory, State, Talk};
use crate::listing::{MOST_PARKED, cursor, place, too_many_parked};

impl Conversations for Memory {
    fn conversation(&self, id: &ConversationId) -> BoxFuture<'_, Result<Option<Conversation>>> {
        self.with(|state| Ok(state.conversations.get(id).map(|talk| talk.conversation.clone())))
    }

    fn messages(&self, id: &ConversationId, after: u64, until: u64) -> BoxFuture<'_, Result<Vec<Message>>> {
        let between = |seq: &u64| *seq > after && *seq <= until;
        self.with(|state| {
            let said = state.conversations.get(id).into_iter().flat_map(|talk| &talk.messages);
            Ok(said.filter(|(seq, _)| between(seq)).map(|(_, message)| message.clone()).collect())
        })
    }

    fn shown(&self, id: &ConversationId, after: u64, limit: usize) -> BoxFuture<'_, Result<Vec<Shown>>> {
        self.with(|state| {
            Ok(state.conversations.get(id).map_or_else(Vec::new, |talk| talk.shown(after, limit)))
        })
    }

    fn acknowledge(&self, id: &ConversationId, until: u64) -> BoxFuture<'_, Result<()>> {
        self.with(|state| {
            let Some(talk) = state.conversations.get_mut(id) else { return Ok(()) };
            talk.sealed.retain(|seq, _| *seq > until);
            let replies = talk.messages.range_mut(..=until).map(|(_, message)| message);
            for message in replies.filter(|message| message.author != Author::Person) {
                message.delivery = Delivery::Delivered;
            }
            Ok(())
        })
    }

    fn conversations(&self, page: Page) -> BoxFuture<'_, Result<Vec<ConversationSummary>>> {
        self.with(|state| {
            let rows = state.conversations.values().map(Talk::summary);
            listed(rows, &page, |row| (row.updated.0, row.id.as_str().to_owned()))
        })
    }
}

impl Talk {
    pub(super) fn new(conversation: Conversation) -> Self {
        let (last_text, messages, sealed) = Default::default();
        Self { conversation, last_text, messages, sealed }
    }

    fn shown(&self, after: u64, limit: usize) -> Vec<Shown> {
        let said = self.messages.values().filter(|message| message.author != Author::Person);
        let said = said.map(|message| {
            let Message { seq, author, content, at, .. } = message.clone();
            (seq, Shown::Said { seq, author, content, at })
        });
        let sealed = self
            .sealed
            .iter()
            .map(|(seq, sealed)| (*seq, Shown::Sealed { seq: *seq, sealed: sealed.clone() }));
        let mut shown: Vec<_> = said.chain(sealed).filter(|(seq, _)| *seq > after).collect();
        shown.sort_by_key(|(seq, _)| *seq);
        shown.into_iter().take(limit).map(|(_, shown)| shown).collect()
    }

    fn summary(&self) -> ConversationSummary {
        let Conversation { id, channel, person, control, updated, .. } = &self.conversation;
        ConversationSummary {
            id: id.clone(),
            channel: channel.clone(),
            person: person.name.clone().unwrap_or_default(),
            held_by: control.name().to_owned(),
            last_text: self.last_text.clone(),
            updated: *updated,
            cursor: cursor(updated.0, id.as_str()),
        }
    }
}

impl Handoffs for Memory {
    fn handoff(&self, id: &HandoffId) -> BoxFuture<'_, Result<Option<Handoff>>> {
        self.with(|state| Ok(state.handoffs.get(id).cloned()))
    }

    fn handoff_by_chat(
        &self,
        connection: &ConnectionId,
        chat: &str,
    ) -> BoxFuture<'_, Result<Option<HandoffId>>> {
        self.with(|state| Ok(state.chats.get(&(connection.clone(), chat.to_owned())).cloned()))
    }

    fn withheld(&self, id: &HandoffId) -> BoxFuture<'_, Result<Vec<Vec<u8>>>> {
        self.with(|state| {
            let ours = state.withheld.iter().filter(|withheld| withheld.handoff == *id);
            Ok(ours.map(|withheld| withheld.sealed.clone()).collect())
        })
    }

    fn handoffs(&self, wanted: Option<&str>, page: Page) -> BoxFuture<'_, Result<Vec<HandoffSummary>>> {
        self.with(|state| {
            let fits = |handoff: &&Handoff| wanted.is_none_or(|wanted| handoff.state.name() == wanted);
            let rows = state.handoffs.values().filter(fits).map(summary);
            listed(rows, &page, |row| (row.fired_at.0, row.id.as_str().to_owned()))
        })
    }

    fn carried(&self, connection: &ConnectionId, limit: usize) -> BoxFuture<'_, Result<Vec<HandoffId>>> {
        self.with(|state| {
            let carries =
                |handoff: &&Handoff| handoff.connection == *connection && handoff.state.name() == "carrying";
            let mut rows: Vec<&Handoff> = state.handoffs.values().filter(carries).collect();
            rows.sort_by_key(|handoff| Reverse((handoff.fired_at, handoff.id.clone())));
            Ok(rows.into_iter().take(limit).map(|handoff| handoff.id.clone()).collect())
        })
    }
}

fn summary(handoff: &Handoff) -> HandoffSummary {
    HandoffSummary {
        id: handoff.id.clone(),
        conversation: handoff.conversation.clone(),
        connector: handoff.connector.clone(),
        connection: handoff.connection.clone(),
        platform: handoff.platform.clone(),
        state: handoff.state.name().to_owned(),
        fired_at: handoff.fired_at,
        cursor: cursor(handoff.fired_at.0, handoff.id.as_str()),
    }
}

/// The page of a list whose latest rows come first.
fn listed<T>(
    rows: impl Iterator<Item = T>,
    page: &Page,
    key: impl Fn(&T) -> (i64, String),
) -> Result<Vec<T>> {
    let (time, id) = place(page)?;
    let mut rows: Vec<T> = rows.filter(|row| key(row) < (time, id.to_owned())).collect();
    rows.sort_by_key(|row| Reverse(key(row)));
    rows.truncate(page.limit);
    Ok(rows)
}

impl Parked for Memory {
    fn park(&self, request: ParkedRequest) -> BoxFuture<'_, Result<()>> {
        self.with(|state| {
            if state.parked_of(&request.connection).count() >= MOST_PARKED {
                return Err(too_many_parked(&request.connection));
            }
            state.last_parked += 1;
            state.parked.insert(state.last_parked, request);
            Ok(())
        })
    }

    fn parked(
        &self,
        connection: &ConnectionId,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(i64, ParkedRequest)>>> {
        self.with(|state| Ok(state.parked_of(connection).take(limit).collect()))
    }

    fn unpark(&self, id: i64) -> BoxFuture<'_, Result<()>> {
        self.with(|state| {
            state.parked.remove(&id);
            Ok(())
        })
    }
}

impl State {
    fn parked_of(&self, connection: &ConnectionId) -> impl Iterator<Item = (i64, ParkedRequest)> {
        let ours = self.parked.iter().filter(move |(_, parked)| parked.connection == *connection);
        ours.map(|(id, parked)| (*id, parked.clone()))
    }
}

impl Keep for Memory {
    fn get(
        &self,
        connection: &ConnectionId,
        key: &str,
    ) -> BoxFuture<'_, std::result::Result<Option<(Value, u64)>, String>> {
        self.with(|state| Ok(state.kept.get(&(connection.clone(), key.to_owned())).cloned()))
    }

    fn swap(
        &self,
        connection: &ConnectionId,
        key: &str,
        expected: u64,
        value: Value,
    ) -> BoxFuture<'_, std::result::Result<bool, String>> {
        self.with(|state| {
            let place = (connection.clone(), key.to_owned());
            let fits = state.kept.get(&place).map_or(0, |(_, version)| *version) == expected;
            if fits {
                state.kept.insert(place, (value, expected + 1));
            }
            Ok(fits)
        })
    }
}
