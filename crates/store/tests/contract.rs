//! The contract of the store, over SQLite and over the memory.

#![expect(clippy::unwrap_used, reason = "a test breaks off where something is not as expected")]

mod suite;

use std::sync::Arc;

use handoff_store::{Memory, Sqlite};
use suite::Opened;

mod sqlite {
    use super::*;

    async fn open() -> Opened {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Sqlite::open(&folder.path().join("handoff.db")).expect("a database");
        Opened { store: Arc::new(store), _keep: Box::new(folder) }
    }

    suite::contract!(open);
}

mod memory {
    use super::*;

    async fn open() -> Opened {
        Opened { store: Arc::new(Memory::default()), _keep: Box::new(()) }
    }

    suite::contract!(open);
}
