//! The connections of a server: those of the configuration file, and those that administrators make while it runs.
//!
//! [`Book`] keeps both and lets connectors serve them. `change` adds, edits and removes, `act` asks the platforms:
//! check and set-up. What stands in the configuration file is changed there; only secrets that a set-up gave are kept
//! for it here.

mod act;
mod change;

use std::{collections::BTreeMap, sync::Arc};

use handoff_model::{
    AssistantId, ChannelId, ConnectionId, ConnectorId,
    connector::{Manifest, Quota},
};
use parking_lot::RwLock;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::Mutex;

pub use act::ActError;
pub use change::{ChangeError, Draft, FieldProblem};

use crate::{
    plugins::{ConnectionSetup, Registry},
    runtime::{Channel, ChannelKind, Connection, Runtime},
    store::{ConnectionRow, Store},
    world::Seal,
};

/// A connection as it was written down.
#[derive(Clone)]
pub struct Entry {
    /// Its id.
    pub id: ConnectionId,
    /// The connector that serves it.
    pub connector: ConnectorId,
    /// The assistant that serves the platform's own channel.
    pub assistant: Option<AssistantId>,
    /// What the connector is told.
    pub settings: Value,
    /// What it is not told, by name.
    pub secrets: BTreeMap<String, SecretString>,
    /// How many requests the platform takes, where the operator knows better than the connector.
    pub quota: Option<Quota>,
    /// It stands in the configuration file.
    pub in_file: bool,
    /// Grows by one with every change here; 0 when nothing of it is kept here.
    pub revision: u64,
}

impl Entry {
    /// What its connector is made from.
    pub fn setup(&self) -> ConnectionSetup {
        ConnectionSetup {
            id: self.id.clone(),
            connector: self.connector.clone(),
            settings: self.settings.clone(),
            secrets: self.secrets.clone(),
            quota: self.quota,
        }
    }

    /// The account.
    pub fn connection(&self) -> Connection {
        Connection { id: self.id.clone(), connector: self.connector.clone() }
    }

    /// The platform's own channel.
    pub fn channel(&self) -> Channel {
        Channel {
            id: ChannelId::new(self.id.as_str()),
            kind: ChannelKind::Connection(self.id.clone()),
            assistant: self.assistant.clone(),
        }
    }
}

/// A connection with what keeps it from working.
pub struct Standing {
    /// As it was written down.
    pub entry: Entry,
    /// What is wrong with it; none when it serves.
    pub problems: Vec<String>,
    /// What its connector says about itself; none while it is not loaded.
    pub manifest: Option<Arc<Manifest>>,
}

/// What is written in the file together with what is kept: the file goes first, and what it does not say is filled up.
/// Secrets whose key is gone are missing, and have to be typed in again.
pub fn merge(file: Vec<Entry>, rows: Vec<ConnectionRow>, seal: &dyn Seal) -> Vec<Entry> {
    let mut entries: BTreeMap<_, _> = file.into_iter().map(|entry| (entry.id.clone(), entry)).collect();
    for row in rows {
        let secrets = open(&row, seal).unwrap_or_else(|problem| {
            let id = &row.id;
            tracing::error!(connection.id = %id, "The secrets of connection {id} cannot be opened, type them in again: {problem}");
            BTreeMap::new()
        });
        match entries.get_mut(&row.id) {
            Some(entry) => {
                entry.revision = row.revision;
                for (name, value) in secrets {
                    entry.secrets.entry(name).or_insert(value);
                }
            }
            // Only secrets for a connection that the file does not name any more.
            None if row.settings.is_null() => {}
            None => {
                let entry = stored(row, secrets);
                entries.insert(entry.id.clone(), entry);
            }
        }
    }
    entries.into_values().collect()
}

fn stored(row: ConnectionRow, secrets: BTreeMap<String, SecretString>) -> Entry {
    let ConnectionRow { id, connector, assistant, settings, revision, .. } = row;
    Entry { id, connector, assistant, settings, secrets, quota: None, in_file: false, revision }
}

