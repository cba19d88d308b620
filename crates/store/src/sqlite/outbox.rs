//! Effects, in lanes. Only the first row of each lane, its head, can be claimed.
//!
//! Every change here keeps to it: a lane with rows has exactly one head, the row added first.

use futures::future::BoxFuture;
use handoff_core::store::{
    EffectId, EffectKind, EffectRow, NewEffect, Outbox, Reschedule, Result, StoreError,
};
use handoff_model::{ConversationId, HandoffId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Sqlite, failure::Failure, integer, limit, messages, unsigned};

impl Outbox for Sqlite {
    fn claim(
        &self,
        now: Timestamp,
        held_until: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<EffectRow>>> {
        self.write(move |db| claim(db, now, held_until, limit))
    }

    /// A row that is held counts from the end of its hold: then nobody holds it.
    fn next_due(&self) -> BoxFuture<'_, Result<Option<Timestamp>>> {
        self.point(|db| {
            let sql = "SELECT min(ready) FROM effects WHERE head = 1";
            let next = db.prepare_cached(sql)?.query_row([], |row| row.get::<_, Option<i64>>(0))?;
            Ok(next.map(Timestamp))
        })
    }

    fn release_all(&self) -> BoxFuture<'_, Result<()>> {
        self.write(|db| {
            let sql = "UPDATE effects SET held_until = NULL, maybe_done = 1
                WHERE head = 1 AND held_until IS NOT NULL";
            db.prepare_cached(sql)?.execute([])?;
            Ok(())
        })
    }

    fn waiting(
        &self,
        conversation: &ConversationId,
        kind: EffectKind,
    ) -> BoxFuture<'_, Result<Vec<EffectRow>>> {
        let conversation = conversation.clone();
        self.point(move |db| {
            let sql = "SELECT id, kind, lane, conversation, handoff, seq, sealed, attempts, maybe_done, added, held_until
                FROM effects WHERE conversation = ?1 AND kind = ?2 ORDER BY id";
            let mut statement = db.prepare_cached(sql)?;
            rows(statement.query([conversation.as_str(), kind.name()])?)
        })
    }
}

/// Adds an effect at the end of its lane.
pub(super) fn add(db: &Connection, effect: &NewEffect) -> std::result::Result<(), Failure> {
    let sql = "INSERT INTO effects (kind, lane, head, conversation, handoff, seq, sealed, added, due)
        VALUES (?1, ?2, NOT EXISTS (SELECT 1 FROM effects WHERE lane = ?2), ?3, ?4, ?5, ?6, ?7, ?7)";
    db.prepare_cached(sql)?.execute(params![
        effect.kind.name(),
        effect.lane,
        effect.conversation.as_str(),
        effect.handoff.as_ref().map(HandoffId::as_str),
        integer(effect.seq),
        effect.sealed,
        effect.due.0,
    ])?;
    Ok(())
}

/// Removes an effect; the next of its lane becomes the head. One that is gone already stays gone.
pub(super) fn done(db: &Connection, id: EffectId) -> std::result::Result<(), Failure> {
    let removed: Option<(String, bool)> = db
        .prepare_cached("DELETE FROM effects WHERE id = ?1 RETURNING lane, head")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((lane, true)) = removed {
        let next = "UPDATE effects SET head = 1 WHERE id = (SELECT min(id) FROM effects WHERE lane = ?1)";
        db.prepare_cached(next)?.execute([lane])?;
    }
    Ok(())
}

/// Whether this very hold is on the effect still.
///
/// # Errors
/// [`StoreError::Conflict`] when it is not.
pub(super) fn still_held(
    db: &Connection,
    id: EffectId,
    until: Timestamp,
) -> std::result::Result<(), Failure> {
    let sql = "SELECT 1 FROM effects WHERE id = ?1 AND held_until IS ?2";
    if db.prepare_cached(sql)?.exists(params![id, until.0])? {
        Ok(())
    } else {
        Err(StoreError::Conflict.into())
    }
}

/// Lets go of an effect until later.
pub(super) fn later(db: &Connection, later: &Reschedule) -> std::result::Result<(), Failure> {
    // Whoever held it too long decides nothing any more: it is another's by now.
    let sql = "UPDATE effects SET due = ?2, attempts = ?3, maybe_done = ?4, held_until = NULL
        WHERE id = ?1 AND held_until IS ?5";
    let Reschedule { id, due, attempts, maybe_done, held_until } = *later;
    db.prepare_cached(sql)?.execute(params![id, due.0, attempts, maybe_done, held_until.0])?;
    Ok(())
}

/// Makes a lane's rows due at this time, unless they are due earlier.
pub(super) fn wake(db: &Connection, lane: &str, at: Timestamp) -> std::result::Result<(), Failure> {
    let sql = "UPDATE effects SET due = ?2 WHERE lane = ?1 AND due > ?2";
    db.prepare_cached(sql)?.execute(params![lane, at.0])?;
    Ok(())
}

fn claim(
    db: &Connection,
    now: Timestamp,
    held_until: Timestamp,
    most: usize,
) -> std::result::Result<Vec<EffectRow>, Failure> {
    // One whose hold ran out may have been performed by whoever held it.
    let sql = "SELECT id, kind, lane, conversation, handoff, seq, sealed, attempts,
        maybe_done OR held_until IS NOT NULL, added, held_until
        FROM effects WHERE head = 1 AND ready <= ?1 ORDER BY ready, id LIMIT ?2";
    let mut claimed = rows(db.prepare_cached(sql)?.query(params![now.0, limit(most)])?)?;
    let mut hold = db.prepare_cached("UPDATE effects SET held_until = ?2, maybe_done = ?3 WHERE id = ?1")?;
    for row in &mut claimed {
        hold.execute(params![row.id, held_until.0, row.maybe_done])?;
        row.held_until = held_until;
    }
    Ok(claimed)
}

fn rows(mut rows: rusqlite::Rows<'_>) -> std::result::Result<Vec<EffectRow>, Failure> {
    let mut effects = Vec::new();
    while let Some(row) = rows.next()? {
        effects.push(effect(row)?);
    }
    Ok(effects)
}

pub(super) fn effect(row: &Row<'_>) -> std::result::Result<EffectRow, Failure> {
    let kind = messages::text(row, 1)?;
    Ok(EffectRow {
        id: row.get(0)?,
        kind: EffectKind::from_name(kind)
            .ok_or_else(|| Failure::broken(format!("no effect is a {kind:?}")))?,
        lane: row.get(2)?,
        conversation: ConversationId::new(row.get::<_, String>(3)?),
        handoff: row.get::<_, Option<String>>(4)?.map(HandoffId::new),
        seq: unsigned(row.get(5)?)?,
        sealed: row.get(6)?,
        attempts: row.get(7)?,
        maybe_done: row.get(8)?,
        added: Timestamp(row.get(9)?),
        held_until: Timestamp(row.get::<_, Option<i64>>(10)?.unwrap_or(0)),
    })
}
