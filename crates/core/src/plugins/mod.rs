//! Connectors from plugin files: looks at the files, opens them, and runs what they bring.
//!
//! A plugin file is a shared library within this process, or within a worker. In this process, checks, lanes
//! and capabilities keep an honest connector's mistakes from becoming the server's; they do not keep out a
//! hostile one, nor a crash in machine code. A worker does.
//!
//! Read [`Registry`] first, then `keeper`, which keeps what serves in step with the operators' folder.
//! `folder` looks through it, `inspect` reads a file without running it, `trust` says whose files are opened,
//! `vault` keeps the copy that is opened, `probe` tries it in a process of its own, `load` opens it.
//! `serving` has one connector at work on a `lane`, in this process or in a `worker`'s, and `capability` has what connectors can ask of the host.

mod account;
mod answer;
pub mod capability;
mod folder;
mod history;
mod host;
mod inspect;
mod keeper;
mod lane;
mod linked;
mod load;
mod probe;
mod quarantine;
mod registry;
mod rehearsal;
mod report;
mod secrets;
mod sentinel;
mod serving;
mod settings;
mod table;
mod trust;
mod vault;
mod worker;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use handoff_model::{ConnectionId, ConnectorId, connector::Quota};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::world::{Blobs, Clock, Keep};

pub use capability::http::Transport;
pub use capability::measure::{Measure, MeasureKind};
pub use history::{History, Served};
pub use inspect::{FEATURES, Inspection, MODEL, inspect};
pub use linked::{Linked, Make};
pub use probe::probe_here;
pub use quarantine::{Quarantine, Record, release, set_back};
pub use registry::Registry;
pub use rehearsal::{Growth, make_and_drop};
pub use report::{ConnectionStatus, ConnectorStatus, FileReport, FileState, LastError, Refusal, Stage};
pub use settings::fields as settings_problems;
pub use trust::{Lock, Locked, Policy, Standing, Trust};
pub use worker::work_here;

/// Where plugin files are, and what they may do.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder into which operators put plugin files.
    pub folder: PathBuf,
    /// The private folder from which they are opened; made when it is not there.
    pub vault: PathBuf,
    /// Lets connectors call this very machine, also without TLS. For trying things out.
    pub allow_loopback_http: bool,
    /// How much a connector gets.
    pub limits: Limits,
    /// Whose files are opened.
    pub trust: Trust,
    /// The program that tries a file in a process of its own, as `PROGRAM connector-probe FILE`, and runs
    /// workers, as `PROGRAM connector-worker FILE`; none: there is no trial, and everything runs in this process.
    pub program: Option<PathBuf>,
    /// Where connectors run.
    pub modes: Modes,
    /// Whether changes in the folder are followed while the server runs.
    pub follow: bool,
}

/// Where a connector runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// In the server's process.
    InProcess,
    /// In a process of its own.
    Worker,
}

impl Mode {
    /// In a few words.
    pub fn name(self) -> &'static str {
        match self {
            Self::InProcess => "in process",
            Self::Worker => "worker",
        }
    }
}

/// Where connectors run, as the operator wishes it.
#[derive(Debug, Clone, Default)]
pub struct Modes {
    /// For those that are not named; none: a worker for files that nobody vouches for and for those that were
    /// released from quarantine, the server's process for the others.
    pub others: Option<Mode>,
    /// By connector.
    pub of: BTreeMap<ConnectorId, Mode>,
}

/// How much a connector gets.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Calls that may wait for a connector.
    pub queue: usize,
    /// Calls of a connector that may be under way at once.
    pub at_once: usize,
    /// How long a connector may keep its thread without a break before it counts as hanging.
    pub hangs_after: Duration,
    /// For how long a new generation is on probation.
    pub probation: Duration,
    /// Whether a second process stands by for each connector in worker mode. It takes over at once when the first
    /// one ends, and needs as much memory as one that does nothing.
    pub standby: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            queue: 1024,
            at_once: 256,
            hangs_after: Duration::from_secs(5),
            probation: Duration::from_secs(600),
            standby: true,
        }
    }
}

/// A connection as it is configured.
#[derive(Debug, Clone)]
pub struct ConnectionSetup {
    /// Its id.
    pub id: ConnectionId,
    /// The connector that serves it.
    pub connector: ConnectorId,
    /// What the connector is told.
    pub settings: Value,
    /// What it is not told, by name.
    pub secrets: BTreeMap<String, SecretString>,
    /// How many requests its platform takes, where the operator knows better than the connector.
    pub quota: Option<Quota>,
}

impl PartialEq for ConnectionSetup {
    fn eq(&self, other: &Self) -> bool {
        let exposed = |setup: &Self| -> Vec<_> {
            let secrets = setup.secrets.iter();
            secrets.map(|(name, value)| (name.clone(), value.expose_secret().to_owned())).collect()
        };
        self.id == other.id
            && self.connector == other.connector
            && self.settings == other.settings
            && self.quota == other.quota
            && exposed(self) == exposed(other)
    }
}

/// What the registry takes from outside.
#[derive(Clone)]
pub struct World {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Values kept for connectors.
    pub keep: Arc<dyn Keep>,
    /// Files kept for a while.
    pub blobs: Arc<dyn Blobs>,
}
