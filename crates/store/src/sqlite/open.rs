//! Opens the file: its folder, its lock, its settings, its tables.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use refinery::{Migration, Runner};
use rusqlite::{Connection, ErrorCode, OptionalExtension};

use super::digest;

/// Marks a file as ours: "hndf" in ASCII.
const APPLICATION: i32 = 0x686e_6466;

/// Pages in the log before it is written back: 16 MiB. A page that changes often is then written
/// back once for many commits.
const LOG_PAGES: u32 = 4096;

/// Changes of the tables, oldest first. One that was released is never edited.
const MIGRATIONS: &[(&str, &str)] = &[
    ("V1__begin", include_str!("../../migrations/sqlite/V1__begin.sql")),
    ("V2__restored", include_str!("../../migrations/sqlite/V2__restored.sql")),
    ("V3__connections", include_str!("../../migrations/sqlite/V3__connections.sql")),
    ("V4__audit", include_str!("../../migrations/sqlite/V4__audit.sql")),
    ("V5__digests", include_str!("../../migrations/sqlite/V5__digests.sql")),
];

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file holds something else.
    #[error(
        "{path} is not a database of this server. Name another file, or put the right one back from a backup."
    )]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// A later version of the server wrote the file.
    #[error(
        "{path} was last used by a newer version of this server (its tables have version {found}, \
         this program knows {known}). Start that version, or a newer one."
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Version of its tables.
        found: i64,
        /// The latest version known here.
        known: i64,
    },
    /// Another server has it open.
    #[error("{path} is in use by another server. Stop that one first, or give this one a file of its own.")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file or its folder may not be written.
    #[error("{path} may not be written by this user: {source}. Change the owner of the file and its folder.")]
    Permission {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Anything else, such as a full disk.
    #[error("{path} cannot be opened: {detail}.")]
    Unusable {
        /// The file or folder.
        path: PathBuf,
        /// What the system or the database said.
        detail: String,
    },
}

/// An open database.
pub(super) struct Opened {
    /// The connection that writes.
    pub(super) connection: Connection,
    /// Held by a server while the store is open; a command beside a server holds none.
    pub(super) lock: Option<File>,
    /// The file, without symbolic links, so that all names of it share one lock.
    pub(super) path: PathBuf,
}

/// Opens a database file and brings its tables up to date.
pub(super) fn open(path: &Path, alone: bool) -> Result<Opened, OpenError> {
    let path = place(path)?;
    let lock = if alone { Some(lock(&path)?) } else { None };
    make(&path)?;
    let mut connection = Connection::open(&path).map_err(|error| refused(&path, &error))?;
    recognise(&connection, &path)?;
    set_up(&connection).map_err(|error| refused(&path, &error))?;
    migrate(&mut connection, &path, alone)?;
    Ok(Opened { connection, lock, path })
}

/// Keeps every server away from a file, without opening or making it. Gives its real place.
pub(super) fn reserve(path: &Path) -> Result<(PathBuf, File), OpenError> {
    let path = place(path)?;
    let lock = lock(&path)?;
    Ok((path, lock))
}

/// The file's real place, its folder made if there was none.
fn place(path: &Path) -> Result<PathBuf, OpenError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| unusable(folder, error))?;
    let Some(name) = path.file_name() else {
        return Err(OpenError::Unusable { path: path.into(), detail: "it names no file".into() });
    };
    let place = fs::canonicalize(folder).map_err(|error| unusable(folder, error))?.join(name);
    Ok(fs::canonicalize(&place).unwrap_or(place))
}

/// Two servers on one file would each be right for themselves. The lock is a file of its own,
/// because locks on the database file itself belong to SQLite.
fn lock(path: &Path) -> Result<File, OpenError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock = private(Path::new(&name))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.into() }),
        Err(TryLockError::Error(error)) => Err(unusable(Path::new(&name), error)),
    }
}

/// Makes the file readable for its owner only. SQLite gives its log the same permissions.
fn make(path: &Path) -> Result<(), OpenError> {
    let file = private(path)?;
    let mode = file.metadata().map_err(|error| unusable(path, error))?.permissions().mode();
    if mode & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(|error| unusable(path, error))?;
    }
    Ok(())
}

fn private(path: &Path) -> Result<File, OpenError> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    file.map_err(|error| unusable(path, error))
}

/// Refuses files of other programs before anything is written to them.
fn recognise(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let tables = number("SELECT count(*) FROM sqlite_schema").map_err(|error| refused(path, &error))?;
    let application = number("PRAGMA application_id").map_err(|error| refused(path, &error))?;
    if application != i64::from(APPLICATION) && (tables > 0 || application != 0) {
        return Err(OpenError::NotOurs { path: path.into() });
    }
    Ok(())
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    digest::teach(connection)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.pragma_update(None, "application_id", APPLICATION)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // Nothing of a transaction may reach a temporary file, where it would stay readable.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -65_536)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)
}

fn migrate(connection: &mut Connection, path: &Path, alone: bool) -> Result<(), OpenError> {
    let unusable = |detail: String| OpenError::Unusable { path: path.into(), detail };
    let known = MIGRATIONS.iter().map(|(name, sql)| Migration::unapplied(name, sql));
    let known = known.collect::<Result<Vec<_>, _>>().map_err(|error| unusable(error.to_string()))?;
    let latest = latest();
    let found = version(connection).map_err(|error| refused(path, &error))?;
    if found > latest {
        return Err(OpenError::Newer { path: path.into(), found, known: latest });
    }
    // Tables are never changed under a server that runs: it knows only those it began with.
    let _lock = if !alone && found < latest { Some(lock(path)?) } else { None };
    // Tables and the note that they are there, in one transaction: whatever breaks off in between would otherwise leave a
    // file that no later start can open.
    Runner::new(&known).set_grouped(true).run(connection).map_err(|error| unusable(error.to_string()))?;
    Ok(())
}

/// The latest version of the tables that this program knows.
pub(super) fn latest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Version of the tables; 0 when there are none.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    let history = "SELECT 1 FROM sqlite_schema WHERE name = 'refinery_schema_history'";
    if connection.query_row(history, [], |_| Ok(())).optional()?.is_none() {
        return Ok(0);
    }
    let latest = "SELECT ifnull(max(version), 0) FROM refinery_schema_history";
    connection.query_row(latest, [], |row| row.get(0))
}

fn refused(path: &Path, error: &rusqlite::Error) -> OpenError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotOurs { path: path.into() },
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => OpenError::Permission {
            path: path.into(),
            source: io::Error::new(io::ErrorKind::PermissionDenied, error.to_string()),
        },
        _ => OpenError::Unusable { path: path.into(), detail: error.to_string() },
    }
}

fn unusable(path: &Path, error: io::Error) -> OpenError {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            OpenError::Permission { path: path.into(), source: error }
        }
        _ => OpenError::Unusable { path: path.into(), detail: error.to_string() },
    }
}
