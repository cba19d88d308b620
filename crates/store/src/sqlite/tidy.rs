//! Keeps the file small and free of what was deleted, mostly while nobody waits.
//!
//! Deleted content is overwritten in the database by `secure_delete`, yet older copies of its
//! pages stay in the log until that is emptied. So the log is emptied whenever the server pauses,
//! and from time to time when it never does.

use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use super::failure::Failure;

/// How long keys of handled events are remembered: platforms repeat an event for some days.
const REMEMBERED_MS: i64 = 14 * 24 * 60 * 60 * 1000;

/// How long failed sign-ins are counted at most.
const FAILURES_MS: i64 = 24 * 60 * 60 * 1000;

/// Rows forgotten at a time.
const BATCH: usize = 500;

/// A pause of this length makes the server idle.
const PAUSE: Duration = Duration::from_secs(1);

/// How often an idle server looks for old rows.
const LOOK: Duration = Duration::from_secs(60);

/// The log is emptied at least this often while changes go on.
const EMPTIED: Duration = Duration::from_secs(60);

/// Changes after which a batch is forgotten though the server is busy.
const CHANGES: usize = 400;

/// What is known about the state of the file.
pub(super) struct Tidy {
    /// The log holds something since it was emptied last.
    dirty: bool,
    /// There may be more old rows.
    more: bool,
    changes: usize,
    emptied: Instant,
}

impl Tidy {
    /// A file of which nothing is known.
    pub(super) fn new() -> Self {
        Self { dirty: true, more: true, changes: 0, emptied: Instant::now() }
    }

    /// How long to wait for work before being idle.
    pub(super) fn pause(&self) -> Duration {
        if self.dirty {
            PAUSE
        } else if self.more {
            Duration::ZERO
        } else {
            LOOK
        }
    }

    /// Changes were committed.
    pub(super) fn wrote(&mut self, changes: usize) {
        self.dirty = true;
        self.changes += changes;
    }

    /// Nobody waits.
    pub(super) fn idle(&mut self, db: &Connection) {
        let forgotten = self.forget(db);
        // Even when nothing can be forgotten, as on a full disk: the log gives room back.
        let emptied = self.empty_log(db);
        self.report(forgotten.and(emptied));
    }

    /// Others may wait already: no more than what must be.
    pub(super) fn busy(&mut self, db: &Connection) {
        let mut tidied = Ok(());
        if self.changes >= CHANGES {
            self.changes = 0;
            tidied = self.forget(db);
        }
        if self.emptied.elapsed() >= EMPTIED {
            tidied = tidied.and_then(|()| self.empty_log(db));
        }
        self.report(tidied);
    }

    /// Everything there is to do.
    pub(super) fn all(&mut self, db: &Connection) -> Result<(), Failure> {
        self.more = true;
        while self.more {
            self.forget(db)?;
        }
        self.empty_log(db)?;
        if self.dirty {
            return Err(Failure::Lost("somebody reads the log just now".into()));
        }
        Ok(())
    }

    /// The last thing before the file is closed.
    pub(super) fn close(&mut self, db: &Connection) {
        let tidied = self.empty_log(db);
        self.report(tidied);
    }

    /// Forgets a batch of old rows.
    fn forget(&mut self, db: &Connection) -> Result<(), Failure> {
        // By the time of the latest event, not by a clock of our own: a server that was off for a
        // month still knows what it handled last.
        let latest = "SELECT max(at) FROM dedupe";
        let Some(now) = db.prepare_cached(latest)?.query_row([], |row| row.get::<_, Option<i64>>(0))? else {
            self.more = false;
            return Ok(());
        };
        let old = "DELETE FROM dedupe WHERE (scope, key) IN
            (SELECT scope, key FROM dedupe WHERE at < ?1 ORDER BY at LIMIT ?2)";
        let batch = super::limit(BATCH);
        let events = db.prepare_cached(old)?.execute(params![now - REMEMBERED_MS, batch])?;
        let old = "DELETE FROM failures WHERE rowid IN (SELECT rowid FROM failures WHERE at < ?1 LIMIT ?2)";
        let failures = db.prepare_cached(old)?.execute(params![now - FAILURES_MS, batch])?;
        let over = "DELETE FROM console_sessions WHERE until < ?1";
        let sessions = db.prepare_cached(over)?.execute(params![now])?;
        self.more = events == BATCH || failures == BATCH;
        self.dirty |= events + failures + sessions > 0;
        Ok(())
    }

    /// Writes the log back and cuts it to nothing, unless a reader still needs it.
    fn empty_log(&mut self, db: &Connection) -> Result<(), Failure> {
        if self.dirty {
            let busy: i64 = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
            self.dirty = busy != 0;
        }
        self.emptied = Instant::now();
        Ok(())
    }

    fn report(&mut self, tidied: Result<(), Failure>) {
        if let Err(failure) = tidied {
            self.more = false;
            self.emptied = Instant::now();
            let error = handoff_core::store::StoreError::from(failure);
            tracing::warn!("The database could not be tidied up: {error}");
        }
    }
}
