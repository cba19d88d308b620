//! The server's processes: started, stopped, killed, and started anew on the same rows.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use futures::future::BoxFuture;
use handoff_core::{
    plugins::World,
    runtime::{Channel, ChannelKind, Connection, Parts, Runtime},
    store::Outbox,
    world::{Blob, Blobs, Call, Clock, Connectors, NotKept, Pieces, Seal},
};
use handoff_model::{
    AssistantId, ChannelId, ConnectionId, ConnectorId, ConversationId, Plan as Paid,
    connector::{Install, Receive},
};
use handoff_simulators::deliveries::Parcel;
use parking_lot::Mutex;
use serde_json::json;

use crate::{
    Flaw,
    chance::Dice,
    desk::Desk,
    network::Network,
    plan::Route,
    power::{Power, Standing},
    rows::{Disk, Rows},
    story::Story,
    switchboard::Switchboard,
    time::Time,
};

/// Where our webhooks are.
pub(crate) const SERVER: &str = "https://server.example";
/// The channel on which visitors chat.
pub(crate) const WEB: &str = "web";
/// Pause between two attempts to set a connection up.
const INSTALL_AGAIN: Duration = Duration::from_secs(10);
/// Longest time for one.
const INSTALLING: Duration = Duration::from_secs(60);

/// All processes of a run. Clones are the same ones.
#[derive(Clone)]
pub(crate) struct Cluster(Arc<Inner>);

struct Inner {
    disk: Disk,
    desk: Desk,
    network: Network,
    time: Time,
    dice: Dice,
    story: Story,
    nodes: Mutex<BTreeMap<usize, Node>>,
    alone: bool,
}

/// One process.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) runtime: Runtime,
    pub(crate) power: Power,
    pub(crate) connectors: Arc<Switchboard>,
}

impl Cluster {
    pub(crate) fn new(disk: Disk, desk: Desk, network: Network, time: Time, alone: bool) -> Self {
        let (dice, story, nodes) = (network.dice.clone(), network.story.clone(), Mutex::default());
        Self(Arc::new(Inner { disk, desk, network, time, dice, story, nodes, alone }))
    }

    /// Starts a process on the rows as they are, on a plan that the workspace pays for.
    pub(crate) async fn start(&self, number: usize, paid: Paid) -> Result<()> {
        let inner = &self.0;
        inner.story.tell(format_args!("node {number} starts on plan {paid}"));
        let power = Power::on();
        let rows = Arc::new(Rows { disk: inner.disk.clone(), power: power.clone() });
        let clock: Arc<dyn Clock> = Arc::new(inner.time.clone());
        let blobs: Arc<dyn Blobs> = Arc::new(NoFiles);
        let world = World { clock: clock.clone(), keep: rows.clone(), blobs: blobs.clone() };
        let connectors = Switchboard::new(&inner.desk, &inner.network, &power, world, inner.disk.flaw)?;
        let connectors = Arc::new(connectors);
        let (channels, connections) = (channels(&inner.desk), vec![connection(&inner.desk)]);
        let runtime = Runtime::new(Parts {
            store: rows.clone(),
            connectors: connectors.clone(),
            clock,
            chance: Arc::new(inner.dice.clone()),
            seal: Arc::new(Veil { transparent: inner.disk.flaw == Some(Flaw::Unsealed) }),
            blobs,
            channels,
            connections,
            plan: paid,
            lowest: BTreeMap::from([(ConnectorId::new(inner.desk.id()), Paid::Total)]),
            lives: inner.disk.memory.lives(),
        });
        let node = Node { runtime: runtime.clone(), power, connectors: connectors.clone() };
        inner.nodes.lock().insert(number, node);
        let alone = inner.alone;
        tokio::spawn(async move {
            // Whoever is alone on the database knows that nobody holds anything any more.
            while alone && rows.release_all().await.is_err() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            runtime.run().await;
        });
        tokio::spawn(set_up(connectors, inner.desk.id()));
        Ok(())
    }

    /// How often a backup was put back.
    pub(crate) fn life(&self) -> u64 {
        self.0.disk.auditor.life()
    }

    /// Whether a backup was put back that knows nothing of a handoff of this chat.
    pub(crate) fn forgot(&self, conversation: &ConversationId) -> bool {
        self.life() > 0 && self.0.disk.auditor.handoffs_of(conversation).is_empty()
    }

    pub(crate) fn node(&self, number: usize) -> Option<Node> {
        self.0.nodes.lock().get(&number).cloned()
    }

