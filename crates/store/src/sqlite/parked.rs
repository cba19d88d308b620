//! Webhook requests that could not be read when they arrived.

use futures::future::BoxFuture;
use handoff_core::store::{Parked, ParkedRequest, Result};
use handoff_model::{ConnectionId, Timestamp};
use rusqlite::params;

use super::{
    Sqlite,
    digest::{intact, pass_over},
    integer,
};
use crate::listing::{MOST_PARKED, too_many_parked};

impl Parked for Sqlite {
    fn park(&self, request: ParkedRequest) -> BoxFuture<'_, Result<()>> {
        self.write(move |db| {
            let connection = request.connection.as_str();
            let count = "SELECT count(*) FROM parked WHERE connection = ?1";
            if db.prepare_cached(count)?.query_row([connection], |row| row.get::<_, i64>(0))?
                >= integer(MOST_PARKED as u64)
            {
                return Err(too_many_parked(&request.connection).into());
            }
            let sql = "INSERT INTO parked (connection, sealed, at, digest)
                VALUES (?1, ?2, ?3, digest_of('parked', ?1, ?2, ?3))";
            db.prepare_cached(sql)?.execute(params![connection, &request.sealed, request.at.0])?;
            Ok(())
        })
    }

    fn parked(
        &self,
        connection: &ConnectionId,
        most: usize,
    ) -> BoxFuture<'_, Result<Vec<(i64, ParkedRequest)>>> {
        let connection = connection.clone();
        self.list(move |db| {
            let sql = concat!(
                "SELECT id, sealed, at, ",
                intact!(parked),
                " FROM parked WHERE connection = ?1 ORDER BY id"
            );
            let mut statement = db.prepare_cached(sql)?;
            let (mut rows, mut found) = (statement.query([connection.as_str()])?, Vec::new());
            while found.len() < most
                && let Some(row) = rows.next()?
            {
                if pass_over(row, 3, || format!("a row of parked ({:?})", row.get_ref(0)))? {
                    continue;
                }
                let (sealed, at) = (row.get(1)?, Timestamp(row.get(2)?));
                found.push((row.get(0)?, ParkedRequest { connection: connection.clone(), sealed, at }));
            }
            Ok(found)
        })
    }

    fn unpark(&self, id: i64) -> BoxFuture<'_, Result<()>> {
        self.write(move |db| {
            db.prepare_cached("DELETE FROM parked WHERE id = ?1")?.execute([id])?;
            Ok(())
        })
    }
}
