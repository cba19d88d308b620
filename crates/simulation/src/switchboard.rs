//! The connectors of one process, which can be exchanged while calls are under way.

use std::sync::{Arc, OnceLock};

use anyhow::{Result, anyhow};
use futures::future::BoxFuture;
use handoff_core::{
    plugins::{Linked, World},
    world::{Call, CallError, Connectors},
};
use handoff_model::{
    ConnectionId, TicketRef,
    connector::{Found, Manifest, Transferred},
};
use parking_lot::RwLock;
use serde_json::{Value, json};

use crate::{
    Flaw,
    desk::Desk,
    network::{Network, Wire},
    power::Power,
};

/// The connector that serves, of the latest generation. Calls under way end on the generation that began them.
pub(crate) struct Switchboard {
    make: Box<dyn Fn() -> Result<Linked> + Send + Sync>,
    serves: RwLock<Arc<Linked>>,
    manifest: RwLock<Arc<Manifest>>,
    power: Power,
    flaw: Option<Flaw>,
}

impl Switchboard {
    pub(crate) fn new(
        desk: &Desk,
        network: &Network,
        power: &Power,
        world: World,
        flaw: Option<Flaw>,
    ) -> Result<Self> {
        let (manifest, create) = desk.connector()?;
        let (manifest, setup) = (Arc::new(manifest), desk.setup()?);
        let wire = Arc::new(Wire { network: network.clone(), desk: desk.clone(), power: power.clone() });
        let make = move || {
            let client = writer()?;
            let made = Linked::new(manifest.clone(), create, &setup, world.clone(), wire.clone(), client);
            made.map_err(|problem| anyhow!(problem))
        };
        let first = Arc::new(make()?);
        let manifest = RwLock::new(first.manifest().clone());
        Ok(Self { make: Box::new(make), serves: RwLock::new(first), manifest, power: power.clone(), flaw })
    }

    /// Another generation serves from now on.
    pub(crate) fn exchange(&self) -> Result<()> {
        let next = Arc::new((self.make)()?);
        *self.manifest.write() = next.manifest().clone();
        *self.serves.write() = next;
        Ok(())
    }
}

/// A client that only writes bodies. To make one takes longer than a whole run, so there is one for all.
fn writer() -> Result<reqwest::Client> {
    static WRITER: OnceLock<std::result::Result<reqwest::Client, String>> = OnceLock::new();
    let make = || {
        // Fails when a provider is there already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::builder().no_proxy().build().map_err(|error| error.to_string())
    };
    WRITER.get_or_init(make).clone().map_err(|problem| anyhow!(problem))
}

impl Connectors for Switchboard {
    fn call(&self, _: &ConnectionId, call: Call) -> BoxFuture<'_, Result<Value, CallError>> {
        Box::pin(async move {
            self.power.gate().await;
            let (linked, verb) = (self.serves.read().clone(), call.verb);
            let answer = match (self.flaw, verb) {
                (Some(Flaw::AbsentAtOnce), "find") => Ok(json!(Found::Absent { safe_now: true })),
                (Some(Flaw::AcceptsEarly), "transfer") => {
                    let key = call.request["key"].as_str().unwrap_or_default().to_owned();
                    // The request is under way for as long as anybody remembers.
                    drop(tokio::spawn(async move { linked.call(call).await }));
                    Ok(json!(early(key)))
                }
                _ => linked.call(call).await,
            };
            self.power.gate().await;
            answer
        })
    }

    fn manifest(&self, _: &ConnectionId) -> Option<Arc<Manifest>> {
        Some(self.manifest.read().clone())
    }
}

fn early(chat: String) -> Transferred {
    Transferred { ticket: TicketRef { chat, label: None, url: None }, queued: false, remarks: Vec::new() }
}
