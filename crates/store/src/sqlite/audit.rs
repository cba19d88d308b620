//! Rows of whole conversations, for whoever proves the promises on them.

use futures::future::BoxFuture;
use handoff_core::{
    audit::{Case, Filed, Place, Queued, Slice},
    session::Conversation,
    store::{Ledger, Result, Withheld},
};
use handoff_model::{ConversationId, HandoffId, Timestamp};
use rusqlite::{Connection, Row, params};

use super::{Sqlite, failure::Failure, handoffs, limit, messages, outbox, unsigned};

impl Ledger for Sqlite {
    fn slice(&self, after: Option<&ConversationId>, most: usize) -> BoxFuture<'_, Result<Slice>> {
        let after = after.cloned();
        self.list(move |db| slice(db, after.as_ref(), most))
    }
}

/// A conversation's row, not yet understood.
struct Head {
    number: i64,
    id: ConversationId,
    version: i64,
    held_by: String,
    body: String,
}

/// What follows `after`. Each conversation is read at one moment, and nobody waits for that: writers go on.
pub(super) fn slice(
    db: &Connection,
    after: Option<&ConversationId>,
    most: usize,
) -> std::result::Result<Slice, Failure> {
    let mut slice = Slice { restores: restores(db)?, ..Slice::default() };
    let ids = ids(db, after, most)?;
    slice.next = ids.last().filter(|_| ids.len() == most).cloned();
    for id in ids {
        match at_one_moment(db, &id) {
            Ok(Some(case)) => slice.cases.push(case),
            Ok(None) => {}
            Err(Failure::Lost(why)) => return Err(Failure::Lost(why)),
            Err(Failure::Refused(error)) => slice.broken.push((id, error.to_string())),
        }
    }
    Ok(slice)
}

fn ids(
    db: &Connection,
    after: Option<&ConversationId>,
    most: usize,
) -> std::result::Result<Vec<ConversationId>, Failure> {
    let mut statement =
        db.prepare_cached("SELECT id FROM conversations WHERE id > ?1 ORDER BY id LIMIT ?2")?;
    let after = after.map_or("", ConversationId::as_str);
    let ids = statement.query_map(params![after, limit(most)], |row| row.get::<_, String>(0))?;
    Ok(ids.map(|id| id.map(ConversationId::new)).collect::<rusqlite::Result<_>>()?)
}

fn restores(db: &Connection) -> std::result::Result<u64, Failure> {
    let mut statement = db.prepare_cached("SELECT count(*) FROM restored")?;
    unsigned(statement.query_row([], |row| row.get(0))?)
}

fn at_one_moment(db: &Connection, id: &ConversationId) -> std::result::Result<Option<Case>, Failure> {
    let transaction = db.unchecked_transaction()?;
    let case = case(&transaction, id);
    // It has changed nothing.
    transaction.rollback()?;
    case
}

fn case(db: &Connection, id: &ConversationId) -> std::result::Result<Option<Case>, Failure> {
    let sql = "SELECT number, id, version, held_by, body FROM conversations WHERE id = ?1";
    let mut statement = db.prepare_cached(sql)?;
    let mut found = statement.query([id.as_str()])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let Head { number, id, version, held_by, body } = head(row)?;
    let mut conversation: Conversation = serde_json::from_str(&body)?;
    conversation.version = unsigned(version)?;
    Ok(Some(Case {
        conversation,
        held_by,
        history: history(db, number)?,
        sealed: sealed(db, number)?,
        withheld: withheld(db, &id)?,
        handoffs: filed(db, &id)?,
        effects: queued(db, &id)?,
    }))
}

fn head(row: &Row<'_>) -> rusqlite::Result<Head> {
    let id = ConversationId::new(row.get::<_, String>(1)?);
    Ok(Head { number: row.get(0)?, id, version: row.get(2)?, held_by: row.get(3)?, body: row.get(4)? })
}

fn history(db: &Connection, number: i64) -> std::result::Result<Vec<Place>, Failure> {
    let sql = "SELECT seq, author, delivery FROM messages WHERE conversation = ?1 ORDER BY seq";
    let mut statement = db.prepare_cached(sql)?;
    let (mut rows, mut places) = (statement.query([number])?, Vec::new());
    while let Some(row) = rows.next()? {
        let author = messages::author_of(messages::text(row, 1)?)?;
        let delivery = messages::delivery_of(messages::text(row, 2)?)?;
        places.push(Place { seq: unsigned(row.get(0)?)?, author, delivery });
    }
    Ok(places)
}

fn sealed(db: &Connection, number: i64) -> std::result::Result<Vec<(u64, Vec<u8>)>, Failure> {
    let sql = "SELECT seq, sealed FROM sealed WHERE conversation = ?1 ORDER BY seq";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([number], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))?;
    rows.map(|row| row.map_err(Failure::from).and_then(|(seq, bytes)| Ok((unsigned(seq)?, bytes)))).collect()
}

fn withheld(db: &Connection, id: &ConversationId) -> std::result::Result<Vec<Withheld>, Failure> {
    let sql = "SELECT w.handoff, w.sealed FROM handoffs h JOIN withheld w ON w.handoff = h.id
        WHERE h.conversation = ?1 ORDER BY w.number";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([id.as_str()], |row| {
        Ok(Withheld { handoff: HandoffId::new(row.get::<_, String>(0)?), sealed: row.get(1)? })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn filed(db: &Connection, id: &ConversationId) -> std::result::Result<Vec<Filed>, Failure> {
    let sql = "SELECT version, body, state, (SELECT count(*) FROM chats WHERE handoff = h.id) FROM handoffs h
        WHERE conversation = ?1 ORDER BY number";
    let mut statement = db.prepare_cached(sql)?;
    let (mut rows, mut filed) = (statement.query([id.as_str()])?, Vec::new());
    while let Some(row) = rows.next()? {
        let (state, chats) = (row.get(2)?, unsigned(row.get(3)?)?);
        filed.push(Filed { handoff: handoffs::whole(row)?, state, chats });
    }
    Ok(filed)
}

fn queued(db: &Connection, id: &ConversationId) -> std::result::Result<Vec<Queued>, Failure> {
    let sql =
        "SELECT id, kind, lane, conversation, handoff, seq, sealed, attempts, maybe_done, added, held_until,
        head, ready FROM effects WHERE conversation = ?1 ORDER BY id";
    let mut statement = db.prepare_cached(sql)?;
    let (mut rows, mut queued) = (statement.query([id.as_str()])?, Vec::new());
    while let Some(row) = rows.next()? {
        let (head, ready) = (row.get(11)?, Timestamp(row.get(12)?));
        queued.push(Queued { row: outbox::effect(row)?, head, ready });
    }
    Ok(queued)
}
