//! Connectors from plugin files: looks at the files, opens them, and runs what they bring.
//!
//! A plugin file is a shared library within this process. Checks, lanes and capabilities keep an
//! honest connector's mistakes from becoming the server's; they do not keep out a hostile one, nor a
//! crash in machine code.
//!
//! Read [`Registry`] first. `folder` goes through the operators' folder, `inspect` reads a file without
//! running it, `vault` keeps the copy that is opened, `load` opens it. `serving` has one connector at
//! work on a `lane`, and `capability` has what connectors can ask of the host.

mod account;
mod answer;
pub mod capability;
mod folder;
mod host;
mod inspect;
mod lane;
mod load;
mod registry;
mod report;
mod secrets;
mod serving;
mod settings;
mod vault;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use handoff_model::{ConnectionId, ConnectorId};
use secrecy::SecretString;
use serde_json::Value;

use crate::world::{Blobs, Clock, Keep};

pub use inspect::{FEATURES, Inspection, MODEL, inspect};
pub use registry::Registry;
pub use report::{ConnectionStatus, ConnectorStatus, FileReport, FileState, LastError, Refusal, Stage};

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
}

impl Default for Limits {
    fn default() -> Self {
        Self { queue: 1024, at_once: 256, hangs_after: Duration::from_secs(5) }
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
