//! Values kept for connectors.

use futures::future::BoxFuture;
use handoff_core::world::Keep;
use handoff_model::ConnectionId;
use rusqlite::{Connection, params};
use serde_json::Value;

use super::{Sqlite, failure::Failure, integer, messages, unsigned};

impl Keep for Sqlite {
    fn get(
        &self,
        connection: &ConnectionId,
        key: &str,
    ) -> BoxFuture<'_, Result<Option<(Value, u64)>, String>> {
        let (connection, key) = (connection.clone(), key.to_owned());
        let read = self.point(move |db| find(db, &connection, &key));
        Box::pin(async move { read.await.map_err(|error| error.to_string()) })
    }

    fn swap(
        &self,
        connection: &ConnectionId,
        key: &str,
        expected: u64,
        value: Value,
    ) -> BoxFuture<'_, Result<bool, String>> {
        let (connection, key) = (connection.clone(), key.to_owned());
        let write = self.write(move |db| swap(db, &connection, &key, expected, &value.to_string()));
        Box::pin(async move { write.await.map_err(|error| error.to_string()) })
    }
}

fn find(db: &Connection, connection: &ConnectionId, key: &str) -> Result<Option<(Value, u64)>, Failure> {
    let sql = "SELECT value, version FROM kept WHERE connection = ?1 AND key = ?2";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([connection.as_str(), key])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some((serde_json::from_str(messages::text(row, 0)?)?, unsigned(row.get(1)?)?)))
}

fn swap(
    db: &Connection,
    connection: &ConnectionId,
    key: &str,
    expected: u64,
    value: &str,
) -> Result<bool, Failure> {
    let stored = if expected == 0 {
        let sql = "INSERT INTO kept (connection, key, version, value) VALUES (?1, ?2, 1, ?3)
            ON CONFLICT DO NOTHING";
        db.prepare_cached(sql)?.execute([connection.as_str(), key, value])?
    } else {
        let sql = "UPDATE kept SET value = ?3, version = version + 1
            WHERE connection = ?1 AND key = ?2 AND version = ?4";
        db.prepare_cached(sql)?.execute(params![connection.as_str(), key, value, integer(expected)])?
    };
    Ok(stored > 0)
}
