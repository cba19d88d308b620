//! Looks through a database without changing it, beside a running server or without one: for `handoff doctor`.

use std::{
    fs::{OpenOptions, TryLockError},
    path::Path,
    time::Duration,
};

use handoff_core::{
    audit::{Circumstances, Finding, prove, unreadable},
    store::StoreError,
};
use handoff_model::{ChannelId, Timestamp};
use rusqlite::{Connection, OpenFlags};

use super::{audit, digest, failure::Failure, open};

/// Conversations that are read at a time.
const SLICE: usize = 500;
/// Faults of the file that are told at most.
const MOST_FAULTS: usize = 20;

/// What was found in a database.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Examined {
    /// Faults of the file: pages, indexes, rows that refer to nothing. Empty when it is whole.
    pub faults: Vec<String>,
    /// Rows that are not as they were written, each named; at most some.
    pub damaged: Vec<String>,
    /// Version of its tables.
    pub version: i64,
    /// Version of the tables that this program knows.
    pub known: i64,
    /// Conversations.
    pub conversations: u64,
    /// Rows that go against a promise.
    pub findings: Vec<Finding>,
    /// Effects that could be performed at this moment.
    pub due: u64,
    /// Webhook requests that could not be read yet.
    pub parked: u64,
    /// Handoffs that an operator has to decide about: in doubt for a day.
    pub dead_letters: u64,
    /// Handoffs in doubt.
    pub in_doubt: u64,
    /// The latest time in it.
    pub latest: Option<Timestamp>,
}

/// Whether a server works on the database at this moment.
pub fn is_served(database: &Path) -> bool {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    let Ok(lock) = OpenOptions::new().read(true).open(name) else { return false };
    matches!(lock.try_lock(), Err(TryLockError::WouldBlock))
}

/// Reads all of a database. `sends_replies` says of a channel whether replies there have to be sent to a platform.
///
/// # Errors
/// When it cannot be opened or read at all.
pub fn examine(
    database: &Path,
    now: Timestamp,
    served: bool,
    sends_replies: impl Fn(&ChannelId) -> Option<bool>,
) -> Result<Examined, StoreError> {
    let db = connect(database).map_err(Failure::from)?;
    let mut examined = Examined { known: open::latest(), ..Examined::default() };
    examined.faults = faults(&db)?;
    examined.version = open::version(&db).map_err(Failure::from)?;
    // Of tables that this program does not know nothing can be said, and those of a damaged file may not be read.
    if examined.version == examined.known && examined.faults.is_empty() {
        counts(&db, now, &mut examined)?;
        examined.damaged = digest::damaged(&db, MOST_FAULTS).map_err(Failure::from)?;
        let circumstances = Circumstances { now, served, restores: 0, sends_replies: None };
        promises(&db, circumstances, sends_replies, &mut examined)?;
    }
    Ok(examined)
}

fn connect(database: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(database, flags)?;
    db.busy_timeout(Duration::from_secs(5))?;
    db.pragma_update(None, "trusted_schema", false)?;
    digest::teach(&db)?;
    Ok(db)
}

/// What SQLite itself finds: pages and indexes, and rows that refer to rows which are not there.
fn faults(db: &Connection) -> Result<Vec<String>, Failure> {
    let mut check = db.prepare(&format!("PRAGMA integrity_check({MOST_FAULTS})"))?;
    let verdicts: Result<Vec<String>, _> = check.query_map([], |row| row.get(0))?.collect();
    let mut faults: Vec<String> = verdicts?.into_iter().filter(|verdict| verdict != "ok").collect();
    let mut check = db.prepare("PRAGMA foreign_key_check")?;
    let strays = check.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(2)?)))?;
    for stray in strays.take(MOST_FAULTS) {
        let (table, parent) = stray?;
        faults.push(format!("a row of {table} refers to a row of {parent} that is not there"));
    }
    Ok(faults)
}

fn counts(db: &Connection, now: Timestamp, examined: &mut Examined) -> Result<(), Failure> {
    let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(Failure::from);
    examined.conversations = super::unsigned(count("SELECT count(*) FROM conversations")?)?;
    examined.parked = super::unsigned(count("SELECT count(*) FROM parked")?)?;
    examined.in_doubt = super::unsigned(count("SELECT count(*) FROM handoffs WHERE state = 'in_doubt'")?)?;
    examined.dead_letters = super::unsigned(count(
        "SELECT count(*) FROM handoffs WHERE state = 'in_doubt'
            AND json_extract(body, '$.state.in_doubt.dead_letter')",
    )?)?;
    let due = "SELECT count(*) FROM effects WHERE head = 1 AND ready <= ?1";
    examined.due = super::unsigned(db.query_row(due, [now.0], |row| row.get(0))?)?;
    let latest = "SELECT max(at) FROM (SELECT max(updated) AS at FROM conversations UNION ALL SELECT max(at) FROM dedupe)";
    examined.latest = db.query_row(latest, [], |row| row.get::<_, Option<i64>>(0))?.map(Timestamp);
    Ok(())
}

/// Proves the promises on every row.
fn promises(
    db: &Connection,
    circumstances: Circumstances,
    sends_replies: impl Fn(&ChannelId) -> Option<bool>,
    examined: &mut Examined,
) -> Result<(), Failure> {
    let mut after = None;
    loop {
        let slice = audit::slice(db, after.as_ref(), SLICE)?;
        for case in &slice.cases {
            let sends_replies = sends_replies(&case.conversation.channel);
            let known = Circumstances { restores: slice.restores, sends_replies, ..circumstances };
            examined.findings.extend(prove(case, &known));
        }
        examined.findings.extend(slice.broken.iter().map(|(id, why)| unreadable(id, why)));
        match slice.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}
