//! Rows of whole conversations, for whoever proves the promises on them.

use futures::future::BoxFuture;
use handoff_core::{
    audit::{Case, Filed, Place, Queued, Slice},
    session::Conversation,
    store::{Ledger, Result, StoreError, Withheld},
};
use handoff_model::{ConversationId, HandoffId, Timestamp};
use rusqlite::{Connection, Row, params};

use super::{Sqlite, digest::intact, failure::Failure, handoffs, limit, messages, outbox, unsigned};

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
    intact: bool,
}

/// Rows that are not as they were written. What they say by now is looked at all the same.
#[derive(Default)]
struct Damaged(Vec<String>);

impl Damaged {
    /// Notes a row whose answer to `intact!`, in this column, is no.
    fn note(&mut self, row: &Row<'_>, column: usize, name: impl FnOnce() -> String) -> rusqlite::Result<()> {
        if !row.get::<_, bool>(column)? {
            self.0.push(name());
        }
        Ok(())
    }
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
            Err(failure) => slice.broken.push((id, StoreError::from(failure).to_string())),
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
    let sql = concat!(
        "SELECT number, id, version, held_by, body, ",
        intact!(conversations),
        " FROM conversations WHERE id = ?1"
    );
    let mut statement = db.prepare_cached(sql)?;
    let mut found = statement.query([id.as_str()])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let Head { number, id, version, held_by, body, intact } = head(row)?;
    let mut damaged = Damaged::default();
    if !intact {
        damaged.0.push("conversations".to_owned());
    }
    let mut conversation: Conversation = serde_json::from_str(&body)?;
    conversation.version = unsigned(version)?;
    Ok(Some(Case {
        conversation,
        held_by,
        history: history(db, number, &id, &mut damaged)?,
        sealed: sealed(db, number, &id, &mut damaged)?,
        withheld: withheld(db, &id, &mut damaged)?,
        handoffs: filed(db, &id, &mut damaged)?,
        effects: queued(db, &id, &mut damaged)?,
        damaged: damaged.0,
    }))
}

fn head(row: &Row<'_>) -> rusqlite::Result<Head> {
    let id = ConversationId::new(row.get::<_, String>(1)?);
    Ok(Head {
        number: row.get(0)?,
        id,
        version: row.get(2)?,
        held_by: row.get(3)?,
        body: row.get(4)?,
        intact: row.get(5)?,
    })
}

fn history(
    db: &Connection,
    number: i64,
    id: &ConversationId,
    damaged: &mut Damaged,
) -> std::result::Result<Vec<Place>, Failure> {
    let sql = concat!(
        "SELECT seq, author, delivery, ",
        intact!(messages of "?2"),
        " FROM messages WHERE conversation = ?1 ORDER BY seq"
    );
    let mut statement = db.prepare_cached(sql)?;
    let (mut rows, mut places) = (statement.query(params![number, id.as_str()])?, Vec::new());
    while let Some(row) = rows.next()? {
        let seq = unsigned(row.get(0)?)?;
        damaged.note(row, 3, || format!("messages (place {seq})"))?;
        let author = messages::author_of(messages::text(row, 1)?)?;
        let delivery = messages::delivery_of(messages::text(row, 2)?)?;
        places.push(Place { seq, author, delivery });
    }
    Ok(places)
}

fn sealed(
    db: &Connection,
    number: i64,
    id: &ConversationId,
    damaged: &mut Damaged,
) -> std::result::Result<Vec<(u64, Vec<u8>)>, Failure> {
    let sql = concat!(
        "SELECT seq, sealed, ",
        intact!(sealed of "?2"),
        " FROM sealed WHERE conversation = ?1 ORDER BY seq"
    );
    let mut statement = db.prepare_cached(sql)?;
    let (mut rows, mut found) = (statement.query(params![number, id.as_str()])?, Vec::new());
    while let Some(row) = rows.next()? {
        let seq = unsigned(row.get(0)?)?;
        damaged.note(row, 2, || format!("sealed (place {seq})"))?;
        found.push((seq, row.get(1)?));
    }
    Ok(found)
}

fn withheld(
    db: &Connection,
    id: &ConversationId,
    damaged: &mut Damaged,
) -> std::result::Result<Vec<Withheld>, Failure> {
    let sql = concat!(
        "SELECT handoff, sealed, ",
        intact!(withheld),
        " FROM withheld WHERE handoff IN (SELECT id FROM handoffs WHERE conversation = ?1) ORDER BY number"
    );
    let mut statement = db.prepare_cached(sql)?;
    let (mut rows, mut found) = (statement.query([id.as_str()])?, Vec::new());
    while let Some(row) = rows.next()? {
        let handoff = HandoffId::new(row.get::<_, String>(0)?);
        damaged.note(row, 2, || format!("withheld (of handoff {handoff})"))?;
        found.push(Withheld { handoff, sealed: row.get(1)? });
    }
    Ok(found)
}

fn filed(
    db: &Connection,
    id: &ConversationId,
    damaged: &mut Damaged,
) -> std::result::Result<Vec<Filed>, Failure> {
    let sql = concat!(
        "SELECT version, body, state, (SELECT count(*) FROM chats WHERE handoff = h.id), ",
        intact!(handoffs),
        " FROM handoffs h WHERE conversation = ?1 ORDER BY number"
    );
    let mut statement = db.prepare_cached(sql)?;
    let (mut rows, mut filed) = (statement.query([id.as_str()])?, Vec::new());
    while let Some(row) = rows.next()? {
        let (state, chats) = (row.get(2)?, unsigned(row.get(3)?)?);
        let handoff = handoffs::whole(row)?;
        damaged.note(row, 4, || format!("handoffs ({})", handoff.id))?;
        filed.push(Filed { handoff, state, chats });
    }
    Ok(filed)
}

fn queued(
    db: &Connection,
    id: &ConversationId,
    damaged: &mut Damaged,
) -> std::result::Result<Vec<Queued>, Failure> {
    let sql = concat!(
        "SELECT id, kind, lane, conversation, handoff, seq, sealed, attempts, maybe_done, added, held_until,
            head = 1, ready, ",
        intact!(effects),
        " FROM effects WHERE conversation = ?1 ORDER BY id"
    );
    let mut statement = db.prepare_cached(sql)?;
    let (mut rows, mut queued) = (statement.query([id.as_str()])?, Vec::new());
    while let Some(row) = rows.next()? {
        let (head, ready) = (row.get(11)?, Timestamp(row.get(12)?));
        let row_of = outbox::effect(row)?;
        damaged.note(row, 13, || format!("effects (number {})", row_of.id))?;
        queued.push(Queued { row: row_of, head, ready });
    }
    Ok(queued)
}
