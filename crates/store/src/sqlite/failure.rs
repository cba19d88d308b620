//! What goes wrong with SQL, and what it means for the caller.

use handoff_core::store::StoreError;
use rusqlite::ErrorCode;

/// Why a read or a change was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// It alone does not fit; others are not concerned.
    Refused(StoreError),
    /// It met a page that the disk changed: SQLite takes no more writes in this transaction.
    Page(String),
    /// The database is not to be reached or has no room: others will fare alike.
    Lost(String),
}

impl Failure {
    /// A row that fits no state, or a change that refers to nothing.
    pub(super) fn broken(what: impl Into<String>) -> Self {
        Self::Refused(StoreError::Broken(what.into()))
    }

    /// Something that the disk did not give back as it was written.
    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::Refused(StoreError::Damaged(what.into()))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::broken(format!("a row does not read: {error}"))
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::OutOfMemory
                | ErrorCode::PermissionDenied
                | ErrorCode::FileLockingProtocolFailed,
            ) => Self::Lost(error.to_string()),
            Some(ErrorCode::DatabaseCorrupt) => Self::Page(format!("a page of the database ({error})")),
            _ => Self::broken(error.to_string()),
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(error) => error,
            Failure::Page(what) => Self::Damaged(what),
            Failure::Lost(why) => Self::Unavailable(why),
        }
    }
}
