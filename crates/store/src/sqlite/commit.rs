//! One transaction: all of [`Changes`] or nothing.

use futures::future::BoxFuture;
use handoff_core::store::{Changes, Dedupe, Result, StoreError, Transactions};
use handoff_model::{ConversationId, Message};
use rusqlite::{Connection, OptionalExtension, params};

use super::{Sqlite, conversations, failure::Failure, handoffs, messages, outbox, unsigned};
use crate::listing::beginning;

impl Transactions for Sqlite {
    fn commit(&self, changes: Changes) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            // Written out as JSON here, so that the writer's thread has nothing but SQL to do.
            let encoded = Encoded::new(&changes).map_err(StoreError::from)?;
            self.write(move |db| apply(db, &changes, &encoded)).await
        })
    }
}

/// What is stored as JSON.
struct Encoded {
    conversation: Option<String>,
    handoffs: Vec<String>,
    contents: Vec<String>,
}

impl Encoded {
    fn new(changes: &Changes) -> std::result::Result<Self, Failure> {
        let conversation = changes.conversation.as_ref().map(serde_json::to_string).transpose()?;
        let handoffs =
            changes.handoffs.iter().map(serde_json::to_string).collect::<std::result::Result<_, _>>()?;
        let contents = changes.messages.iter().map(|(_, message)| serde_json::to_string(&message.content));
        Ok(Self { conversation, handoffs, contents: contents.collect::<std::result::Result<_, _>>()? })
    }
}

fn apply(db: &Connection, changes: &Changes, encoded: &Encoded) -> std::result::Result<(), Failure> {
    for event in &changes.dedupe {
        remember(db, event)?;
    }
    for (id, until) in &changes.held {
        outbox::still_held(db, *id, *until)?;
    }
    let mut numbers = Numbers::default();
    if let (Some(conversation), Some(body)) = (&changes.conversation, &encoded.conversation) {
        let said = last_said(&changes.messages, &conversation.id);
        let number = conversations::put(db, conversation, body, said.as_deref())?;
        numbers.known = Some((conversation.id.clone(), number));
    }
    for (handoff, body) in changes.handoffs.iter().zip(&encoded.handoffs) {
        handoffs::put(db, handoff, body)?;
    }
    history(db, changes, encoded, &mut numbers)?;
    platform(db, changes)?;
    effects(db, changes)
}

fn history(
    db: &Connection,
    changes: &Changes,
    encoded: &Encoded,
    numbers: &mut Numbers,
) -> std::result::Result<(), Failure> {
    for ((id, message), content) in changes.messages.iter().zip(&encoded.contents) {
        messages::add(db, numbers.of(db, id)?, id, message, content)?;
        if changes.conversation.as_ref().is_none_or(|conversation| conversation.id != *id) {
            conversations::said(db, id, &beginning(message))?;
        }
    }
    for (id, seq, delivery) in &changes.deliveries {
        messages::deliver(db, numbers.of(db, id)?, id, *seq, *delivery)?;
    }
    for (id, seq, sealed) in &changes.sealed {
        messages::seal(db, numbers.of(db, id)?, id, *seq, sealed)?;
    }
    Ok(())
}

fn platform(db: &Connection, changes: &Changes) -> std::result::Result<(), Failure> {
    if let Some(handoff) = &changes.drop_withheld {
        handoffs::drop_withheld(db, handoff)?;
    }
    for withheld in &changes.withheld {
        handoffs::withhold(db, withheld)?;
    }
    for (connection, chat, handoff) in &changes.chats {
        handoffs::add_chat(db, connection, chat, handoff)?;
    }
    for (connection, from, to) in &changes.renamed_chats {
        handoffs::rename_chat(db, connection, from, to)?;
    }
    Ok(())
}

fn effects(db: &Connection, changes: &Changes) -> std::result::Result<(), Failure> {
    for id in &changes.done {
        outbox::done(db, *id)?;
    }
    for later in &changes.later {
        outbox::later(db, later)?;
    }
    for (lane, at) in &changes.wake {
        outbox::wake(db, lane, *at)?;
    }
    for effect in &changes.effects {
        outbox::add(db, effect)?;
    }
    Ok(())
}

/// Remembers an event.
///
/// # Errors
/// [`StoreError::Duplicate`] when it was remembered before.
fn remember(db: &Connection, event: &Dedupe) -> std::result::Result<(), Failure> {
    let add = "INSERT INTO dedupe (scope, key, at, from_seq, until_seq) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT DO NOTHING";
    let (from, until) = (super::integer(event.from), super::integer(event.until));
    if db.prepare_cached(add)?.execute(params![event.scope, event.key, event.at.0, from, until])? > 0 {
        return Ok(());
    }
    let find = "SELECT from_seq, until_seq FROM dedupe WHERE scope = ?1 AND key = ?2";
    let (from, until): (i64, i64) = db
        .prepare_cached(find)?
        .query_row(params![event.scope, event.key], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Err(StoreError::Duplicate { from: unsigned(from)?, until: unsigned(until)? }.into())
}

/// The numbers under which conversations lie; the one that changes is looked up only once.
#[derive(Default)]
struct Numbers {
    known: Option<(ConversationId, i64)>,
}

impl Numbers {
    fn of(&mut self, db: &Connection, id: &ConversationId) -> std::result::Result<i64, Failure> {
        if let Some((known, number)) = &self.known
            && known == id
        {
            return Ok(*number);
        }
        let find = "SELECT number FROM conversations WHERE id = ?1";
        let number = db.prepare_cached(find)?.query_row([id.as_str()], |row| row.get(0)).optional()?;
        let number = number.ok_or_else(|| Failure::broken(format!("there is no conversation {id}")))?;
        self.known = Some((id.clone(), number));
        Ok(number)
    }
}

fn last_said(messages: &[(ConversationId, Message)], id: &ConversationId) -> Option<String> {
    messages.iter().rev().find(|(of, _)| of == id).map(|(_, message)| beginning(message))
}
