//! Puts the parts together. The only place that knows every concrete type.

use std::{collections::BTreeMap, fs, os::unix::fs::DirBuilderExt, path::PathBuf, sync::Arc};

use anyhow::Context;
use handoff_core::{
    connections::{self, Book, Entry},
    plugins::{Limits, Modes, Options, Registry, Trust, World},
    runtime::{Channel, ChannelKind, Parts, Runtime},
    store::Store,
    world::{Clock, Seal},
};
use handoff_server::ReceiptKey;
use handoff_store::Sqlite;

use crate::{
    blobs::{BlobFolder, SharedBlobs},
    clock::{WorldChance, WorldClock},
    config::{Config, OwnChannel},
    keyring::Keyring,
    receipt_key,
};

/// The running parts.
pub(crate) struct Host {
    pub(crate) runtime: Runtime,
    pub(crate) registry: Arc<Registry>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) blobs: Arc<BlobFolder>,
    pub(crate) book: Arc<Book>,
}

/// Whether this process is the server or a command beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The only server on its database.
    Server,
    /// A command, perhaps beside a running server.
    Command,
}

/// `public_url` is where platforms reach the server, without a final slash.
pub(crate) async fn host(config: &Config, role: Role, public_url: &str) -> anyhow::Result<Host> {
    let clock: Arc<dyn Clock> = Arc::new(WorldClock::new(&config.clock));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&config.data_dir)
        .with_context(|| format!("the data folder {} cannot be made", config.data_dir.display()))?;
    let keyring = Arc::new(Keyring::open(&config.data_dir.join("keys.json"), clock.now())?);
    // Its one key is never drawn anew: what is sealed with it lasts.
    let credentials = Arc::new(Keyring::open(&config.data_dir.join("credentials.json"), clock.now())?);
    let store = open_store(config, role)?;
    let rows = handoff_core::store::Connections::connection_rows(&*store).await?;
    let entries = connections::merge(entries(config)?, rows, &*credentials);
    let blobs = Arc::new(BlobFolder::open(&config.data_dir.join("blobs"), keyring.clone() as Arc<dyn Seal>)?);
    let world =
        World { clock: clock.clone(), keep: store.clone(), blobs: Arc::new(SharedBlobs(blobs.clone())) };
    let setups = entries.iter().map(Entry::setup).collect();
    let registry = Arc::new(Registry::open(&plugin_options(config, role), setups, world));
    warn_of_assistants(&entries, &registry);
    let own = own_channels(config);
    let lives = store.lives()?;
    let store: Arc<dyn Store> = store;
    let runtime = Runtime::new(Parts {
        store: store.clone(),
        connectors: registry.clone(),
        clock: clock.clone(),
        chance: Arc::new(WorldChance),
        seal: keyring.clone(),
        blobs: Arc::new(SharedBlobs(blobs.clone())),
        channels: own.iter().cloned().chain(entries.iter().map(Entry::channel)).collect(),
        connections: entries.iter().map(Entry::connection).collect(),
        plan: config.workspace.plan,
        lowest: config.plans.clone(),
        lives,
    });
    let book = Arc::new(Book::new(connections::Parts {
        registry: registry.clone(),
        store: store.clone(),
        seal: credentials,
        runtime: runtime.clone(),
        own,
        entries,
        public_url: public_url.to_owned(),
    }));
    Ok(Host { runtime, registry, store, clock, keyring, blobs, book })
}

/// The store alone, for commands that need no connectors.
pub(crate) fn open_store(config: &Config, role: Role) -> anyhow::Result<Arc<Sqlite>> {
    let path = database(config);
    let store = match role {
        Role::Server => Sqlite::open(&path),
        Role::Command => Sqlite::open_beside(&path),
    };
    Ok(Arc::new(store?))
}

/// The key that signs receipts; it is made when it is not there.
pub(crate) fn receipt_key(config: &Config) -> anyhow::Result<ReceiptKey> {
    receipt_key::open(&config.data_dir.join("receipts.key"))
}

/// The file with everything that is kept.
pub(crate) fn database(config: &Config) -> PathBuf {
    config.data_dir.join("handoff.sqlite3")
}

/// The private store of plugin files.
pub(crate) fn vault(config: &Config) -> PathBuf {
    config.data_dir.join("vault")
}

/// Whose plugin files are opened.
pub(crate) fn trust(config: &Config) -> Trust {
    let plugins = &config.plugins;
    Trust {
        policy: plugins.policy,
        keys: plugins.keys.clone(),
        allowed: plugins.allowed.clone(),
        lock: Some(plugins.lock_file.clone()),
        hosts: plugins.hosts.clone(),
    }
}

fn plugin_options(config: &Config, role: Role) -> Options {
    Options {
        folder: config.plugins.folder.clone(),
        vault: vault(config),
        allow_loopback_http: config.plugins.allow_loopback_http,
        limits: Limits { standby: config.plugins.standby && role == Role::Server, ..Limits::default() },
        trust: trust(config),
        // The program as it runs, also when its file was replaced meanwhile.
        program: Some(PathBuf::from("/proc/self/exe")),
        modes: Modes { others: config.plugins.mode, of: config.plugins.modes.clone() },
        follow: role == Role::Server,
    }
}

/// The connections of the configuration file.
fn entries(config: &Config) -> anyhow::Result<Vec<Entry>> {
    let entry = |(id, connection): (&handoff_model::ConnectionId, &crate::config::ConnectionConfig)| {
        let mut secrets = BTreeMap::new();
        for (name, secret) in &connection.secrets {
            let value = secret.read().with_context(|| format!("the secret {name} of connection {id}"))?;
            secrets.insert(name.clone(), value);
        }
        let settings = serde_json::to_value(&connection.settings)
            .with_context(|| format!("the settings of connection {id}"))?;
        let (id, connector, assistant) =
            (id.clone(), connection.connector.clone(), connection.assistant.clone());
        let quota = connection.quota;
        Ok(Entry { id, connector, assistant, settings, secrets, quota, in_file: true, revision: 0 })
    };
    config.connections.iter().map(entry).collect()
}

/// Channels of ours.
fn own_channels(config: &Config) -> Vec<Channel> {
    let own = config.channels.iter().map(|(id, channel)| Channel {
        id: id.clone(),
        kind: match channel.kind {
            OwnChannel::Api => ChannelKind::Api,
            OwnChannel::Webchat => ChannelKind::Webchat,
        },
        assistant: channel.assistant.clone(),
    });
    own.collect()
}

fn warn_of_assistants(entries: &[Entry], registry: &Registry) {
    use handoff_core::world::Connectors;
    for entry in entries.iter().filter(|entry| entry.assistant.is_some()) {
        let silent =
            registry.manifest(&entry.id).is_some_and(|manifest| manifest.capabilities.channel.is_none());
        if silent {
            let id = &entry.id;
            tracing::warn!(connection.id = %id, "Connection {id} names an assistant, but its connector has no channel of its own");
        }
    }
}
