//! Which files served a connector before, so that a new one can be set back, also after a restart.

use std::{collections::BTreeMap, fs, io, path::Path};

use handoff_model::ConnectorId;
use serde::{Deserialize, Serialize};

use super::trust::Standing;

/// Files remembered for each connector.
const REMEMBERED: usize = 3;

/// A file that served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// SHA-256 of the file in hexadecimal; its copy in the private store has this name.
    pub sha256: String,
    /// The file's name.
    pub file: String,
    /// Version of the connector that it brings.
    pub version: String,
    /// Why it was trusted.
    pub trust: Standing,
}

/// Files by connector, the latest last.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct History(BTreeMap<ConnectorId, Vec<Served>>);

impl History {
    /// What the private store `vault` remembers; nothing when it has no memory, or one that cannot be read.
    pub fn of(vault: &Path) -> Self {
        let text = fs::read(vault.join("history.json")).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// The files that served a connector, the latest first.
    pub fn latest_first(&self, id: &ConnectorId) -> impl Iterator<Item = &Served> {
        self.0.get(id).into_iter().flatten().rev()
    }

    /// All connectors, and the files that served each, the latest last.
    pub(super) fn all(&self) -> impl Iterator<Item = (&ConnectorId, &Vec<Served>)> {
        self.0.iter()
    }

    /// A file serves from now on; says whether that is news.
    pub(super) fn serves(&mut self, id: &ConnectorId, served: Served) -> bool {
        let known = self.0.entry(id.clone()).or_default();
        if known.last().is_some_and(|last| *last == served) {
            return false;
        }
        known.retain(|other| other.sha256 != served.sha256);
        known.push(served);
        let surplus = known.len().saturating_sub(REMEMBERED);
        known.drain(..surplus);
        true
    }

    /// Writes it down in the private store.
    pub(super) fn keep(&self, vault: &Path) -> io::Result<()> {
        let fresh = vault.join("history.new");
        fs::write(&fresh, serde_json::to_vec_pretty(self)?)?;
        fs::rename(fresh, vault.join("history.json"))
    }
}
