//! Handoffs, the chats they made on platforms, and what the team wrote before it was known.

use futures::future::BoxFuture;
use handoff_core::{
    handoff::Handoff,
    store::{HandoffSummary, Handoffs, Page, Result, StoreError, Withheld},
};
use handoff_model::{ConnectionId, ConnectorId, ConversationId, HandoffId, Timestamp};
use rusqlite::{Connection, Row, params};

use super::{
    Sqlite,
    digest::{check, intact, pass_over},
    failure::Failure,
    integer, limit, messages, unsigned,
};
use crate::listing::{cursor, place};

impl Handoffs for Sqlite {
    fn handoff(&self, id: &HandoffId) -> BoxFuture<'_, Result<Option<Handoff>>> {
        let id = id.clone();
        self.point(move |db| find(db, &id))
    }

    fn handoff_by_chat(
        &self,
        connection: &ConnectionId,
        chat: &str,
    ) -> BoxFuture<'_, Result<Option<HandoffId>>> {
        let (connection, chat) = (connection.clone(), chat.to_owned());
        self.point(move |db| {
            let sql = concat!(
                "SELECT handoff, ",
                intact!(chats),
                " FROM chats WHERE connection = ?1 AND chat = ?2"
            );
            let mut statement = db.prepare_cached(sql)?;
            let mut rows = statement.query([connection.as_str(), &chat])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            check(row, 1, || format!("a row of chats ({chat} of {connection})"))?;
            Ok(Some(HandoffId::new(row.get::<_, String>(0)?)))
        })
    }

    fn withheld(&self, id: &HandoffId) -> BoxFuture<'_, Result<Vec<Vec<u8>>>> {
        let id = id.clone();
        self.point(move |db| {
            let sql = concat!(
                "SELECT sealed, ",
                intact!(withheld),
                " FROM withheld WHERE handoff = ?1 ORDER BY number"
            );
            let mut statement = db.prepare_cached(sql)?;
            let (mut rows, mut withheld) = (statement.query([id.as_str()])?, Vec::new());
            while let Some(row) = rows.next()? {
                check(row, 1, || format!("a row of withheld (of handoff {id})"))?;
                withheld.push(row.get(0)?);
            }
            Ok(withheld)
        })
    }

    fn handoffs(&self, state: Option<&str>, page: Page) -> BoxFuture<'_, Result<Vec<HandoffSummary>>> {
        let state = state.map(str::to_owned);
        self.list(move |db| latest(db, state.as_deref(), &page))
    }

    fn carried(&self, connection: &ConnectionId, limit: usize) -> BoxFuture<'_, Result<Vec<HandoffId>>> {
        let (connection, rows) = (connection.clone(), self::limit(limit));
        self.list(move |db| {
            let sql = "SELECT id FROM handoffs WHERE connection = ?1 AND state = 'carrying'
                ORDER BY fired_at DESC, id DESC LIMIT ?2";
            let mut statement = db.prepare_cached(sql)?;
            let ids = statement.query_map(params![connection.as_str(), rows], |row| {
                row.get::<_, String>(0).map(HandoffId::new)
            })?;
            Ok(ids.collect::<rusqlite::Result<_>>()?)
        })
    }
}

/// Stores a handoff if its version still is the one that was read.
pub(super) fn put(db: &Connection, handoff: &Handoff, body: &str) -> std::result::Result<(), Failure> {
    let stored = if handoff.version == 0 { add(db, handoff, body)? } else { replace(db, handoff, body)? };
    if stored == 0 { Err(StoreError::Conflict.into()) } else { Ok(()) }
}

fn add(db: &Connection, handoff: &Handoff, body: &str) -> rusqlite::Result<usize> {
    let sql = "INSERT INTO handoffs
            (id, version, conversation, connection, connector, platform, state, fired_at, body, digest)
        VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,
            digest_of('handoffs', ?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)) ON CONFLICT DO NOTHING";
    db.prepare_cached(sql)?.execute(params![
        handoff.id.as_str(),
        handoff.conversation.as_str(),
        handoff.connection.as_str(),
        handoff.connector.as_str(),
        handoff.platform,
        handoff.state.name(),
        handoff.fired_at.0,
        body,
    ])
}

fn replace(db: &Connection, handoff: &Handoff, body: &str) -> rusqlite::Result<usize> {
    let sql = concat!(
        "UPDATE handoffs SET version = version + 1, connection = ?3, connector = ?4, platform = ?5,
            state = ?6, body = ?7,
            digest = digest_of('handoffs', id, version + 1, conversation, ?3, ?4, ?5, ?6, fired_at, ?7)
        WHERE id = ?1 AND version = ?2 AND ",
        intact!(handoffs)
    );
    db.prepare_cached(sql)?.execute(params![
        handoff.id.as_str(),
        integer(handoff.version),
        handoff.connection.as_str(),
        handoff.connector.as_str(),
        handoff.platform,
        handoff.state.name(),
        body,
    ])
}

