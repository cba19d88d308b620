//! The contract of the store, over SQLite and over the memory.

#![expect(clippy::unwrap_used, reason = "a test breaks off where something is not as expected")]

mod suite;

use std::sync::Arc;

use futures::{FutureExt, future::BoxFuture};
use handoff_core::store::{Changes, Transactions as _};
use handoff_model::Timestamp;
use handoff_store::{Memory, Sqlite, backup};
use suite::Opened;

mod sqlite {
    use super::*;

    async fn open() -> Opened {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Sqlite::open(&folder.path().join("handoff.db")).expect("a database");
        Opened { store: Arc::new(store), _keep: Box::new(folder) }
    }

    fn put_back(changes: Changes, times: Vec<Timestamp>) -> BoxFuture<'static, Opened> {
        async move {
            let folder = tempfile::tempdir().expect("a folder");
            let (data, copy) = (folder.path().join("handoff.db"), folder.path().join("copy"));
            let store = Sqlite::open(&data).unwrap();
            store.commit(changes).await.unwrap();
            backup::make(&data, &copy, Timestamp(5_000)).unwrap();
            drop(store);
            for at in times {
                backup::restore(&copy, &data, true, at).unwrap();
            }
            let store = Sqlite::open(&data).unwrap();
            Opened { store: Arc::new(store), _keep: Box::new(folder) }
        }
        .boxed()
    }

    suite::contract!(open, put_back);
}

mod memory {
    use super::*;

    async fn open() -> Opened {
        Opened { store: Arc::new(Memory::default()), _keep: Box::new(()) }
    }

    fn put_back(changes: Changes, times: Vec<Timestamp>) -> BoxFuture<'static, Opened> {
        async move {
            let store = Memory::default();
            store.commit(changes).await.unwrap();
            let copy = store.backup();
            for at in times {
                store.replace(&copy);
                store.doubt_all(at).unwrap();
            }
            Opened { store: Arc::new(store), _keep: Box::new(()) }
        }
        .boxed()
    }

    suite::contract!(open, put_back);
}
