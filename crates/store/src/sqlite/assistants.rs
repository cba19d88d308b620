//! Assistants, their drafts and published versions.

use futures::future::BoxFuture;
use handoff_core::store::{AssistantRow, Assistants, Result, StoreError, VersionRow};
use handoff_model::{AssistantId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    Sqlite,
    digest::{check, intact},
    failure::Failure,
    integer,
};

impl Assistants for Sqlite {
    fn assistants(&self) -> BoxFuture<'_, Result<Vec<AssistantRow>>> {
        self.list(|db| {
            let sql = "SELECT id, name, draft, revision, published, published_revision, saved_at
                FROM assistants ORDER BY name, id";
            let mut statement = db.prepare_cached(sql)?;
            let rows = statement.query_map([], assistant)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn published(&self) -> BoxFuture<'_, Result<Vec<(AssistantId, u32)>>> {
        self.point(|db| {
            let sql = "SELECT id, published FROM assistants WHERE published IS NOT NULL ORDER BY id";
            let mut statement = db.prepare_cached(sql)?;
            let rows = statement
                .query_map([], |row| Ok((AssistantId::new(row.get::<_, String>(0)?), row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn assistant(&self, id: &AssistantId) -> BoxFuture<'_, Result<Option<AssistantRow>>> {
        let id = id.clone();
        self.point(move |db| {
            let sql = "SELECT id, name, draft, revision, published, published_revision, saved_at
                FROM assistants WHERE id = ?1";
            Ok(db.prepare_cached(sql)?.query_row([id.as_str()], assistant).optional()?)
        })
    }

    fn save_draft(
        &self,
        id: &AssistantId,
        name: &str,
        draft: &str,
        expected: u64,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<u64>> {
        let (id, name, draft) = (id.clone(), name.to_owned(), draft.to_owned());
        self.write(move |db| save(db, &id, &name, &draft, expected, now))
    }

    fn publish(&self, id: &AssistantId, revision: u64, now: Timestamp) -> BoxFuture<'_, Result<u32>> {
        let id = id.clone();
        self.write(move |db| publish(db, &id, revision, now))
    }

    fn version(&self, id: &AssistantId, version: u32) -> BoxFuture<'_, Result<Option<VersionRow>>> {
        let id = id.clone();
        self.point(move |db| {
            let sql = concat!(
                "SELECT definition, at, ",
                intact!(versions),
                " FROM versions WHERE assistant = ?1 AND version = ?2"
            );
            let mut statement = db.prepare_cached(sql)?;
            let mut rows = statement.query(params![id.as_str(), version])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            check(row, 2, || format!("a row of versions (version {version} of {id})"))?;
            let (definition, at) = (row.get(0)?, Timestamp(row.get(1)?));
            Ok(Some(VersionRow { assistant: id, version, definition, at }))
        })
    }
}

fn save(
    db: &Connection,
    id: &AssistantId,
    name: &str,
    draft: &str,
    expected: u64,
    now: Timestamp,
) -> std::result::Result<u64, Failure> {
    let saved = if expected == 0 {
        let sql = "INSERT INTO assistants (id, name, draft, revision, saved_at) VALUES (?1, ?2, ?3, 1, ?4)
            ON CONFLICT DO NOTHING";
        db.prepare_cached(sql)?.execute(params![id.as_str(), name, draft, now.0])?
    } else {
        let sql = "UPDATE assistants SET name = ?2, draft = ?3, revision = revision + 1, saved_at = ?4
            WHERE id = ?1 AND revision = ?5";
        db.prepare_cached(sql)?.execute(params![id.as_str(), name, draft, now.0, integer(expected)])?
    };
    if saved == 0 { Err(StoreError::Conflict.into()) } else { Ok(expected + 1) }
}

fn publish(
    db: &Connection,
    id: &AssistantId,
    revision: u64,
    now: Timestamp,
) -> std::result::Result<u32, Failure> {
    let sql = "UPDATE assistants SET published = ifnull(published, 0) + 1, published_revision = revision
        WHERE id = ?1 AND revision = ?2 RETURNING published, draft";
    let (version, draft): (u32, String) = db
        .prepare_cached(sql)?
        .query_row(params![id.as_str(), integer(revision)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .ok_or(StoreError::Conflict)?;
    let sql = "INSERT INTO versions (assistant, version, definition, at, digest)
        VALUES (?1, ?2, ?3, ?4, digest_of('versions', ?1, ?2, ?3, ?4))";
    db.prepare_cached(sql)?.execute(params![id.as_str(), version, draft, now.0])?;
    Ok(version)
}

fn assistant(row: &Row<'_>) -> rusqlite::Result<AssistantRow> {
    Ok(AssistantRow {
        id: AssistantId::new(row.get::<_, String>(0)?),
        name: row.get(1)?,
        draft: row.get(2)?,
        revision: row.get::<_, i64>(3)?.unsigned_abs(),
        published: row.get(4)?,
        published_revision: row.get::<_, Option<i64>>(5)?.map(i64::unsigned_abs),
        saved_at: Timestamp(row.get(6)?),
    })
}
