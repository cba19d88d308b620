//! Connections that only read. Each read sees the last commit, and never waits for the writer.

use std::{path::PathBuf, time::Duration};

use handoff_core::store::Result;
use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags};

use super::{digest, failure::Failure};

/// Connections kept open between reads; more are opened while more reads run at once.
const KEPT: usize = 8;

/// Different statements kept prepared on each.
const STATEMENTS: usize = 64;

/// Connections that only read.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// Readers of a database that exists.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::default() }
    }

    /// Reads with a connection of its own, on the calling thread.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> std::result::Result<T, Failure>,
    ) -> Result<T> {
        let connection = self.take().map_err(Failure::from)?;
        let read = work(&connection);
        // After a fault of the disk the next read begins with a fresh connection.
        if !matches!(read, Err(Failure::Lost(_))) {
            self.give_back(connection);
        }
        Ok(read?)
    }

    fn take(&self) -> rusqlite::Result<Connection> {
        let idle = self.idle.lock().pop();
        idle.map_or_else(|| self.open(), Ok)
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock();
        if idle.len() < KEPT {
            idle.push(connection);
        }
    }

    fn open(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        digest::teach(&connection)?;
        Ok(connection)
    }
}
