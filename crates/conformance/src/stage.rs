//! The connector in the server's own registry, with a fresh connection for every case.

use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use handoff_core::{
    plugins::{
        ConnectionSetup, ConnectorStatus, Inspection, Limits, Mode, Modes, Options, Policy, Registry, Trust,
    },
    world::{Call, CallError, Connectors},
};
use handoff_model::{
    ConnectionId,
    connector::{Manifest, Quota},
};
use secrecy::SecretString;
use serde_json::Value;

use crate::{
    Failure, Promise,
    front::Front,
    log,
    mask::Masks,
    outside::{DEADLINE, Outside},
    scenario::Platform,
    scene::Scene,
};

/// Connections that are made ready at once.
const AT_ONCE: usize = 24;

/// What the kit goes by.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    /// The plugin file.
    pub(crate) file: PathBuf,
    /// The file of the version before, to upgrade from.
    pub(crate) before: Option<PathBuf>,
    /// The program that runs workers.
    pub(crate) program: PathBuf,
    /// How long a connector may take for an answer, as people's clocks go.
    pub(crate) patience: Duration,
    /// How long it may keep its thread before it counts as hanging.
    pub(crate) hangs_after: Duration,
}

/// A plugin file at work in one mode.
pub(crate) struct House {
    pub(crate) mode: Mode,
    pub(crate) terms: Terms,
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) outside: Arc<Outside>,
    pub(crate) masks: Arc<Masks>,
    /// How the names of its connections begin, and of no others.
    name: String,
    secrets: BTreeMap<String, String>,
    pub(crate) place: PathBuf,
    rooms: Vec<Arc<Registry>>,
    /// Connections that the case at hand uses.
    pub(crate) used: Vec<(ConnectionId, Arc<Scene>)>,
    /// How often the kit itself ended the connector's process.
    pub(crate) kills: u64,
    ready: VecDeque<Room>,
}

/// A connection that nobody has used.
pub(crate) struct Room {
    registry: Arc<Registry>,
    front: Front,
    id: ConnectionId,
}

/// One connection and its surroundings, for one case.
pub(crate) struct Stage {
    registry: Arc<Registry>,
    pub(crate) scene: Arc<Scene>,
    front: Front,
    pub(crate) id: ConnectionId,
    patience: Duration,
}

/// The answer of a call, or why there is none.
#[derive(Debug, Clone)]
pub(crate) enum Trouble {
    /// As the server sees it.
    Call(CallError),
    /// None came within the kit's patience.
    Silent,
}

impl House {
    pub(crate) fn new(
        mode: Mode,
        terms: &Terms,
        inspection: &Inspection,
        secrets: BTreeMap<String, String>,
        place: &Path,
    ) -> Self {
        Self {
            mode,
            terms: terms.clone(),
            manifest: inspection.manifest.clone(),
            outside: Outside::new(),
            masks: Arc::new(Masks::of(&secrets)),
            name: format!("kit-{}-", fresh()),
            secrets,
            place: place.to_owned(),
            rooms: Vec::new(),
            used: Vec::new(),
            kills: 0,
            ready: VecDeque::new(),
        }
    }

    /// Where the private copies of plugin files are.
    pub(crate) fn vault(&self) -> PathBuf {
        self.place.join("vault")
    }

    pub(crate) fn options(&self) -> Options {
        Options {
            folder: self.place.join("plugins"),
            vault: self.vault(),
            allow_loopback_http: true,
            // Nothing is in a hurry here, and there are many registries.
            limits: Limits { hangs_after: self.terms.hangs_after, standby: false, ..Limits::default() },
            trust: Trust { policy: Policy::Any, ..Trust::default() },
            program: Some(self.terms.program.clone()),
            modes: Modes { others: Some(self.mode), of: BTreeMap::new() },
            follow: false,
        }
    }

    /// A registry with these connections. Blocks until their connectors are made.
    pub(crate) fn open(&self, connections: Vec<ConnectionSetup>) -> Arc<Registry> {
        self.open_with(&self.options(), connections)
    }

    fn open_with(&self, options: &Options, connections: Vec<ConnectionSetup>) -> Arc<Registry> {
        let world = self.outside.world();
        Arc::new(tokio::task::block_in_place(|| Registry::open(options, connections, world)))
    }

    /// A connection of this name with these settings.
    pub(crate) fn connection(&self, settings: Value) -> ConnectionSetup {
        let secrets = self
            .secrets
            .iter()
            .map(|(name, value)| (name.clone(), SecretString::from(value.clone())))
            .collect();
        let connector = self.manifest.id.clone();
        // What is tried is the connector, not the patience of the server with a platform.
        let quota = Some(Quota { per_second: 10_000.0, burst: 10_000, at_once: 1_000 });
        let id = ConnectionId::new(format!("{}{}", self.name, fresh()));
        ConnectionSetup { id, connector, settings, secrets, quota }
    }

