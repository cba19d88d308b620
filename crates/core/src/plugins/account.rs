//! One connection as its connector's lane sees it: settings, secrets, grants, and the calls under way.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use handoff_model::{ConnectionId, ConnectorId, Route, connector::Manifest};
use parking_lot::Mutex;

use super::{
    ConnectionSetup,
    capability::{
        http::{
            governor::{Class, Governor},
            grant::{self, Grant},
        },
        measure::Measures,
    },
    report::ConnectionStatus,
    secrets::Secrets,
    settings,
};
use crate::world::Checkpoints;

/// Where the checkpoints of a call go; none when it takes none.
pub(super) type Sink = Option<Arc<dyn Checkpoints>>;

/// A call under way, as the host sees it.
#[derive(Clone)]
pub(super) struct UnderWay {
    pub(super) sink: Sink,
    /// What its requests are for.
    pub(super) class: Class,
}

/// What a connection shares with the generations before and after.
#[derive(Clone)]
pub(super) struct Lasting {
    /// Lets its requests go.
    pub(super) governor: Arc<Governor>,
    /// What its connector counts.
    pub(super) measures: Measures,
}

/// A configured account.
pub(super) struct Account {
    pub(super) id: ConnectionId,
    pub(super) connector: ConnectorId,
    /// Settings as JSON.
    pub(super) settings: Vec<u8>,
    pub(super) secrets: Secrets,
    pub(super) grants: Vec<Grant>,
    /// What the manifest asks of its host.
    pub(super) requires: Vec<String>,
    pub(super) lasting: Lasting,
    /// The manifest without the routes for which this account lacks a secret; none when it lacks none.
    pub(super) narrowed: Option<Arc<Manifest>>,
    /// What is wrong with the configuration.
    problems: Vec<String>,
    birth: Mutex<Birth>,
    open: Mutex<HashMap<String, UnderWay>>,
    calls: AtomicU64,
}

/// How the making of the connector went.
enum Birth {
    Ahead,
    UnderWay,
    Done,
    Refused(String),
    Hung,
}

impl Account {
    /// Checks a connection's set-up against what its connector wants.
    pub(super) fn new(setup: &ConnectionSetup, manifest: &Manifest, lasting: Lasting) -> Self {
        let names: Vec<_> = manifest.secrets.iter().map(|secret| secret.name.as_str()).collect();
        let secrets = Secrets::only(&setup.secrets, &names);
        let mut problems = settings::problems(&manifest.settings, &setup.settings);
        let needed = manifest
            .secrets
            .iter()
            .filter(|secret| !secret.optional && secrets.expose(&secret.name).is_none());
        problems
            .extend(needed.map(|secret| format!("the secret {} ({}) is missing", secret.name, secret.title)));
        let narrowed = narrowed(manifest, &secrets);
        Self {
            id: setup.id.clone(),
            connector: setup.connector.clone(),
            settings: setup.settings.to_string().into_bytes(),
            secrets,
            grants: grant::resolve(&manifest.hosts, &setup.settings),
            requires: manifest.requires.clone(),
            lasting,
            narrowed,
            problems,
            birth: Mutex::new(Birth::Ahead),
            open: Mutex::default(),
            calls: AtomicU64::new(0),
        }
    }

    /// Everything that keeps the connection from working.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = self.problems.clone();
        match &*self.birth.lock() {
            Birth::Refused(problem) => problems.push(problem.clone()),
            Birth::Hung => problems
                .push("the connector hung while it was made; restart the server to try again".to_owned()),
            Birth::Ahead | Birth::UnderWay | Birth::Done => {}
        }
        problems
    }

    pub(super) fn status(&self) -> ConnectionStatus {
        ConnectionStatus { id: self.id.clone(), connector: self.connector.clone(), problems: self.problems() }
    }

    /// A connector is about to be made; false when that cannot work.
    pub(super) fn begin_birth(&self) -> bool {
        let mut birth = self.birth.lock();
        let possible = self.problems.is_empty() && !matches!(*birth, Birth::Hung);
        if possible {
            *birth = Birth::UnderWay;
        }
        possible
    }

    /// The connector was made, or was not.
    pub(super) fn end_birth(&self, problem: Option<&str>) {
        let mut birth = self.birth.lock();
        if !matches!(*birth, Birth::Hung) {
            *birth = problem.map_or(Birth::Done, |problem| Birth::Refused(self.secrets.redact(problem)));
        }
    }

    /// The lane hangs. If it is this connector that it was making, it must not be made again.
    pub(super) fn lane_hangs(&self) {
        let mut birth = self.birth.lock();
        if matches!(*birth, Birth::UnderWay) {
            *birth = Birth::Hung;
        }
    }

    /// Opens a call; until it is closed, the connector may ask things of the host in its name.
    pub(super) fn begin(self: &Arc<Self>, verb: &str, sink: Sink) -> OpenCall {
        let id = format!("c{}", self.calls.fetch_add(1, Ordering::Relaxed));
        self.open.lock().insert(id.clone(), UnderWay { sink, class: Class::of(verb) });
        OpenCall { account: self.clone(), id }
    }

    /// A call under way; none when it is over.
    pub(super) fn under_way(&self, call: &str) -> Option<UnderWay> {
        self.open.lock().get(call).cloned()
    }
}

/// The manifest without routes that need a secret which is not set.
fn narrowed(manifest: &Manifest, secrets: &Secrets) -> Option<Arc<Manifest>> {
    let open = |route: &Route| {
        let mut needed = manifest.capabilities.route_secrets.get(route).into_iter().flatten();
        needed.all(|name| secrets.expose(name).is_some())
    };
    if manifest.capabilities.routes.iter().all(open) {
        return None;
    }
    let mut narrowed = manifest.clone();
    narrowed.capabilities.routes.retain(open);
    Some(Arc::new(narrowed))
}

/// A call under way. Over when this is dropped.
pub(super) struct OpenCall {
    account: Arc<Account>,
    id: String,
}

impl OpenCall {
    /// The name of the call, for the connector.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.account.open.lock().remove(&self.id);
    }
}