/// Keeps what the team wrote until the handoff is decided.
pub(super) fn withhold(db: &Connection, withheld: &Withheld) -> std::result::Result<(), Failure> {
    let sql = "INSERT INTO withheld (handoff, sealed, digest) VALUES (?1, ?2, digest_of('withheld', ?1, ?2))";
    db.prepare_cached(sql)?.execute(params![withheld.handoff.as_str(), withheld.sealed])?;
    Ok(())
}

/// Forgets what was withheld.
pub(super) fn drop_withheld(db: &Connection, handoff: &HandoffId) -> std::result::Result<(), Failure> {
    db.prepare_cached("DELETE FROM withheld WHERE handoff = ?1")?.execute([handoff.as_str()])?;
    Ok(())
}

/// Notes that a handoff made a chat. A chat that is handed over again belongs to the later handoff.
pub(super) fn add_chat(
    db: &Connection,
    connection: &ConnectionId,
    chat: &str,
    handoff: &HandoffId,
) -> std::result::Result<(), Failure> {
    let sql = "INSERT INTO chats (connection, chat, handoff, digest)
        VALUES (?1, ?2, ?3, digest_of('chats', ?1, ?2, ?3))
        ON CONFLICT DO UPDATE SET handoff = excluded.handoff, digest = excluded.digest";
    db.prepare_cached(sql)?.execute([connection.as_str(), chat, handoff.as_str()])?;
    Ok(())
}

/// The platform calls a chat by another id. One that had that id before is merged into it.
pub(super) fn rename_chat(
    db: &Connection,
    connection: &ConnectionId,
    from: &str,
    to: &str,
) -> std::result::Result<(), Failure> {
    let sql = concat!(
        "UPDATE OR REPLACE chats SET chat = ?3, digest = digest_of('chats', connection, ?3, handoff)
        WHERE connection = ?1 AND chat = ?2 AND ",
        intact!(chats)
    );
    db.prepare_cached(sql)?.execute([connection.as_str(), from, to])?;
    Ok(())
}

/// SQL that says whether a handoff is not decided.
macro_rules! is_undecided {
    () => {
        "state IN ('requested', 'waiting', 'transferring', 'in_doubt')"
    };
}
pub(super) use is_undecided;

/// All handoffs that are not decided.
pub(super) fn undecided(db: &Connection) -> std::result::Result<Vec<Handoff>, Failure> {
    let sql =
        concat!("SELECT version, body, ", intact!(handoffs), ", id FROM handoffs WHERE ", is_undecided!());
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        check(row, 2, || format!("a row of handoffs ({:?})", row.get_ref(3)))?;
        found.push(whole(row)?);
    }
    Ok(found)
}

fn find(db: &Connection, id: &HandoffId) -> std::result::Result<Option<Handoff>, Failure> {
    let sql = concat!("SELECT version, body, ", intact!(handoffs), " FROM handoffs WHERE id = ?1");
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([id.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let name = || format!("a row of handoffs ({id})");
    check(row, 2, name)?;
    let handoff = whole(row)?;
    if handoff.id == *id { Ok(Some(handoff)) } else { Err(Failure::damaged(name())) }
}

pub(super) fn whole(row: &Row<'_>) -> std::result::Result<Handoff, Failure> {
    let mut handoff: Handoff = serde_json::from_str(messages::text(row, 1)?)?;
    handoff.version = unsigned(row.get(0)?)?;
    Ok(handoff)
}

fn latest(
    db: &Connection,
    state: Option<&str>,
    page: &Page,
) -> std::result::Result<Vec<HandoffSummary>, Failure> {
    let (fired_at, id) = place(page)?;
    let sql = if state.is_some() {
        concat!(
            "SELECT id, conversation, connector, connection, platform, state, fired_at, ",
            intact!(handoffs),
            " FROM handoffs
            WHERE state = ?3 AND (fired_at, id) < (?1, ?2) ORDER BY fired_at DESC, id DESC"
        )
    } else {
        concat!(
            "SELECT id, conversation, connector, connection, platform, state, fired_at, ",
            intact!(handoffs),
            " FROM handoffs
            WHERE ?3 IS NULL AND (fired_at, id) < (?1, ?2) ORDER BY fired_at DESC, id DESC"
        )
    };
    let mut statement = db.prepare_cached(sql)?;
    let (mut rows, mut found) = (statement.query(params![fired_at, id, state])?, Vec::new());
    while found.len() < page.limit
        && let Some(row) = rows.next()?
    {
        if !pass_over(row, 7, || format!("a row of handoffs ({:?})", row.get_ref(0)))? {
            found.push(summary(row)?);
        }
    }
    Ok(found)
}

fn summary(row: &Row<'_>) -> rusqlite::Result<HandoffSummary> {
    let (id, fired_at): (String, i64) = (row.get(0)?, row.get(6)?);
    Ok(HandoffSummary {
        cursor: cursor(fired_at, &id),
        id: HandoffId::new(id),
        conversation: ConversationId::new(row.get::<_, String>(1)?),
        connector: ConnectorId::new(row.get::<_, String>(2)?),
        connection: ConnectionId::new(row.get::<_, String>(3)?),
        platform: row.get(4)?,
        state: row.get(5)?,
        fired_at: Timestamp(fired_at),
    })
}
