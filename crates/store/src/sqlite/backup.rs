//! Copies of the database: made while a server runs, verified, and put back.
//!
//! A copy holds nothing of what was said after a handoff: rows with sealed content are left out. Putting
//! one back goes back in time, and platforms do not. So every handoff that was not decided and every
//! effect that was not acknowledged counts as *perhaps done* from then on, and is looked up first.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use handoff_core::{
    handoff::Handoff,
    store::{EffectKind, is_copied, place_after_restore, put_in_doubt},
};
use handoff_model::Timestamp;
use rusqlite::{Connection, OpenFlags, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    OpenError, conversations,
    digest::{self, intact},
    failure::Failure,
    handoffs, integer, open,
};

/// The copy within the folder of a backup.
const DATABASE: &str = "handoff.sqlite3";
/// What is written beside it last, so that a backup without it is known to be incomplete.
const LABEL: &str = "backup.json";
/// Number of the form of a backup.
const FORMAT: u32 = 1;

/// What a backup says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// Number of its form.
    pub format: u32,
    /// When it was made.
    pub made_at: Timestamp,
    /// SHA-256 of the copy, in hexadecimal digits.
    pub sha256: String,
    /// Bytes of the copy.
    pub bytes: u64,
    /// Conversations in it.
    pub conversations: u64,
    /// Messages in it.
    pub messages: u64,
    /// Handoffs in it.
    pub handoffs: u64,
    /// Handoffs in it that were not decided.
    pub undecided: u64,
}

/// What putting a backup back did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// The backup.
    pub backup: Backup,
    /// Handoffs that are looked up before anything is asked again.
    pub in_doubt: u64,
    /// Effects that may have been performed since.
    pub perhaps_done: u64,
    /// Where the data lies that was there before.
    pub set_aside: Option<PathBuf>,
}

