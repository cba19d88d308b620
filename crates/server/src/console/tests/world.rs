//! What the runtime takes from outside: a clock that stands still until it is moved, connectors that
//! only say what they are.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use futures::future::BoxFuture;
use handoff_core::world::{Blob, Blobs, Call, CallError, Chance, Clock, Connectors, NotKept, Pieces, Seal};
use handoff_model::{ConnectionId, Timestamp, connector::Manifest};
use serde_json::{Value, json};

/// A clock that is moved by hand.
pub(super) struct HandClock(AtomicI64);

impl HandClock {
    pub(super) fn at(now: i64) -> Self {
        Self(AtomicI64::new(now))
    }

    pub(super) fn forward(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

/// Connectors by connection.
#[derive(Default)]
pub(super) struct Shelf(BTreeMap<ConnectionId, Arc<Manifest>>);

impl Shelf {
    pub(super) fn with(self, connection: &str, connector: &str, name: &str) -> Self {
        self.by(connection, connector, name, &["bridge"])
    }

    /// The same, for a connection that takes chats by these routes.
    pub(super) fn by(mut self, connection: &str, connector: &str, name: &str, routes: &[&str]) -> Self {
        let manifest = json!({
            "id": connector, "version": "1.0.0", "name": name, "abi": [1, 0], "model": 1,
            "capabilities": { "routes": routes }, "settings": {},
        });
        self.0.insert(ConnectionId::new(connection), Arc::new(serde_json::from_value(manifest).unwrap()));
        self
    }

    /// The connection's connector names options, and says whether somebody is there.
    pub(super) fn offering(mut self, connection: &str, options: Value) -> Self {
        let manifest = self.0.get_mut(&ConnectionId::new(connection)).map(Arc::make_mut).unwrap();
        manifest.capabilities.availability = true;
        manifest.capabilities.options = serde_json::from_value(options).unwrap();
        self
    }
}

impl Connectors for Shelf {
    fn call(&self, _: &ConnectionId, call: Call) -> BoxFuture<'_, Result<Value, CallError>> {
        let answer = match (call.verb, call.request["field"].as_str()) {
            ("availability", _) => Ok(json!("no")),
            ("options", Some("group" | "fields")) => Ok(json!([
                { "value": "7", "label": "Sales <b>" }, { "value": "8", "label": "Support" },
            ])),
            _ => Err(CallError::NotBegun("the platform is away".to_owned())),
        };
        Box::pin(async { answer })
    }

    fn manifest(&self, connection: &ConnectionId) -> Option<Arc<Manifest>> {
        self.0.get(connection).cloned()
    }
}

/// No chance, no encryption, no files: pages need none of them.
pub(super) struct Plain;

impl Chance for Plain {
    fn next(&self) -> u64 {
        0
    }
}

impl Seal for Plain {
    fn seal(&self, plain: &[u8]) -> Vec<u8> {
        plain.to_vec()
    }

    fn unseal(&self, sealed: &[u8]) -> Result<Vec<u8>, String> {
        Ok(sealed.to_vec())
    }
}

impl Blobs for Plain {
    fn write<'a>(&'a self, _: String, _: Pieces<'a>) -> BoxFuture<'a, Result<String, NotKept>> {
        Box::pin(async { Err(NotKept::Unavailable("no files in these tests".to_owned())) })
    }

    fn read(&self, _: &str) -> BoxFuture<'_, Result<Option<Blob>, String>> {
        Box::pin(async { Ok(None) })
    }
}
