//! The connectors of a server: which files brought them and which connections they serve.

use std::{
    collections::HashMap,
    sync::{Arc, Weak, mpsc as ready},
    thread,
    time::{Duration, Instant},
};

use futures::future::BoxFuture;
use handoff_model::{ConnectionId, connector::Manifest};
use parking_lot::RwLock;
use serde_json::Value;
use tracing::{error, info, warn};

use super::{
    ConnectionSetup, Options, World,
    account::Account,
    folder,
    load::Image,
    report::{ConnectionStatus, ConnectorStatus, FileReport, FileState},
    serving::Serving,
};
use crate::world::{Call, CallError, Connectors};

/// Longest time between two looks at the lanes.
const TICK: Duration = Duration::from_millis(50);

/// The plugin files of a folder, opened, and the connections that they serve.
pub struct Registry {
    report: Vec<FileReport>,
    table: Arc<RwLock<Arc<Table>>>,
}

/// Who serves what. Replaced as a whole, so that every call sees one state of it.
struct Table {
    connectors: Vec<Arc<Serving>>,
    routes: HashMap<ConnectionId, Route>,
}

/// Where the calls of a connection go.
enum Route {
    To(Arc<Serving>, Arc<Account>),
    Nowhere(ConnectionStatus),
}

impl Registry {
    /// Opens what can be opened and starts it. Whatever is wrong with a file or a connection is in
    /// [`report`](Self::report) and [`connections`](Self::connections), and keeps nobody else from
    /// working. Blocks while connectors are made, so call it at the start.
    pub fn open(options: &Options, connections: Vec<ConnectionSetup>, world: World) -> Self {
        let (images, report) = folder::gather(&options.folder, &options.vault);
        report.iter().for_each(log);
        Self::start(images, report, connections, options, world)
    }

    /// What became of every file of the folder.
    pub fn report(&self) -> Vec<FileReport> {
        self.report.clone()
    }

    /// How the connectors are doing.
    pub fn status(&self) -> Vec<ConnectorStatus> {
        self.table.read().connectors.iter().map(|serving| serving.status()).collect()
    }

    /// What keeps connections from working, also those whose connector is not there; by id.
    pub fn connections(&self) -> Vec<ConnectionStatus> {
        let table = self.table.read().clone();
        let mut connections: Vec<_> = table
            .routes
            .values()
            .map(|route| match route {
                Route::To(_, account) => account.status(),
                Route::Nowhere(status) => status.clone(),
            })
            .collect();
        connections.sort_by(|one, other| one.id.cmp(&other.id));
        connections
    }

    pub(super) fn start(
        images: Vec<Image>,
        report: Vec<FileReport>,
        connections: Vec<ConnectionSetup>,
        options: &Options,
        world: World,
    ) -> Self {
        let (table, ready) = table(images, connections, options, &world);
        let table = Arc::new(RwLock::new(Arc::new(table)));
        let weak = Arc::downgrade(&table);
        let tick = TICK.min(options.limits.hangs_after / 4).max(Duration::from_millis(1));
        // Without the watch everything works but the recovery from a connector that hangs.
        if let Err(error) =
            thread::Builder::new().name("connector-watch".into()).spawn(move || watch(&weak, tick))
        {
            error!("No thread to watch the connectors: {error}");
        }
        let deadline = Instant::now() + options.limits.hangs_after;
        for ready in ready {
            // One that is not ready by then will be found hanging by the watch.
            let _ = ready.recv_timeout(deadline.saturating_duration_since(Instant::now()));
        }
        let registry = Self { report, table };
        registry.connections().iter().for_each(log_problems);
        registry
    }
}

impl Connectors for Registry {
    fn call(&self, connection: &ConnectionId, call: Call) -> BoxFuture<'_, Result<Value, CallError>> {
        let table = self.table.read().clone();
        let connection = connection.clone();
        Box::pin(async move {
            match table.routes.get(&connection) {
                Some(Route::To(serving, account)) => serving.call(account, call).await,
                Some(Route::Nowhere(status)) => Err(CallError::NotBegun(status.problems.join("; "))),
                None => Err(CallError::NotBegun(format!("there is no connection {connection}"))),
            }
        })
    }

    fn manifest(&self, connection: &ConnectionId) -> Option<Arc<Manifest>> {
        match self.table.read().routes.get(connection)? {
            Route::To(serving, _) => Some(serving.manifest().clone()),
            Route::Nowhere(_) => None,
        }
    }
}

fn table(
    images: Vec<Image>,
    connections: Vec<ConnectionSetup>,
    options: &Options,
    world: &World,
) -> (Table, Vec<ready::Receiver<()>>) {
    let mut setups = HashMap::new();
    for setup in connections {
        if let Some(other) = setups.insert(setup.id.clone(), setup) {
            error!(connection = %other.id, "Connection {} is configured twice; the last one counts", other.id);
        }
    }
    let (mut routes, mut connectors, mut waits) = (HashMap::new(), Vec::new(), Vec::new());
    for image in images {
        let ours = setups.extract_if(|_, setup| setup.connector == image.manifest.id);
        let mut accounts: Vec<_> =
            ours.map(|(_, setup)| Arc::new(Account::new(&setup, &image.manifest))).collect();
        accounts.sort_by(|one, other| one.id.cmp(&other.id));
        let (serving, ready) = Serving::start(image, accounts.clone(), options, world.clone());
        routes.extend(
            accounts.into_iter().map(|account| (account.id.clone(), Route::To(serving.clone(), account))),
        );
        connectors.push(serving);
        waits.push(ready);
    }
    routes.extend(setups.into_iter().map(|(id, setup)| (id, nowhere(&setup))));
    (Table { connectors, routes }, waits)
}

fn nowhere(setup: &ConnectionSetup) -> Route {
    let problem =
        format!("no loaded plugin brings the connector {}; see the report on plugin files", setup.connector);
    Route::Nowhere(ConnectionStatus {
        id: setup.id.clone(),
        connector: setup.connector.clone(),
        problems: vec![problem],
    })
}

/// Looks after the lanes for as long as there is a registry.
fn watch(table: &Weak<RwLock<Arc<Table>>>, tick: Duration) {
    let mut last = Instant::now();
    loop {
        thread::sleep(tick);
        let Some(table) = table.upgrade() else { return };
        // When this thread itself was held up, so was everybody else.
        let passed = last.elapsed().min(tick * 4);
        last = Instant::now();
        let table = table.read().clone();
        table.connectors.iter().for_each(|serving| serving.tend(passed));
    }
}

fn log(report: &FileReport) {
    match &report.state {
        FileState::Loaded => info!(file = report.file, sha256 = report.sha256, "Plugin {report}"),
        FileState::Refused(_) => error!(file = report.file, sha256 = report.sha256, "Plugin {report}"),
        FileState::Ignored { .. } => info!(file = report.file, "Plugin folder: {report}"),
    }
}

fn log_problems(connection: &ConnectionStatus) {
    let ConnectionStatus { id, connector, problems } = connection;
    for problem in problems {
        warn!(connection = %id, %connector, "Connection {id} cannot be used: {problem}");
    }
}