/// Why a backup was not made, is not good, or was not put back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The folder has something in it.
    #[error("{0} is not empty. Name a folder that does not exist yet; every backup has one of its own.")]
    NotEmpty(PathBuf),
    /// There is no database to copy.
    #[error("there is no database {0}. Nothing was stored there yet, or data_dir names another folder.")]
    NoDatabase(PathBuf),
    /// There is data where the backup would go.
    #[error(
        "{0} has data already. Add --replace: the backup takes its place, and what is there is kept beside it."
    )]
    InTheWay(PathBuf),
    /// The folder is no backup, or one that was never finished.
    #[error("{path} is not a finished backup: {detail}")]
    NoBackup {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The copy was changed since it was made.
    #[error("{path} is damaged: {detail}. Do not use it; take another backup.")]
    Damaged {
        /// The copy.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The place for the data cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The system or the database refused.
    #[error("{path}: {detail}")]
    Unusable {
        /// The file or folder.
        path: PathBuf,
        /// What was said.
        detail: String,
    },
}

type Result<T> = std::result::Result<T, BackupError>;

/// Copies `database` into the new folder `to`, also beside a running server, and reads the copy again.
///
/// # Errors
/// When there is nothing to copy, the folder is not empty, or the disk refuses. A folder without its label is
/// no backup.
pub fn make(database: &Path, to: &Path, now: Timestamp) -> Result<Backup> {
    if !database.is_file() {
        return Err(BackupError::NoDatabase(database.to_owned()));
    }
    new_folder(to)?;
    let copy = to.join(DATABASE);
    private(&copy)?;
    let source = connect(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // One read transaction: what others commit meanwhile is either in the copy whole, or not at all.
    let into = params![copy.to_string_lossy()];
    source.execute("VACUUM INTO ?1", into).map_err(|error| refused(&copy, error))?;
    leave_out(&copy).map_err(|failure| failed(&copy, failure))?;
    let backup = describe(&copy, now)?;
    sync(&copy)?;
    let label = serde_json::to_vec_pretty(&backup).map_err(|error| refused(to, error))?;
    put_in_place(&to.join(LABEL), &label)?;
    verify(to)
}

/// Reads a backup from its first byte to its last.
///
/// # Errors
/// When it is no backup, unfinished, or damaged.
pub fn verify(folder: &Path) -> Result<Backup> {
    let no_backup = |detail: String| BackupError::NoBackup { path: folder.to_owned(), detail };
    let label = fs::read(folder.join(LABEL)).map_err(|error| no_backup(format!("{LABEL}: {error}")))?;
    let backup: Backup =
        serde_json::from_slice(&label).map_err(|error| no_backup(format!("{LABEL}: {error}")))?;
    if backup.format != FORMAT {
        let detail = format!("it has form {} and this program knows {FORMAT}", backup.format);
        return Err(no_backup(detail));
    }
    let copy = folder.join(DATABASE);
    let found = describe(&copy, backup.made_at)?;
    if found != backup {
        let detail = "it is not the file that was made then".to_owned();
        return Err(BackupError::Damaged { path: copy, detail });
    }
    Ok(backup)
}

/// Puts a backup in the place of `database`, whose server must not run.
///
/// # Errors
/// When the backup is not good, a server runs, or there is data already and `replace` is not set. The data that
/// was there is as before then.
pub fn restore(folder: &Path, database: &Path, replace: bool, now: Timestamp) -> Result<Restored> {
    let backup = verify(folder)?;
    let (database, _lock) = open::reserve(database)?;
    let occupied = database.metadata().is_ok_and(|found| found.len() > 0);
    if occupied && !replace {
        return Err(BackupError::InTheWay(database));
    }
    let fresh = database.with_extension("restoring");
    clear(&fresh)?;
    private(&fresh)?;
    fs::copy(folder.join(DATABASE), &fresh).map_err(|error| refused(&fresh, error))?;
    let (in_doubt, perhaps_done) = prepare(&fresh, backup.made_at, now)?;
    sync(&fresh)?;
    let set_aside = if occupied { Some(set_aside(&database, now)?) } else { None };
    clear_log(&database)?;
    fs::rename(&fresh, &database).map_err(|error| refused(&database, error))?;
    if let Some(place) = database.parent() {
        sync(place)?;
    }
    Ok(Restored { backup, in_doubt, perhaps_done, set_aside })
}

/// Leaves out what was under way after a handoff, as `is_copied` says. Words that are in the history too stay in the
/// queue without their sealed copy.
fn leave_out(copy: &Path) -> std::result::Result<(), Failure> {
    let db = Connection::open(copy)?;
    digest::teach(&db)?;
    db.create_scalar_function("is_copied", 3, digest::PLAIN, |arguments| {
        let name = arguments.get::<String>(0)?;
        let unknown = || rusqlite::Error::UserFunctionError(format!("no effect is a {name:?}").into());
        let kind = EffectKind::from_name(&name).ok_or_else(unknown)?;
        Ok(is_copied(kind, arguments.get(1)?, arguments.get(2)?))
    })?;
    db.pragma_update(None, "journal_mode", "DELETE")?;
    db.pragma_update(None, "secure_delete", true)?;
    db.execute_batch(concat!(
        "BEGIN IMMEDIATE;
        DELETE FROM sealed;
        DELETE FROM withheld;
        DELETE FROM parked;
        DELETE FROM console_sessions;
        DELETE FROM dedupe WHERE (scope, key) IN (
            SELECT d.scope, d.key FROM effects e JOIN conversations c ON c.id = e.conversation
            JOIN dedupe d ON d.scope = c.channel || '/' || c.external_id AND d.until_seq = e.seq
            WHERE e.kind = 'forward' AND NOT is_copied(e.kind, length(e.sealed) > 0, EXISTS (
                SELECT 1 FROM messages m WHERE m.conversation = c.number AND m.seq = e.seq)));
        DELETE FROM effects WHERE NOT is_copied(kind, length(sealed) > 0, EXISTS (
            SELECT 1 FROM messages m JOIN conversations c ON c.number = m.conversation
            WHERE c.id = effects.conversation AND m.seq = effects.seq));
        UPDATE effects SET sealed = x'', held_until = NULL,
            digest = digest_of('effects', kind, lane, head, conversation, handoff, seq, x'', attempts, maybe_done,
                added, due, NULL)
            WHERE ",
        intact!(effects),
        ";
        UPDATE effects SET head = (id = (SELECT min(e.id) FROM effects e WHERE e.lane = effects.lane)),
            digest = digest_of('effects', kind, lane,
                id = (SELECT min(e.id) FROM effects e WHERE e.lane = effects.lane), conversation, handoff, seq,
                sealed, attempts, maybe_done, added, due, held_until)
            WHERE ",
        intact!(effects),
        ";
        COMMIT;
        VACUUM;"
    ))?;
    Ok(())
}

/// Marks all that may have happened since the backup, in one transaction.
fn prepare(fresh: &Path, made_at: Timestamp, now: Timestamp) -> Result<(u64, u64)> {
    let mut opened = open::open(fresh, false)?;
    let done = doubt_all(&mut opened.connection, made_at, now).map_err(|failure| failed(fresh, failure))?;
    // One file without a log beside it, so that a rename moves all of it.
    let close = opened.connection.pragma_update(None, "journal_mode", "DELETE");
    close.map_err(|error| refused(fresh, error))?;
    Ok(done)
}

/// SQL of a conversation's body after a restore.
macro_rules! lifted {
    () => {
        "json_set(body, '$.last_seq', place_after_restore(json_extract(body, '$.last_seq')))"
    };
}

fn doubt_all(
    db: &mut Connection,
    made_at: Timestamp,
    now: Timestamp,
) -> std::result::Result<(u64, u64), Failure> {
    db.create_scalar_function("place_after_restore", 1, digest::PLAIN, move |arguments| {
        Ok(integer(place_after_restore(arguments.get::<i64>(0)?.unsigned_abs(), now)))
    })?;
    let transaction = db.transaction()?;
    let in_doubt = doubt_handoffs(&transaction, now)?;
    let doubtful = concat!(
        "UPDATE effects SET maybe_done = 1, held_until = NULL, due = min(due, ?1),
            digest = digest_of('effects', kind, lane, head, conversation, handoff, seq, sealed, attempts, 1, added,
                min(due, ?1), NULL)
        WHERE ",
        intact!(effects)
    );
    let effects = transaction.execute(doubtful, [now.0])?;
    let skip = concat!(
        "UPDATE conversations SET version = version + 1,
            body = ",
        lifted!(),
        ", digest = digest_of('conversations', id, version + 1, channel, external_id, person_name, held_by,
                last_text, updated, ",
        lifted!(),
        ") WHERE ",
        intact!(conversations)
    );
    transaction.execute(skip, [])?;
    let note = "INSERT INTO restored (at, made_at) VALUES (?1, ?2)";
    transaction.execute(note, [now.0, made_at.0])?;
    transaction.commit()?;
    Ok((in_doubt, effects as u64))
}

fn doubt_handoffs(db: &Connection, now: Timestamp) -> std::result::Result<u64, Failure> {
    let undecided = handoffs::undecided(db)?;
    for handoff in &undecided {
        let doubted = put_in_doubt(handoff, last_place(db, handoff)?, now);
        if let Some(doubted) = doubted.map_err(|error| Failure::broken(error.to_string()))? {
            handoffs::put(db, &doubted, &serde_json::to_string(&doubted)?)?;
        }
    }
    Ok(undecided.len() as u64)
}

/// The place of the conversation's last message.
fn last_place(db: &Connection, handoff: &Handoff) -> std::result::Result<u64, Failure> {
    let conversation = conversations::find(db, &handoff.conversation)?;
    Ok(conversation.map_or(0, |conversation| conversation.last_seq))
}

/// Size, hash and counts of a copy whose pages are all in order.
fn describe(copy: &Path, made_at: Timestamp) -> Result<Backup> {
    let damaged = |detail: String| BackupError::Damaged { path: copy.to_owned(), detail };
    let (sha256, bytes) = hash(copy)?;
    let db = connect(copy, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let checked = |sql: &str| db.query_row(sql, [], |row| row.get::<_, String>(0));
    let verdict = checked("PRAGMA integrity_check").map_err(|error| damaged(error.to_string()))?;
    if verdict != "ok" {
        return Err(damaged(verdict));
    }
    // An older program's copy has no digests; they are made when it is put back.
    let made_here = open::version(&db).map_err(|error| damaged(error.to_string()))? == open::latest();
    if made_here {
        let rows = digest::damaged(&db, 1).map_err(|error| damaged(error.to_string()))?;
        if let Some(row) = rows.into_iter().next() {
            return Err(damaged(row));
        }
    }
    let count = |sql: &str| {
        let rows =
            db.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|error| damaged(error.to_string()))?;
        u64::try_from(rows).map_err(|error| damaged(error.to_string()))
    };
    Ok(Backup {
        format: FORMAT,
        made_at,
        sha256,
        bytes,
        conversations: count("SELECT count(*) FROM conversations")?,
        messages: count("SELECT count(*) FROM messages")?,
        handoffs: count("SELECT count(*) FROM handoffs")?,
        undecided: count(concat!("SELECT count(*) FROM handoffs WHERE ", handoffs::is_undecided!()))?,
    })
}

fn hash(path: &Path) -> Result<(String, u64)> {
    let mut file = File::open(path).map_err(|error| refused(path, error))?;
    let (mut hasher, mut part, mut bytes) = (Sha256::new(), vec![0; 1 << 20], 0_u64);
    loop {
        let read = file.read(&mut part).map_err(|error| refused(path, error))?;
        if read == 0 {
            break;
        }
        bytes += read as u64;
        hasher.update(part.get(..read).unwrap_or_default());
    }
    Ok((hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect(), bytes))
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let opened = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX);
    let db = opened.map_err(|error| refused(path, error))?;
    db.busy_timeout(std::time::Duration::from_secs(5)).map_err(|error| refused(path, error))?;
    digest::teach(&db).map_err(|error| refused(path, error))?;
    Ok(db)
}

/// Makes the folder, or takes one that is empty.
fn new_folder(folder: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| refused(folder, error))?;
    let mut entries = fs::read_dir(folder).map_err(|error| refused(folder, error))?;
    if entries.next().is_some() { Err(BackupError::NotEmpty(folder.to_owned())) } else { Ok(()) }
}

