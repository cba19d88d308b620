//! Connections that administrators made.

use futures::future::BoxFuture;
use handoff_core::store::{ConnectionRow, Connections, Result, StoreError};
use handoff_model::{AssistantId, ConnectionId, ConnectorId, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::{Sqlite, failure::Failure, handoffs::is_undecided, integer, messages, unsigned};

impl Connections for Sqlite {
    fn connection_rows(&self) -> BoxFuture<'_, Result<Vec<ConnectionRow>>> {
        self.list(rows)
    }

    fn save_connection(&self, row: ConnectionRow) -> BoxFuture<'_, Result<u64>> {
        self.write(move |db| save(db, &row))
    }

    fn remove_connection(&self, id: &ConnectionId, revision: u64) -> BoxFuture<'_, Result<u64>> {
        let id = id.clone();
        self.write(move |db| remove(db, &id, revision))
    }
}

fn rows(db: &Connection) -> std::result::Result<Vec<ConnectionRow>, Failure> {
    let sql = "SELECT id, connector, assistant, settings, sealed, revision, at FROM connections ORDER BY id";
    let mut statement = db.prepare_cached(sql)?;
    let (mut found, mut rows) = (statement.query([])?, Vec::new());
    while let Some(row) = found.next()? {
        rows.push(ConnectionRow {
            id: ConnectionId::new(row.get::<_, String>(0)?),
            connector: ConnectorId::new(row.get::<_, String>(1)?),
            assistant: row.get::<_, Option<String>>(2)?.map(AssistantId::new),
            settings: serde_json::from_str(messages::text(row, 3)?)?,
            sealed: row.get(4)?,
            revision: unsigned(row.get(5)?)?,
            at: Timestamp(row.get(6)?),
        });
    }
    Ok(rows)
}

fn save(db: &Connection, row: &ConnectionRow) -> std::result::Result<u64, Failure> {
    let ConnectionRow { id, connector, assistant, settings, sealed, revision, at } = row;
    let (assistant, settings) = (assistant.as_ref().map(AssistantId::as_str), settings.to_string());
    let stored = if *revision == 0 {
        let sql = "INSERT INTO connections (id, connector, assistant, settings, sealed, revision, at)
            VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6) ON CONFLICT DO NOTHING";
        let values = params![id.as_str(), connector.as_str(), assistant, settings, sealed, at.0];
        db.prepare_cached(sql)?.execute(values)?
    } else {
        let sql =
            "UPDATE connections SET connector = ?2, assistant = ?3, settings = ?4, sealed = ?5, at = ?6,
            revision = revision + 1 WHERE id = ?1 AND revision = ?7";
        let (id, connector, revision) = (id.as_str(), connector.as_str(), integer(*revision));
        db.prepare_cached(sql)?
            .execute(params![id, connector, assistant, settings, sealed, at.0, revision])?
    };
    if stored == 0 { Err(StoreError::Conflict.into()) } else { Ok(revision + 1) }
}

fn remove(db: &Connection, id: &ConnectionId, revision: u64) -> std::result::Result<u64, Failure> {
    let known = "SELECT 1 FROM connections WHERE id = ?1 AND revision = ?2";
    let known = db.prepare_cached(known)?.query_row(params![id.as_str(), integer(revision)], |_| Ok(()));
    if known.optional()?.is_none() {
        return Err(StoreError::Conflict.into());
    }
    // What is accepted, closed or failed is at its end, unless something about it is still to be done.
    let open = concat!(
        "SELECT count(*) FROM handoffs WHERE connection = ?1 AND (",
        is_undecided!(),
        " OR state = 'carrying' OR id IN (SELECT handoff FROM effects WHERE handoff IS NOT NULL))"
    );
    let open = unsigned(db.prepare_cached(open)?.query_row([id.as_str()], |row| row.get(0))?)?;
    if open > 0 {
        return Ok(open);
    }
    for sql in [
        "DELETE FROM connections WHERE id = ?1",
        "DELETE FROM kept WHERE connection = ?1",
        "DELETE FROM parked WHERE connection = ?1",
    ] {
        db.prepare_cached(sql)?.execute([id.as_str()])?;
    }
    Ok(0)
}