fn open(row: &ConnectionRow, seal: &dyn Seal) -> Result<BTreeMap<String, SecretString>, String> {
    let plain = seal.unseal(&row.sealed)?;
    let secrets: BTreeMap<String, String> =
        serde_json::from_slice(&plain).map_err(|error| error.to_string())?;
    Ok(secrets.into_iter().map(|(name, value)| (name, value.into())).collect())
}

/// The bytes under which secrets are kept.
fn sealed(secrets: &BTreeMap<String, SecretString>, seal: &dyn Seal) -> Vec<u8> {
    let plain: BTreeMap<_, _> = secrets.iter().map(|(name, value)| (name, value.expose_secret())).collect();
    seal.seal(&serde_json::to_vec(&plain).unwrap_or_default())
}

/// Everything that a book is made of.
pub struct Parts {
    /// Connectors.
    pub registry: Arc<Registry>,
    /// What is kept.
    pub store: Arc<dyn Store>,
    /// Encryption under a key that lasts.
    pub seal: Arc<dyn Seal>,
    /// Live conversations.
    pub runtime: Runtime,
    /// Channels of ours.
    pub own: Vec<Channel>,
    /// The connections, merged.
    pub entries: Vec<Entry>,
    /// Address under which platforms reach the server, without a final slash.
    pub public_url: String,
}

/// The connections of a server.
pub struct Book {
    registry: Arc<Registry>,
    store: Arc<dyn Store>,
    seal: Arc<dyn Seal>,
    runtime: Runtime,
    own: Vec<Channel>,
    entries: RwLock<Vec<Entry>>,
    public_url: String,
    /// One change at a time.
    turn: Mutex<()>,
}

impl Book {
    /// Opens the book of connections that serve already.
    pub fn new(parts: Parts) -> Self {
        let Parts { registry, store, seal, runtime, own, entries, public_url } = parts;
        let (entries, turn) = (RwLock::new(entries), Mutex::default());
        Self { registry, store, seal, runtime, own, entries, public_url, turn }
    }

    /// All connections, by id.
    pub fn list(&self) -> Vec<Standing> {
        let status = self.registry.connections();
        let standing = |entry: Entry| {
            let known = status.iter().find(|known| known.id == entry.id);
            Standing {
                problems: known.map(|known| known.problems.clone()).unwrap_or_default(),
                manifest: self.manifest(&entry.connector),
                entry,
            }
        };
        self.entries.read().clone().into_iter().map(standing).collect()
    }

    /// A connection by id.
    pub fn find(&self, id: &ConnectionId) -> Option<Standing> {
        self.list().into_iter().find(|standing| standing.entry.id == *id)
    }

    /// Connectors that connections can be made for.
    pub fn connectors(&self) -> Vec<Arc<Manifest>> {
        self.registry.manifests()
    }

    /// What a loaded connector says about itself.
    pub fn manifest(&self, connector: &ConnectorId) -> Option<Arc<Manifest>> {
        self.registry.manifests().into_iter().find(|manifest| manifest.id == *connector)
    }

    /// The address to be pasted at the platform.
    pub fn webhook_url(&self, id: &ConnectionId) -> String {
        format!("{}/webhooks/{id}", self.public_url)
    }

    /// Changes whenever another file serves, or other connections.
    pub fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.registry.changes()
    }

    fn entry(&self, id: &ConnectionId) -> Option<Entry> {
        self.entries.read().iter().find(|entry| entry.id == *id).cloned()
    }

    /// Lets these serve from now on.
    async fn serve(&self, entries: Vec<Entry>) -> Result<(), String> {
        let channels = self.own.iter().cloned().chain(entries.iter().map(Entry::channel)).collect();
        let connections = entries.iter().map(Entry::connection).collect();
        let setups = entries.iter().map(Entry::setup).collect();
        *self.entries.write() = entries;
        // Connectors first: nothing is sent to a connection that nobody serves yet.
        let served = self.registry.set_connections(setups).await;
        self.runtime.set_ways(channels, connections);
        served
    }
}