/// An empty file that only its owner may read.
fn private(path: &Path) -> Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.map(drop).map_err(|error| refused(path, error))
}

fn put_in_place(path: &Path, bytes: &[u8]) -> Result<()> {
    let fresh = path.with_extension("new");
    fs::write(&fresh, bytes).map_err(|error| refused(&fresh, error))?;
    sync(&fresh)?;
    fs::rename(&fresh, path).map_err(|error| refused(path, error))?;
    path.parent().map_or(Ok(()), sync)
}

fn sync(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|error| refused(path, error))
}

/// Moves the data out of the way, log and all, under a name that says when.
fn set_aside(database: &Path, now: Timestamp) -> Result<PathBuf> {
    let aside = suffixed(database, &format!(".before-restore-{}", now.0));
    for part in ["-wal", "-shm", ""] {
        match fs::rename(suffixed(database, part), suffixed(&aside, part)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(refused(database, error)),
            _ => {}
        }
    }
    Ok(aside)
}

/// A log without its database would be taken for the log of the one that comes.
fn clear_log(database: &Path) -> Result<()> {
    clear(&suffixed(database, "-wal"))?;
    clear(&suffixed(database, "-shm"))
}

fn clear(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(refused(path, error)),
        _ => Ok(()),
    }
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn refused(path: &Path, error: impl ToString) -> BackupError {
    BackupError::Unusable { path: path.to_owned(), detail: error.to_string() }
}

fn failed(path: &Path, failure: Failure) -> BackupError {
    refused(path, handoff_core::store::StoreError::from(failure))
}