    /// A process that runs, any of them.
    pub(crate) fn running(&self) -> Option<Node> {
        let nodes: Vec<Node> =
            self.0.nodes.lock().values().filter(|node| node.power.is_running()).cloned().collect();
        if nodes.is_empty() { None } else { Some(self.0.dice.pick(&nodes)) }
    }

    /// Everything runs.
    pub(crate) async fn calm(&self, nodes: usize) -> Result<()> {
        for number in 0..nodes {
            let node = self.node(number).context("a node that was never started")?;
            node.power.set(Standing::Running);
            // One that was on its way to die shall have died.
            if !node.power.is_running() || node.runtime.targets().plan != Some(Paid::Enterprise) {
                node.power.set(Standing::Dead);
                self.start(number, Paid::Enterprise).await?;
            } else {
                node.power.light_fuse(u64::MAX);
            }
        }
        Ok(())
    }

    /// Takes a webhook request of the platform; gives the status of the answer.
    pub(crate) async fn receive(&self, parcel: Parcel) -> Result<u16, String> {
        let node = self.running().ok_or_else(|| "connection refused".to_owned())?;
        let path = parcel.target.strip_prefix(SERVER).unwrap_or(&parcel.target);
        let rest = path.strip_prefix("/webhooks/").ok_or_else(|| "no such address".to_owned())?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (connection, path) = path.split_once('/').unwrap_or((path, ""));
        let headers = parcel.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone()));
        let mut headers: BTreeMap<String, String> = headers.collect();
        headers.insert("content-type".to_owned(), parcel.content_type.to_owned());
        let request = Receive {
            method: "POST".to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: parcel.body,
            at: self.0.time.now(),
        };
        let connection = ConnectionId::new(connection);
        node.power.gate().await;
        // A turn goes on to its end, also when nobody waits for the answer.
        let turn = tokio::spawn(async move { node.runtime.webhook(&connection, request).await });
        match turn.await.map_err(|error| error.to_string())? {
            Ok((status, _)) => Ok(status),
            Err(error) => Ok(error.status()),
        }
    }
}

fn channels(desk: &Desk) -> Vec<Channel> {
    let channel = |id: &str, kind, assistant: &str| Channel {
        id: ChannelId::new(id),
        kind,
        assistant: Some(AssistantId::new(assistant)),
    };
    match desk.route {
        Route::Line => {
            let home = ConnectionId::new(desk.id());
            vec![channel(desk.id(), ChannelKind::Connection(home), "line")]
        }
        Route::Zendesk | Route::OpenChannel => vec![channel(WEB, ChannelKind::Webchat, "support")],
    }
}

fn connection(desk: &Desk) -> Connection {
    Connection { id: ConnectionId::new(desk.id()), connector: ConnectorId::new(desk.id()) }
}

/// Sets the account up on its platform, until that works.
async fn set_up(connectors: Arc<Switchboard>, id: &'static str) {
    loop {
        let webhook_url = format!("{SERVER}/webhooks/{id}");
        let install = json!(Install { webhook_url, ..Install::default() });
        let call = Call { verb: "install", request: install, deadline: INSTALLING, checkpoints: None };
        if connectors.call(&ConnectionId::new(id), call).await.is_ok() {
            return;
        }
        tokio::time::sleep(INSTALL_AGAIN).await;
    }
}

/// Nobody sends files here.
struct NoFiles;

impl Blobs for NoFiles {
    fn write<'a>(&'a self, _: String, _: Pieces<'a>) -> BoxFuture<'a, Result<String, NotKept>> {
        Box::pin(async { Err(NotKept::Unavailable("no files are kept here".to_owned())) })
    }

    fn read(&self, _: &str) -> BoxFuture<'_, Result<Option<Blob>, String>> {
        Box::pin(async { Ok(None) })
    }
}

/// Hides what is sealed from a search for plain words; it needs to withstand nobody else.
struct Veil {
    transparent: bool,
}

impl Veil {
    fn turn(&self, bytes: &[u8]) -> Vec<u8> {
        // No text is a text any more when every bit is turned.
        let mask = if self.transparent { 0 } else { 0xff };
        bytes.iter().map(|byte| byte ^ mask).collect()
    }
}

impl Seal for Veil {
    fn seal(&self, plain: &[u8]) -> Vec<u8> {
        self.turn(plain)
    }

    fn unseal(&self, sealed: &[u8]) -> Result<Vec<u8>, String> {
        Ok(self.turn(sealed))
    }
}
