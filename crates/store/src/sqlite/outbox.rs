//! Effects, in lanes. Only the first row of each lane, its head, can be claimed.
//!
//! Every change here keeps to it: a lane with rows has exactly one head, the row added first.

use futures::future::BoxFuture;
use handoff_core::store::{
    EffectId, EffectKind, EffectRow, NewEffect, Outbox, Reschedule, Result, StoreError,
};
use handoff_model::{ConversationId, HandoffId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    Sqlite,
    digest::{check, intact},
    failure::Failure,
    integer, limit, messages, unsigned,
};

impl Outbox for Sqlite {
    fn claim(
        &self,
        now: Timestamp,
        held_until: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<EffectRow>>> {
        Box::pin(async move {
            let claimed = self.write(move |db| claim(db, now, held_until, limit)).await;
            if !matches!(claimed, Err(StoreError::Damaged(_))) {
                return claimed;
            }
            // A page is damaged, and a write that meets it takes back all that it did: only what can be read, then.
            let ids = self.readers.read(|db| readable(db, now, limit))?;
            if ids.is_empty() {
                return claimed;
            }
            self.write(move |db| ids.iter().map(|id| hold(db, *id, now, held_until)).collect()).await
        })
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
            let sql = concat!(
                "UPDATE effects SET held_until = NULL, maybe_done = 1,
                    digest = digest_of('effects', kind, lane, head, conversation, handoff, seq, sealed, attempts,
                        1, added, due, NULL)
                WHERE head = 1 AND held_until IS NOT NULL AND ",
                intact!(effects)
            );
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
            let sql = concat!(
                "SELECT id, kind, lane, conversation, handoff, seq, sealed, attempts, maybe_done, added,
                    held_until, ",
                intact!(effects),
                " FROM effects WHERE conversation = ?1 AND kind = ?2 ORDER BY id"
            );
            let mut statement = db.prepare_cached(sql)?;
            rows(statement.query([conversation.as_str(), kind.name()])?)
        })
    }
}

/// Adds an effect at the end of its lane.
pub(super) fn add(db: &Connection, effect: &NewEffect) -> std::result::Result<(), Failure> {
    let sql = "INSERT INTO effects
            (kind, lane, head, conversation, handoff, seq, sealed, attempts, maybe_done, added, due, digest)
        SELECT ?1, ?2, head, ?3, ?4, ?5, ?6, 0, 0, ?7, ?7,
            digest_of('effects', ?1, ?2, head, ?3, ?4, ?5, ?6, 0, 0, ?7, ?7, NULL)
        FROM (SELECT NOT EXISTS (SELECT 1 FROM effects WHERE lane = ?2) AS head)";
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
        let next = concat!(
            "UPDATE effects SET head = 1, digest = digest_of('effects', kind, lane, 1, conversation, handoff, seq,
                sealed, attempts, maybe_done, added, due, held_until)
            WHERE id = (SELECT min(id) FROM effects WHERE lane = ?1) AND ",
            intact!(effects)
        );
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
    let sql = concat!(
        "UPDATE effects SET due = ?2, attempts = ?3, maybe_done = ?4, held_until = NULL,
            digest = digest_of('effects', kind, lane, head, conversation, handoff, seq, sealed, ?3, ?4, added, ?2,
                NULL)
        WHERE id = ?1 AND held_until IS ?5 AND ",
        intact!(effects)
    );
    let Reschedule { id, due, attempts, maybe_done, held_until } = *later;
    db.prepare_cached(sql)?.execute(params![id, due.0, attempts, maybe_done, held_until.0])?;
    Ok(())
}