    /// A fresh connection before this platform.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn stage(
        &mut self,
        settings: &(dyn Fn(&str) -> Value + Sync),
        platform: Arc<dyn Platform>,
    ) -> Result<Stage, Failure> {
        if self.ready.is_empty() {
            self.build(settings).await?;
        }
        let room =
            self.ready.pop_front().ok_or_else(|| Failure::new(Promise::P7, "no connection was made"))?;
        Ok(self.occupy(room, platform))
    }

    /// A connection before this platform.
    pub(crate) fn occupy(&self, room: Room, platform: Arc<dyn Platform>) -> Stage {
        let scene = Arc::new(Scene::new(platform, self.masks.clone()));
        room.front.show(&scene);
        self.outside.show(&room.id, &scene);
        let Room { registry, front, id } = room;
        Stage { registry, scene, front, id, patience: self.terms.patience }
    }

    async fn build(&mut self, settings: &(dyn Fn(&str) -> Value + Sync)) -> Result<(), Failure> {
        let rooms = self.rooms(&self.options(), settings, AT_ONCE).await?;
        self.ready.extend(rooms);
        Ok(())
    }

    /// So many connections of one more registry.
    pub(crate) async fn rooms(
        &mut self,
        options: &Options,
        settings: &(dyn Fn(&str) -> Value + Sync),
        count: usize,
    ) -> Result<Vec<Room>, Failure> {
        let mut fronts = Vec::new();
        for _ in 0..count {
            let front = Front::open(0).await;
            fronts.push(
                front
                    .map_err(|error| Failure::new(Promise::P7, format!("the kit cannot listen: {error}")))?,
            );
        }
        let setups: Vec<_> = fronts.iter().map(|front| self.connection(settings(&front.base))).collect();
        let ids: Vec<_> = setups.iter().map(|setup| setup.id.clone()).collect();
        let registry = self.open_with(options, setups);
        let problem = registry.connections().into_iter().find(|status| !status.problems.is_empty());
        if let Some(status) = problem {
            let text = format!("the connector was not made: {}", status.problems.join("; "));
            return Err(Failure::new(Promise::P7, self.masks.line(&text)));
        }
        let rooms = fronts.into_iter().zip(ids);
        let rooms = rooms.map(|(front, id)| Room { registry: registry.clone(), front, id }).collect();
        self.rooms.push(registry);
        Ok(rooms)
    }

    /// The registry that was opened last.
    pub(crate) fn latest(&self) -> Result<Arc<Registry>, Failure> {
        self.rooms.last().cloned().ok_or_else(|| Failure::new(Promise::P7, "nothing serves"))
    }

    /// Uses no connection any more that was made ready before.
    pub(crate) fn clear(&mut self) {
        self.ready.clear();
        self.rooms.clear();
    }

    /// How the connector is doing, in all registries of the house.
    pub(crate) fn status(&self) -> Vec<ConnectorStatus> {
        self.rooms.iter().flat_map(|registry| registry.status()).collect()
    }

    /// What was logged about the connector itself and about its connections, since the last time.
    pub(crate) fn log(&self) -> Vec<String> {
        let id = self.manifest.id.as_str();
        log::take(|about| about == id || about.starts_with(&self.name))
    }
}

impl Stage {
    /// The address at which the connector knows its platform.
    pub(crate) fn base(&self) -> &str {
        &self.front.base
    }

    /// Calls a verb, as the server would.
    pub(crate) async fn call(&self, verb: &'static str, request: Value) -> Result<Value, Trouble> {
        self.scene.note(format!("ask {verb} {request}"));
        let checkpoints = (verb == "transfer").then(|| self.scene.clone() as _);
        let call = Call { verb, request, deadline: DEADLINE, checkpoints };
        let waited = tokio::time::timeout(self.patience, self.registry.call(&self.id, call)).await;
        let answer = match waited {
            Ok(answer) => answer.map_err(Trouble::Call),
            Err(_) => Err(Trouble::Silent),
        };
        self.scene.answered(&answer);
        answer
    }

    /// Begins a call and drops it once the connector was stopped at a point where it waits for its host.
    /// The answer when it came before.
    pub(crate) async fn cut_short(
        &self,
        verb: &'static str,
        request: Value,
    ) -> Option<Result<Value, Trouble>> {
        tokio::select! {
            biased;
            answer = self.call(verb, request) => Some(answer),
            () = self.scene.until_stopped() => None,
        }
    }

    /// A failure with everything that was said.
    pub(crate) fn failure(&self, promise: Promise, text: impl AsRef<str>) -> Failure {
        let text = self.scene.masks.line(text.as_ref());
        Failure { exchange: self.scene.lines(), ..Failure::new(promise, text) }
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Call(error) => error.fmt(f),
            Self::Silent => write!(f, "none came in time"),
        }
    }
}

/// A number that nothing else in this process has.
pub(crate) fn fresh() -> u64 {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}
