//! Time, chance, encryption and files for tests.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use futures::future::BoxFuture;
use handoff_core::world::{Blob, Blobs, Chance, Clock, NotKept, Pieces, Seal, gathered};
use handoff_model::Timestamp;

pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        Timestamp(i64::try_from(since.as_millis()).unwrap())
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(wait))
    }
}

#[derive(Default)]
pub(crate) struct Counting(AtomicU64);

impl Chance for Counting {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// No encryption: a mark before the bytes, without which nothing is opened.
pub(crate) struct PlainSeal;

const MARK: &[u8] = b"sealed:";

impl Seal for PlainSeal {
    fn seal(&self, plain: &[u8]) -> Vec<u8> {
        [MARK, plain].concat()
    }

    fn unseal(&self, sealed: &[u8]) -> Result<Vec<u8>, String> {
        sealed.strip_prefix(MARK).map(<[u8]>::to_vec).ok_or_else(|| "not sealed here".to_owned())
    }
}

/// Files in memory, named by the test.
#[derive(Default)]
pub(crate) struct Files(Mutex<HashMap<String, (String, Vec<u8>)>>);

impl Files {
    pub(crate) fn keep(&self, name: &str, media_type: &str, bytes: &[u8]) {
        self.0.lock().unwrap().insert(name.to_owned(), (media_type.to_owned(), bytes.to_vec()));
    }
}

impl Blobs for Files {
    fn write<'a>(&'a self, media_type: String, pieces: Pieces<'a>) -> BoxFuture<'a, Result<String, NotKept>> {
        Box::pin(async move {
            let bytes = gathered(pieces).await.map_err(NotKept::BrokeOff)?;
            let name = format!("file-{}", self.0.lock().unwrap().len());
            self.keep(&name, &media_type, &bytes);
            Ok(name)
        })
    }

    fn read(&self, name: &str) -> BoxFuture<'_, Result<Option<Blob>, String>> {
        let found = self.0.lock().unwrap().get(name).cloned();
        let found = found.map(|(media_type, bytes)| Blob::whole(media_type, bytes));
        Box::pin(async { Ok(found) })
    }
}
