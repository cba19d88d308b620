//! The connectors of a server: which files brought them and which connections they serve.

use std::{
    sync::{Arc, Weak, mpsc},
    thread,
    time::{Duration, Instant},
};

use futures::future::BoxFuture;
use handoff_model::{ConnectionId, connector::Manifest};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use parking_lot::RwLock;
use serde_json::Value;
use tokio::sync::{oneshot, watch};
use tracing::{error, warn};

use super::{
    ConnectionSetup, Options, World,
    account::{Account, Lasting},
    capability::{
        http::governor::Governor,
        measure::{Measure, Measures},
    },
    keeper::{Keeper, Sight},
    report::{ConnectionStatus, ConnectorStatus, FileReport},
    serving::Serving,
    table::{Route, Table},
};
use crate::world::{Call, CallError, Connectors};

/// Longest time between two looks at the lanes.
const TICK: Duration = Duration::from_millis(50);
/// A folder that does not tell of changes is looked through this often.
const LOOK: Duration = Duration::from_secs(1);
/// A folder is at rest when nothing changed for this long: a file that is being copied is left alone.
const REST: Duration = Duration::from_millis(250);
/// How long a restless folder is waited for; whatever is whole by then is used.
const PATIENCE: Duration = Duration::from_secs(5);

/// The plugin files of a folder, opened, and the connections that they serve.
pub struct Registry {
    report: Arc<RwLock<Vec<FileReport>>>,
    table: Arc<RwLock<Arc<Table>>>,
    changes: watch::Sender<u64>,
    measures: Measures,
    /// Where the one that replaces connectors hears of news; none while nothing is followed.
    news: Option<mpsc::Sender<News>>,
    options: Options,
    world: World,
}

/// What the one that replaces connectors is told.
enum News {
    /// Something happened in a folder.
    Folder,
    /// These are the connections from now on.
    Connections(Vec<ConnectionSetup>, oneshot::Sender<()>),
}

impl Registry {
    /// Opens what can be opened and starts it. Whatever is wrong with a file or a connection is in
    /// [`report`](Self::report) and [`connections`](Self::connections), and keeps nobody else from
    /// working. Blocks while connectors are made, so call it at the start. With `options.follow` it goes on
    /// to follow what happens in the folder.
    pub fn open(options: &Options, connections: Vec<ConnectionSetup>, world: World) -> Self {
        let mut keeper = Keeper::new(options, connections, world.clone());
        let sight = keeper.look();
        keeper.apply(&sight);
        let mut registry = Self::of(&keeper, options, world);
        if options.follow {
            let (tell, told) = mpsc::channel();
            follow(keeper, sight, registry.changes.clone(), (tell.clone(), told));
            registry.news = Some(tell);
        }
        registry
    }

    /// Serves these connections from now on, beside calls under way, which go on to their end. Returns when they are
    /// served.
    ///
    /// # Errors
    /// When this registry follows nothing, or its thread has ended.
    pub async fn set_connections(&self, connections: Vec<ConnectionSetup>) -> Result<(), String> {
        let gone = || "the connectors of this process cannot be changed; restart the server".to_owned();
        let (done, applied) = oneshot::channel();
        let news = self.news.as_ref().ok_or_else(gone)?;
        news.send(News::Connections(connections, done)).map_err(|_| gone())?;
        applied.await.map_err(|_| gone())
    }

    /// What would keep a connection from working, asked of the connector that serves now. Nothing is changed. Blocks
    /// while the connector is made.
    pub fn try_connection(&self, setup: &ConnectionSetup) -> Vec<String> {
        let table = self.table.read().clone();
        let serving = table.connectors.iter().find(|serving| serving.image().manifest.id == setup.connector);
        let Some(image) = serving.map(|serving| serving.image().clone()) else {
            return vec![format!("no loaded plugin brings the connector {}", setup.connector)];
        };
        let governor = Governor::new(setup.id.clone(), setup.quota, self.world.clock.clone());
        let lasting = Lasting { governor: Arc::new(governor), measures: Measures::default() };
        let account = Arc::new(Account::new(setup, &image.manifest, lasting));
        if !account.problems().is_empty() {
            return account.problems();
        }
        let world = self.world.clone();
        let (_trial, ready) = Serving::start(image, vec![account.clone()], &self.options, world, 0, None);
        match ready.recv_timeout(self.options.limits.hangs_after) {
            Ok(()) => account.problems(),
            Err(_) => vec!["the connector hung while it was made".to_owned()],
        }
    }

    /// What connectors that serve say about themselves, by id.
    pub fn manifests(&self) -> Vec<Arc<Manifest>> {
        self.table.read().connectors.iter().map(|serving| serving.manifest().clone()).collect()
    }

    /// What became of every file of the folder.
    pub fn report(&self) -> Vec<FileReport> {
        self.report.read().clone()
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

    /// What connectors count and measure.
    pub fn measures(&self) -> Vec<Measure> {
        self.measures.all()
    }

    /// Changes whenever another file serves.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(super) fn of(keeper: &Keeper, options: &Options, world: World) -> Self {
        let registry = Self {
            report: keeper.report.clone(),
            table: keeper.table.clone(),
            changes: watch::Sender::new(0),
            measures: keeper.measures.clone(),
            news: None,
            options: options.clone(),
            world,
        };
        let weak = Arc::downgrade(&registry.table);
        let tick = TICK.min(options.limits.hangs_after / 4).max(Duration::from_millis(1));
        // Without the watch everything works but the recovery from a connector that hangs.
        let watch = move || tend(&weak, tick);
        if let Err(error) = thread::Builder::new().name("connector-watch".into()).spawn(watch) {
            error!("No thread to watch the connectors: {error}");
        }
        registry.connections().iter().for_each(log_problems);
        registry
    }