/// Makes a lane's rows due at this time, unless they are due earlier.
pub(super) fn wake(db: &Connection, lane: &str, at: Timestamp) -> std::result::Result<(), Failure> {
    let sql = concat!(
        "UPDATE effects SET due = ?2, digest = digest_of('effects', kind, lane, head, conversation, handoff, seq,
            sealed, attempts, maybe_done, added, ?2, held_until)
        WHERE lane = ?1 AND due > ?2 AND ",
        intact!(effects)
    );
    db.prepare_cached(sql)?.execute(params![lane, at.0])?;
    Ok(())
}

fn claim(
    db: &Connection,
    now: Timestamp,
    held_until: Timestamp,
    most: usize,
) -> std::result::Result<Vec<EffectRow>, Failure> {
    let (mut claimed, mut damaged) = (Vec::new(), None);
    for id in due(db, now, most)? {
        match hold(db, id, now, held_until) {
            Err(Failure::Refused(error)) => {
                tracing::error!("An effect is not performed, and its lane stands still: {error}");
                if !set_aside(db, id)? {
                    damaged = Some(error);
                }
            }
            held => claimed.push(held?),
        }
    }
    // Who finds nothing comes back at once, and this one would be there again.
    if claimed.is_empty()
        && let Some(error) = damaged
    {
        return Err(error.into());
    }
    Ok(claimed)
}

/// What can be claimed, from the index alone.
fn due(db: &Connection, now: Timestamp, most: usize) -> std::result::Result<Vec<EffectId>, Failure> {
    let sql = "SELECT id FROM effects WHERE head = 1 AND ready <= ?1 ORDER BY ready, id LIMIT ?2";
    let mut statement = db.prepare_cached(sql)?;
    let ids = statement.query_map(params![now.0, limit(most)], |row| row.get(0))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

/// What can be claimed and can be read. The others are told of, and left alone.
fn readable(db: &Connection, now: Timestamp, most: usize) -> std::result::Result<Vec<EffectId>, Failure> {
    let sql = concat!("SELECT 1 FROM effects WHERE id = ?1 AND ", intact!(effects));
    let mut statement = db.prepare_cached(sql)?;
    let mut found = due(db, now, most)?;
    found.retain(|id| {
        let reads = statement.exists([id]).unwrap_or(false);
        if !reads {
            tracing::error!("Effect {id} is not performed: it is damaged. Run handoff doctor");
        }
        reads
    });
    Ok(found)
}

fn hold(
    db: &Connection,
    id: EffectId,
    now: Timestamp,
    until: Timestamp,
) -> std::result::Result<EffectRow, Failure> {
    // One whose hold ran out may have been performed by whoever held it.
    let sql = concat!(
        "UPDATE effects SET held_until = ?2, maybe_done = maybe_done OR held_until IS NOT NULL,
            digest = digest_of('effects', kind, lane, head, conversation, handoff, seq, sealed, attempts,
                maybe_done OR held_until IS NOT NULL, added, due, ?2)
        WHERE id = ?1 AND head = 1 AND ready <= ?3 AND ",
        intact!(effects),
        " RETURNING id, kind, lane, conversation, handoff, seq, sealed, attempts, maybe_done, added, held_until"
    );
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params![id, until.0, now.0])?;
    let row = rows.next()?.ok_or_else(|| Failure::damaged(format!("a row of effects (number {id})")))?;
    let held = effect(row)?;
    // Read to its end: only then is the change made.
    rows.next()?;
    Ok(held)
}

/// A damaged row is no head any more, so that it is not found again and again; nor is the next of its lane, whose
/// words would overtake it. Whether there is such a row.
fn set_aside(db: &Connection, id: EffectId) -> std::result::Result<bool, Failure> {
    Ok(db.prepare_cached("UPDATE effects SET head = 2 WHERE id = ?1")?.execute([id])? > 0)
}

fn rows(mut rows: rusqlite::Rows<'_>) -> std::result::Result<Vec<EffectRow>, Failure> {
    let mut effects = Vec::new();
    while let Some(row) = rows.next()? {
        check(row, 11, || format!("a row of effects (number {:?})", row.get_ref(0)))?;
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
