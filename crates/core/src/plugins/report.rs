//! What became of every plugin file, of every connector and of every connection, in plain words.

use std::{fmt, sync::Arc};

use handoff_model::{ConnectionId, ConnectorId, Timestamp, connector::Manifest};
use serde::{Deserialize, Serialize};

use super::{Mode, trust::Standing};

/// How far a plugin file had come when it was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Looking into the folder.
    Folder,
    /// Reading the file.
    Read,
    /// Checking its structure, without running anything of it.
    Structure,
    /// Reading what it says about itself, without running anything of it.
    Manifest,
    /// Asking whether it is trusted.
    Trust,
    /// Choosing between files that bring the same connector.
    Choice,
    /// Copying it into the private store.
    Vault,
    /// Opening it in a process of its own first.
    Probe,
    /// Opening it.
    Open,
    /// Comparing its idea of the plugin edge with ours.
    Layout,
    /// Comparing what it says when it runs with what it says on paper.
    Describe,
    /// Working, as a new generation on probation.
    Probation,
    /// Set aside by an operator.
    Operator,
}

impl Stage {
    /// The stage as a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Read => "read",
            Self::Structure => "structure",
            Self::Manifest => "manifest",
            Self::Trust => "trust",
            Self::Choice => "choice",
            Self::Vault => "vault",
            Self::Probe => "probe",
            Self::Open => "open",
            Self::Layout => "layout",
            Self::Describe => "describe",
            Self::Probation => "probation",
            Self::Operator => "operator",
        }
    }

    /// Whether somebody wanted it so, so that nothing is wrong.
    pub fn is_wished(self) -> bool {
        self == Self::Operator
    }
}

/// Why a plugin file is not in use, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{reason}; {remedy}")]
pub struct Refusal {
    /// How far it had come.
    pub stage: Stage,
    /// What is the matter.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
}

impl Refusal {
    pub(super) fn new(stage: Stage, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { stage, reason: reason.into(), remedy: remedy.into() }
    }
}

/// What became of one file of the plugin folder, or of the folder itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// Name of the file within the folder; the folder's path when the line is about the folder.
    pub file: String,
    /// SHA-256 of its bytes in hexadecimal, when they could be read.
    pub sha256: Option<String>,
    /// Id of the connector that it brings, when it says so.
    pub id: Option<ConnectorId>,
    /// Version of that connector.
    pub version: Option<String>,
    /// Why it is trusted, when it is.
    pub trust: Option<Standing>,
    /// What became of it.
    pub state: FileState,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum FileState {
    /// Its connector serves.
    Loaded,
    /// It cannot be used.
    Refused(Refusal),
    /// It is no plugin file.
    Ignored {
        /// Why.
        reason: String,
    },
}

impl fmt::Display for FileReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file)?;
        if let (Some(id), Some(version)) = (&self.id, &self.version) {
            write!(f, "{id} {version} ")?;
        }
        match &self.state {
            FileState::Loaded => write!(f, "loaded"),
            FileState::Refused(refusal) => write!(f, "refused at {}: {refusal}", refusal.stage.name()),
            FileState::Ignored { reason } => write!(f, "ignored: {reason}"),
        }
    }
}

/// How a loaded connector is doing.
#[derive(Debug, Clone, Serialize)]
pub struct ConnectorStatus {
    /// Its id.
    pub id: ConnectorId,
    /// Its name for people.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The file that brought it.
    pub file: String,
    /// SHA-256 of that file in hexadecimal.
    pub sha256: String,
    /// What it says about itself.
    pub manifest: Arc<Manifest>,
    /// Counts the files that served this connector since the server started, beginning with 1.
    pub generation: u64,
    /// When this one began to serve.
    pub since: Timestamp,
    /// The previous one comes back if this one fails.
    pub on_probation: bool,
    /// Why its file is trusted.
    pub trust: Standing,
    /// Where it runs.
    pub mode: Mode,
    /// Whether it runs in a process that the kernel keeps from files, sockets and programs.
    pub confined: bool,
    /// Processes of it that ended and were replaced.
    pub ends: u64,
    /// Calls since the start.
    pub calls: u64,
    /// Calls that failed, without requests of strangers and verbs that are not offered.
    pub errors: u64,
    /// Failures of its own making: panics, hangs, answers that nobody can read.
    pub faults: u64,
    /// How often it hung and had to be started anew.
    pub hangs: u64,
    /// The latest failure.
    pub last_error: Option<LastError>,
    /// Connections that it serves.
    pub connections: Vec<ConnectionStatus>,
}

/// A failure and its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastError {
    /// When.
    pub at: Timestamp,
    /// What went wrong, without secrets.
    pub text: String,
}

/// Whether a connection can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConnectionStatus {
    /// The connection.
    pub id: ConnectionId,
    /// The connector that it asks for.
    pub connector: ConnectorId,
    /// What keeps it from working; empty when nothing does.
    pub problems: Vec<String>,
}