    /// A registry over a plugin that is part of this program.
    #[cfg(test)]
    pub(super) fn start(
        images: Vec<super::load::Image>,
        connections: Vec<ConnectionSetup>,
        options: &Options,
        world: World,
    ) -> Self {
        let mut keeper = Keeper::new(options, connections, world.clone());
        keeper.publish_linked(images);
        Self::of(&keeper, options, world)
    }
}

impl Connectors for Registry {
    fn call(&self, connection: &ConnectionId, call: Call) -> BoxFuture<'_, Result<Value, CallError>> {
        let table = self.table.read().clone();
        let connection = connection.clone();
        Box::pin(async move {
            match table.routes.get(&connection) {
                Some(Route::To(serving, account)) => {
                    let (serving, account) = (serving.clone(), account.clone());
                    // The call keeps its own generation alive, and no other.
                    drop(table);
                    serving.call(&account, call).await
                }
                Some(Route::Nowhere(status)) => Err(CallError::NotBegun(status.problems.join("; "))),
                None => Err(CallError::NotBegun(format!("there is no connection {connection}"))),
            }
        })
    }

    fn manifest(&self, connection: &ConnectionId) -> Option<Arc<Manifest>> {
        match self.table.read().routes.get(connection)? {
            Route::To(serving, account) => {
                Some(account.narrowed.clone().unwrap_or_else(|| serving.manifest().clone()))
            }
            Route::Nowhere(_) => None,
        }
    }
}

/// Follows the folder for as long as there is a registry.
fn follow(
    mut keeper: Keeper,
    seen: Sight,
    changes: watch::Sender<u64>,
    (tell, told): (mpsc::Sender<News>, mpsc::Receiver<News>),
) {
    let work = move || {
        let mut watcher = watcher(tell);
        let table = Arc::downgrade(&keeper.table);
        let mut applied = seen;
        while table.strong_count() > 1 {
            watch_places(&mut watcher, &keeper);
            // Whether something was told or not, looking is cheap and sure.
            if let Ok(News::Connections(connections, done)) = told.recv_timeout(LOOK) {
                keeper.connect(connections, &applied);
                changes.send_modify(|number| *number += 1);
                // Whoever asked may have gone.
                let _ = done.send(());
            }
            let failed = keeper.failed();
            for (id, sha256, reason) in &failed {
                keeper.set_back(id, sha256, reason);
            }
            let sight = keeper.look();
            if sight == applied && failed.is_empty() {
                continue;
            }
            applied = if failed.is_empty() { at_rest(&keeper, sight) } else { sight };
            keeper.apply(&applied);
            changes.send_modify(|number| *number += 1);
        }
    };
    if let Err(error) = thread::Builder::new().name("plugin-folder".into()).spawn(work) {
        error!("No thread to follow the plugin folder, so changes there need a restart: {error}");
    }
}

fn watcher(tell: mpsc::Sender<News>) -> Option<RecommendedWatcher> {
    let made = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Looking through the folder is an access too, and no news.
        if event.is_ok_and(|event| !matches!(event.kind, notify::EventKind::Access(_))) {
            let _ = tell.send(News::Folder);
        }
    });
    made.inspect_err(|error| {
        warn!("The plugin folder cannot be watched and is looked through instead: {error}")
    })
    .ok()
}

/// Folders may come and go, and be others under the same name; watching one again does no harm.
fn watch_places(watcher: &mut Option<RecommendedWatcher>, keeper: &Keeper) {
    for place in keeper.places() {
        if let Some(watcher) = watcher {
            // A folder that is not there is found by looking.
            let _ = watcher.watch(&place, RecursiveMode::NonRecursive);
        }
    }
}

/// Waits until nothing changes any more.
fn at_rest(keeper: &Keeper, mut sight: Sight) -> Sight {
    let until = Instant::now() + PATIENCE;
    loop {
        thread::sleep(REST);
        let next = keeper.look();
        if next == sight || Instant::now() > until {
            return next;
        }
        sight = next;
    }
}

/// Looks after the lanes for as long as there is a registry.
fn tend(table: &Weak<RwLock<Arc<Table>>>, tick: Duration) {
    let mut last = Instant::now();
    loop {
        thread::sleep(tick);
        let Some(table) = table.upgrade() else { return };
        // When this thread itself was held up, so was everybody else.
        let passed = last.elapsed().min(tick * 4);
        last = Instant::now();
        let table = table.read().clone();
        table.connectors.iter().for_each(|serving| serving.tend(passed));
        table.draining.iter().filter_map(Weak::upgrade).for_each(|serving| serving.tend(passed));
    }
}

fn log_problems(connection: &ConnectionStatus) {
    let ConnectionStatus { id, connector, problems } = connection;
    for problem in problems {
        warn!(connection = %id, %connector, "Connection {id} cannot be used: {problem}");
    }
}
