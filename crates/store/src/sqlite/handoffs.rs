//! Handoffs, the chats they made on platforms, and what the team wrote before it was known.

use futures::future::BoxFuture;
use handoff_core::{
    handoff::Handoff,
    store::{HandoffSummary, Handoffs, Page, Result, StoreError, Withheld},
};
use handoff_model::{ConnectionId, ConnectorId, ConversationId, HandoffId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Sqlite, failure::Failure, integer, limit, messages, unsigned};
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
            let sql = "SELECT handoff FROM chats WHERE connection = ?1 AND chat = ?2";
            let mut statement = db.prepare_cached(sql)?;
            let id = statement.query_row([connection.as_str(), &chat], |row| row.get::<_, String>(0));
            Ok(id.optional()?.map(HandoffId::new))
        })
    }

    fn withheld(&self, id: &HandoffId) -> BoxFuture<'_, Result<Vec<Vec<u8>>>> {
        let id = id.clone();
        self.point(move |db| {
            let mut statement =
                db.prepare_cached("SELECT sealed FROM withheld WHERE handoff = ?1 ORDER BY number")?;
            let rows = statement.query_map([id.as_str()], |row| row.get(0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
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
            (id, version, conversation, connection, connector, platform, state, fired_at, body)
        VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING";
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
    let sql = "UPDATE handoffs SET version = version + 1, connection = ?3, connector = ?4, platform = ?5,
            state = ?6, body = ?7
        WHERE id = ?1 AND version = ?2";
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
    let sql = "INSERT INTO withheld (handoff, sealed) VALUES (?1, ?2)";
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
    let sql = "INSERT INTO chats (connection, chat, handoff) VALUES (?1, ?2, ?3)
        ON CONFLICT DO UPDATE SET handoff = excluded.handoff";
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
    let sql = "UPDATE OR REPLACE chats SET chat = ?3 WHERE connection = ?1 AND chat = ?2";
    db.prepare_cached(sql)?.execute([connection.as_str(), from, to])?;
    Ok(())
}

/// All handoffs that are not decided.
pub(super) fn undecided(db: &Connection) -> std::result::Result<Vec<Handoff>, Failure> {
    let sql = "SELECT version, body FROM handoffs
        WHERE state IN ('requested', 'waiting', 'transferring', 'in_doubt')";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(whole(row)?);
    }
    Ok(found)
}

fn find(db: &Connection, id: &HandoffId) -> std::result::Result<Option<Handoff>, Failure> {
    let mut statement = db.prepare_cached("SELECT version, body FROM handoffs WHERE id = ?1")?;
    let mut rows = statement.query([id.as_str()])?;
    rows.next()?.map(whole).transpose()
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
    let rows = limit(page.limit);
    let found: rusqlite::Result<_> = if let Some(state) = state {
        let sql = "SELECT id, conversation, connector, connection, platform, state, fired_at FROM handoffs
            WHERE state = ?4 AND (fired_at, id) < (?1, ?2) ORDER BY fired_at DESC, id DESC LIMIT ?3";
        db.prepare_cached(sql)?.query_map(params![fired_at, id, rows, state], summary)?.collect()
    } else {
        let sql = "SELECT id, conversation, connector, connection, platform, state, fired_at FROM handoffs
            WHERE (fired_at, id) < (?1, ?2) ORDER BY fired_at DESC, id DESC LIMIT ?3";
        db.prepare_cached(sql)?.query_map(params![fired_at, id, rows], summary)?.collect()
    };
    Ok(found?)
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
