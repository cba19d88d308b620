//! Performs what the plain functions decide: live conversations, the outbox, transfers.
//!
//! Everything that differs between a server and a simulation is an argument ([`Parts`]). Read
//! [`inbound`](Runtime::say) for an event's way in, `outbox` for an effect's way out, `transfer`
//! for a handoff's.

pub mod assistants;
mod audit;
mod carry;
mod choices;
mod choosing;
mod counters;
mod decide;
mod deliver;
mod error;
mod events;
mod inbound;
mod leaving;
mod outbox;
mod poll;
mod replay;
mod shown;
mod transfer;
mod turns;
mod watch;

use std::{collections::BTreeMap, sync::Arc};

use handoff_model::{
    AssistantId, ChannelId, ConnectionId, ConnectorId, Plan,
    connector::{Availability, Choice, Manifest},
};
use parking_lot::RwLock;
use tokio::sync::{Notify, watch::Receiver};

pub use assistants::{AssistantError, Library};
pub use audit::{Audited, Pace};
pub use counters::{Counter, Counters};
pub use decide::{Decision, DecisionError, LONGEST_REASON};
pub use error::{TurnError, WebhookError};
pub use inbound::{Said, Turned};
pub use replay::{LONGEST_BUDGET, ReplayError};
pub use shown::ShownItem;

use crate::{
    handoff::{Target, Targets},
    store::{Lives, Store},
    world::{Blobs, Chance, Clock, Connectors, Seal},
};
use choices::Shelf;
use leaving::Redactions;
use watch::Watchers;

/// A way by which persons reach the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Its id.
    pub id: ChannelId,
    /// What it is.
    pub kind: ChannelKind,
    /// The assistant that serves it.
    pub assistant: Option<AssistantId>,
}

/// What a channel is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelKind {
    /// Messages come and go over the HTTP API.
    Api,
    /// The webchat widget.
    Webchat,
    /// The platform's own channel of a connection.
    Connection(ConnectionId),
}

/// A configured account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// The code that speaks to it.
    pub connector: ConnectorId,
}

/// Everything that a runtime is made of.
pub struct Parts {
    /// What is kept.
    pub store: Arc<dyn Store>,
    /// Connectors.
    pub connectors: Arc<dyn Connectors>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub chance: Arc<dyn Chance>,
    /// Encryption at rest.
    pub seal: Arc<dyn Seal>,
    /// Files.
    pub blobs: Arc<dyn Blobs>,
    /// Channels at the start.
    pub channels: Vec<Channel>,
    /// Accounts at the start.
    pub connections: Vec<Connection>,
    /// What the workspace pays for.
    pub plan: Plan,
    /// Lowest plan by connector.
    pub lowest: BTreeMap<ConnectorId, Plan>,
    /// When what is kept was put back from backups.
    pub lives: Lives,
}

/// What is configured, as it is now.
#[derive(Clone)]
struct Ways {
    channels: Arc<[Channel]>,
    connections: Arc<[Connection]>,
}

/// The running server without its edges. Cheap to clone.
#[derive(Clone)]
pub struct Runtime(Arc<Inner>);

struct Inner {
    parts: Parts,
    ways: RwLock<Ways>,
    library: Library,
    watchers: Watchers,
    work: Notify,
    counters: Counters,
    choices: Shelf<Arc<Vec<Choice>>>,
    availability: Shelf<Availability>,
    redactions: Redactions,
    audited: RwLock<Audited>,
}

impl Runtime {
    /// Puts a runtime together. Nothing runs before [`Runtime::run`].
    pub fn new(parts: Parts) -> Self {
        let library = Library::new(parts.store.clone());
        let ways =
            Ways { channels: parts.channels.clone().into(), connections: parts.connections.clone().into() };
        Self(Arc::new(Inner {
            parts,
            ways: RwLock::new(ways),
            library,
            watchers: Watchers::default(),
            work: Notify::new(),
            counters: Counters::default(),
            choices: Shelf::default(),
            availability: Shelf::default(),
            redactions: Redactions::default(),
            audited: RwLock::default(),
        }))
    }

    /// Performs effects until dropped. One such future is enough for a node.
    pub async fn run(&self) {
        tokio::join!(
            self.perform_effects(),
            self.keep_library_fresh(),
            self.retry_parked(),
            self.poll_platforms()
        );
    }

    /// What is kept.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.0.parts.store
    }

    /// Assistants and their versions.
    pub fn library(&self) -> &Library {
        &self.0.library
    }

    /// Numbers since the start.
    pub fn counters(&self) -> &Counters {
        &self.0.counters
    }

    /// The time.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.parts.clock
    }

    /// All channels.
    pub fn channels(&self) -> Arc<[Channel]> {
        self.0.ways.read().channels.clone()
    }

    /// A channel by id.
    pub fn channel(&self, id: &ChannelId) -> Option<Channel> {
        self.0.ways.read().channels.iter().find(|channel| channel.id == *id).cloned()
    }

    /// All configured accounts.
    pub fn connections(&self) -> Arc<[Connection]> {
        self.0.ways.read().connections.clone()
    }

    /// Other channels and accounts from now on.
    pub fn set_ways(&self, channels: Vec<Channel>, connections: Vec<Connection>) {
        *self.0.ways.write() = Ways { channels: channels.into(), connections: connections.into() };
        // A connection may lead to another account now.
        self.0.choices.clear();
        self.0.availability.clear();
    }

    /// What the connector of an account says about itself; none while it is not loaded.
    pub fn manifest(&self, connection: &ConnectionId) -> Option<Arc<Manifest>> {
        self.0.parts.connectors.manifest(connection)
    }

    /// Where chats may go at this moment.
    pub fn targets(&self) -> Targets {
        let parts = &self.0.parts;
        let mut targets =
            Targets { plan: Some(parts.plan), lowest: parts.lowest.clone(), ..Targets::default() };
        for connection in self.connections().iter() {
            match parts.connectors.manifest(&connection.id) {
                Some(manifest) => targets.targets.push(Target {
                    connection: connection.id.clone(),
                    connector: connection.connector.clone(),
                    name: manifest.name.clone(),
                    routes: manifest.capabilities.routes.clone(),
                    settle_ms: manifest.capabilities.settle_ms,
                    speaks_after_transfer: manifest.capabilities.speaks_after_transfer,
                }),
                None => targets.missing.push(connection.connector.clone()),
            }
        }
        targets
    }

    /// Changes whenever something new is to be shown in a conversation.
    pub fn watch(&self, conversation: &handoff_model::ConversationId) -> Receiver<u64> {
        self.0.watchers.watch(conversation)
    }
}
