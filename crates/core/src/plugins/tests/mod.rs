//! Plugins from the outside: files in a folder, calls, hangs, requests to a platform.

mod calls;
mod fake;
mod files;
mod generations;
mod hangs;
mod requests;

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use handoff_model::{ConnectionId, ConnectorId, Timestamp, connector::ConnectorError};
use parking_lot::Mutex;
use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::watch;

use super::*;
use crate::world::{Blob, Call, Checkpoints, NotKept, Pieces, gathered};

/// Time that passes when told.
struct StillClock(watch::Sender<i64>);

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        Timestamp(*self.0.borrow())
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()> {
        let until = self.now().after(wait).0;
        let mut now = self.0.subscribe();
        Box::pin(async move {
            let _ = now.wait_for(|now| *now >= until).await;
        })
    }
}

/// Values in memory; every change can be waited for.
#[derive(Default)]
struct Memory {
    values: watch::Sender<BTreeMap<String, (Value, u64)>>,
    blobs: Mutex<Vec<(String, Vec<u8>)>>,
}

impl Memory {
    async fn until_kept(&self, key: &str) {
        self.values.subscribe().wait_for(|values| values.contains_key(key)).await.unwrap();
    }

    fn value(&self, key: &str) -> Option<Value> {
        self.values.borrow().get(key).map(|(value, _)| value.clone())
    }
}

impl Keep for Memory {
    fn get(
        &self,
        connection: &ConnectionId,
        key: &str,
    ) -> BoxFuture<'_, Result<Option<(Value, u64)>, String>> {
        let kept = self.values.borrow().get(&format!("{connection}/{key}")).cloned();
        Box::pin(async move { Ok(kept) })
    }

    fn swap(
        &self,
        connection: &ConnectionId,
        key: &str,
        expected: u64,
        value: Value,
    ) -> BoxFuture<'_, Result<bool, String>> {
        let key = format!("{connection}/{key}");
        let swapped = self.values.send_if_modified(|values| {
            let version = values.get(&key).map_or(0, |(_, version)| *version);
            if version == expected {
                values.insert(key.clone(), (value, version + 1));
            }
            version == expected
        });
        Box::pin(async move { Ok(swapped) })
    }
}

impl Blobs for Memory {
    fn write<'a>(&'a self, media_type: String, pieces: Pieces<'a>) -> BoxFuture<'a, Result<String, NotKept>> {
        Box::pin(async move {
            let bytes = gathered(pieces).await.map_err(NotKept::BrokeOff)?;
            let mut blobs = self.blobs.lock();
            blobs.push((media_type, bytes));
            Ok(format!("blob{}", blobs.len()))
        })
    }

    fn read(&self, name: &str) -> BoxFuture<'_, Result<Option<Blob>, String>> {
        let number = name.strip_prefix("blob").and_then(|number| number.parse::<usize>().ok());
        let blob = number.and_then(|number| self.blobs.lock().get(number.checked_sub(1)?).cloned());
        let blob = blob.map(|(media_type, bytes)| Blob::whole(media_type, bytes));
        Box::pin(async move { Ok(blob) })
    }
}

/// Checkpoints in memory; from the given number on, another holds the handoff.
#[derive(Default)]
struct Trail {
    left: Mutex<Vec<Value>>,
    superseded_from: Option<usize>,
}

impl Checkpoints for Trail {
    fn store(&self, checkpoint: Value) -> BoxFuture<'_, Result<(), ConnectorError>> {
        let mut left = self.left.lock();
        let superseded = self.superseded_from.is_some_and(|from| left.len() >= from);
        if !superseded {
            left.push(checkpoint);
        }
        Box::pin(async move { if superseded { Err(ConnectorError::Superseded) } else { Ok(()) } })
    }
}

/// What a test sees of the outside.
struct Outside {
    clock: Arc<StillClock>,
    memory: Arc<Memory>,
}

impl Outside {
    fn new() -> Self {
        let clock = Arc::new(StillClock(watch::Sender::new(1_790_000_000_000)));
        Self { clock, memory: Arc::default() }
    }

    fn world(&self) -> World {
        World { clock: self.clock.clone(), keep: self.memory.clone(), blobs: self.memory.clone() }
    }

    fn advance(&self, wait: Duration) {
        self.clock.0.send_modify(|now| *now = Timestamp(*now).after(wait).0);
    }
}

fn options(place: &Path) -> Options {
    Options {
        folder: place.join("plugins"),
        vault: place.join("vault"),
        allow_loopback_http: false,
        limits: Limits::default(),
        trust: Trust { policy: Policy::Any, ..Trust::default() },
        program: None,
        modes: Modes::default(),
        follow: false,
    }
}

fn connection(id: &str, connector: &str, settings: Value) -> ConnectionSetup {
    let secrets = BTreeMap::from([("token".to_owned(), SecretString::from("hunter2+x".to_owned()))]);
    ConnectionSetup {
        id: ConnectionId::new(id),
        connector: ConnectorId::new(connector),
        settings,
        secrets,
        quota: None,
    }
}

fn call(verb: &'static str, request: Value) -> Call {
    Call { verb, request, deadline: Duration::from_secs(60), checkpoints: None }
}
