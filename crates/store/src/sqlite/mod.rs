//! One SQLite file: a writer thread that commits in groups, and a few connections that read.
//!
//! Read `writer` for how commits share a flush to the disk, `commit` for what one transaction
//! does, then the file of the noun you are after.

mod assistants;
mod audit;
pub mod backup;
mod commit;
mod connections;
mod conversations;
mod digest;
pub mod examine;
mod failure;
mod handoffs;
mod keep;
mod messages;
mod open;
mod outbox;
mod parked;
mod readers;
mod tidy;
mod users;
mod writer;

use std::{fs::File, path::Path, sync::Arc};

use futures::future::BoxFuture;
use handoff_core::store::{Lives, Result, Store, StoreError};
use handoff_model::Timestamp;
use rusqlite::Connection;

use failure::Failure;
pub use open::OpenError;
use readers::Readers;
use writer::Writer;

/// Everything that is kept, in one SQLite file.
///
/// A commit returns once it is flushed to the disk. Dropping the store waits until all that was
/// begun is written, then closes the file.
pub struct Sqlite {
    // Fields are dropped in this order: the writer closes the file before the lock is let go.
    writer: Writer,
    readers: Arc<Readers>,
    _lock: Option<File>,
}

impl Sqlite {
    /// Opens a database file, making it and its folder if there is none, and brings its tables up
    /// to date.
    ///
    /// # Errors
    /// When the file is not ours, newer than this program, in use by another server, or may not
    /// be written. The sentence says what to do.
    pub fn open(path: &Path) -> std::result::Result<Self, OpenError> {
        Self::from_opened(open::open(path, true)?)
    }

    /// Opens a database file for a command, perhaps beside a running server: every commit still is
    /// all or nothing, but this one performs no effects.
    ///
    /// # Errors
    /// As [`Sqlite::open`], except that a server may have it in use.
    pub fn open_beside(path: &Path) -> std::result::Result<Self, OpenError> {
        Self::from_opened(open::open(path, false)?)
    }

    fn from_opened(opened: open::Opened) -> std::result::Result<Self, OpenError> {
        let readers = Arc::new(Readers::new(opened.path.clone()));
        let writer = Writer::start(opened.connection)
            .map_err(|source| OpenError::Unusable { path: opened.path, detail: source.to_string() })?;
        Ok(Self { writer, readers, _lock: opened.lock })
    }

    /// Forgets what is too old to matter and writes the log back into the database file, so that
    /// nothing that was deleted is left in either. Happens by itself when the server is idle.
    pub fn tidy(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.writer.tidy())
    }

    /// Lets the database file grow to this many pages and no further; whatever does not fit is
    /// refused as on a full disk. Lasts until the store is closed.
    pub fn limit_pages(&self, pages: u32) -> BoxFuture<'_, Result<()>> {
        self.write(move |db| {
            db.pragma_update_and_check(None, "max_page_count", pages, |row| row.get::<_, i64>(0))?;
            Ok(())
        })
    }

    /// When what is kept was put back from backups.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn lives(&self) -> Result<Lives> {
        self.readers.read(|db| {
            let mut all = db.prepare_cached("SELECT at FROM restored ORDER BY at")?;
            let restores = all.query_map([], |row| row.get(0).map(Timestamp))?;
            Ok(Lives::begun(restores.collect::<rusqlite::Result<_>>()?))
        })
    }

    /// A read that takes microseconds: on the calling thread.
    fn point<'a, T, F>(&'a self, work: F) -> BoxFuture<'a, Result<T>>
    where
        F: FnOnce(&Connection) -> std::result::Result<T, Failure> + Send + 'a,
        T: Send + 'a,
    {
        Box::pin(async move { self.readers.read(work) })
    }

    /// A read that may take longer: on a thread for such work.
    fn list<T, F>(&self, work: F) -> BoxFuture<'_, Result<T>>
    where
        F: FnOnce(&Connection) -> std::result::Result<T, Failure> + Send + 'static,
        T: Send + 'static,
    {
        let readers = Arc::clone(&self.readers);
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || readers.read(work)).await;
            done.unwrap_or_else(|error| Err(StoreError::Broken(format!("a read was cut short: {error}"))))
        })
    }

    /// A change: on the writer's thread, all of it or nothing. It may be made more than once, each time from where it
    /// began.
    fn write<T, F>(&self, work: F) -> BoxFuture<'_, Result<T>>
    where
        F: Fn(&Connection) -> std::result::Result<T, Failure> + Send + 'static,
        T: Send + 'static,
    {
        Box::pin(self.writer.write(work))
    }
}

impl Store for Sqlite {
    fn ready(&self) -> BoxFuture<'_, Result<()>> {
        self.write(|db| {
            db.prepare_cached("UPDATE pulse SET beats = beats + 1")?.execute([])?;
            Ok(())
        })
    }
}

/// A count or place as SQLite can keep it; what is larger than any row's stays larger.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A limit on rows as SQLite takes it.
fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// A count or place out of a row.
fn unsigned(number: i64) -> std::result::Result<u64, Failure> {
    u64::try_from(number).map_err(|_| Failure::broken(format!("{number} where no negative number fits")))
}
