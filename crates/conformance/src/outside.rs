//! The world as the kit plays it to the server: time that passes when somebody sleeps, values in memory.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use futures::future::{BoxFuture, pending};
use handoff_core::{
    plugins::World,
    world::{Blob, Blobs, Clock, Keep, NotKept, Pieces, gathered},
};
use handoff_model::{ConnectionId, Timestamp};
use parking_lot::Mutex;
use serde_json::Value;

use crate::scene::Scene;

/// Deadline of the kit's calls. Longer than a connector can sleep, so that the clock can tell them apart; the
/// kit waits by a watch of its own.
pub(crate) const DEADLINE: Duration = Duration::from_secs(2 * 3600);

/// Time, values and files.
pub(crate) struct Outside {
    now: AtomicI64,
    scenes: Mutex<HashMap<ConnectionId, Arc<Scene>>>,
    latest: Mutex<Option<Arc<Scene>>>,
    blobs: Mutex<Vec<(String, Vec<u8>)>>,
}

impl Outside {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            now: AtomicI64::new(1_790_000_000_000),
            scenes: Mutex::default(),
            latest: Mutex::default(),
            blobs: Mutex::default(),
        })
    }

    pub(crate) fn world(self: &Arc<Self>) -> World {
        World { clock: self.clone(), keep: self.clone(), blobs: self.clone() }
    }

    /// From now on what this connection asks belongs to this scene.
    pub(crate) fn show(&self, connection: &ConnectionId, scene: &Arc<Scene>) {
        self.scenes.lock().insert(connection.clone(), scene.clone());
        *self.latest.lock() = Some(scene.clone());
    }

    /// Time passes.
    pub(crate) fn advance(&self, wait: Duration) {
        let ms = i64::try_from(wait.as_millis()).unwrap_or(0);
        self.now.fetch_add(ms, Ordering::SeqCst);
    }

    fn scene(&self, connection: &ConnectionId) -> Result<Arc<Scene>, String> {
        let scene = self.scenes.lock().get(connection).cloned();
        scene.ok_or_else(|| "nothing is kept outside of a case".to_owned())
    }
}

impl Clock for Outside {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()> {
        if wait >= DEADLINE {
            return Box::pin(pending());
        }
        self.advance(wait);
        let scene = self.latest.lock().clone();
        Box::pin(async move {
            if let Some(scene) = scene {
                scene.naps(wait).await;
            }
        })
    }
}

impl Keep for Outside {
    fn get(
        &self,
        connection: &ConnectionId,
        key: &str,
    ) -> BoxFuture<'_, Result<Option<(Value, u64)>, String>> {
        let (scene, key) = (self.scene(connection), key.to_owned());
        Box::pin(async move { Ok(scene?.get(&key).await) })
    }

    fn swap(
        &self,
        connection: &ConnectionId,
        key: &str,
        expected: u64,
        value: Value,
    ) -> BoxFuture<'_, Result<bool, String>> {
        let (scene, key) = (self.scene(connection), key.to_owned());
        Box::pin(async move { Ok(scene?.swap(&key, expected, value).await) })
    }
}

impl Blobs for Outside {
    fn write<'a>(&'a self, media_type: String, pieces: Pieces<'a>) -> BoxFuture<'a, Result<String, NotKept>> {
        Box::pin(async move {
            let bytes = gathered(pieces).await.map_err(NotKept::BrokeOff)?;
            let mut blobs = self.blobs.lock();
            blobs.push((media_type, bytes));
            Ok(format!("blob{}", blobs.len() - 1))
        })
    }

    fn read(&self, name: &str) -> BoxFuture<'_, Result<Option<Blob>, String>> {
        let number = name.strip_prefix("blob").and_then(|number| number.parse::<usize>().ok());
        let blob = number.and_then(|number| self.blobs.lock().get(number).cloned());
        let blob = blob.map(|(media_type, bytes)| Blob::whole(media_type, bytes));
        Box::pin(async move { Ok(blob) })
    }
}
