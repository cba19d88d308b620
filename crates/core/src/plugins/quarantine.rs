//! Plugin files that are not opened any more, and why.
//!
//! One small file for each, named by the SHA-256 of the plugin: a server that dies leaves them behind, and
//! commands read and write them while a server runs.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use handoff_model::{ConnectorId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    history::{History, Served},
    report::{Refusal, Stage},
};

/// Extension of a record whose file was let go.
const RELEASED: &str = "released";

/// Why one plugin file is not opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// SHA-256 of the file in hexadecimal.
    pub sha256: String,
    /// The connector that it brings.
    pub id: ConnectorId,
    /// Version of that connector.
    pub version: String,
    /// The file's name when it was put here.
    pub file: String,
    /// How far it had come.
    pub stage: Stage,
    /// What is the matter.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
    /// When it was put here.
    pub at: Timestamp,
}

impl Record {
    /// The same, as the report on a file says it.
    pub(super) fn refusal(&self) -> Refusal {
        let reason = format!("it is in quarantine since {}: {}", self.at, self.reason);
        Refusal::new(self.stage, reason, self.remedy.clone())
    }
}

/// The records of a private store.
#[derive(Debug, Clone)]
pub struct Quarantine {
    folder: PathBuf,
}

impl Quarantine {
    /// The records beside the private store `vault`.
    pub fn of(vault: &Path) -> Self {
        Self { folder: vault.join("quarantine") }
    }

    /// The folder in which they lie.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Why a file is not opened; none when it may be.
    pub fn find(&self, sha256: &str) -> Option<Record> {
        read(&self.path(sha256))
    }

    /// All records, by connector.
    pub fn list(&self) -> Vec<Record> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut records: Vec<_> = entries.filter_map(|entry| read(&entry.path())).collect();
        records.sort_by(|one, other| (&one.id, &one.at).cmp(&(&other.id, &other.at)));
        records
    }

    /// Puts a file here.
    ///
    /// # Errors
    /// When the record cannot be written.
    pub fn put(&self, record: &Record) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let path = self.path(&record.sha256);
        let fresh = path.with_extension("new");
        fs::write(&fresh, serde_json::to_vec_pretty(record)?)?;
        fs::rename(fresh, path)
    }

    /// Lets a file go; says whether it was here. Unless an operator put it here, it is remembered that it was.
    ///
    /// # Errors
    /// When the record cannot be moved or deleted.
    pub fn release(&self, sha256: &str) -> io::Result<bool> {
        let path = self.path(sha256);
        let by_operator = read(&path).is_some_and(|record| record.stage == Stage::Operator);
        let gone = if by_operator {
            fs::remove_file(&path)
        } else {
            fs::rename(&path, path.with_extension(RELEASED))
        };
        match gone {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether a file was here for its own fault and was let go.
    pub(super) fn was_released(&self, sha256: &str) -> bool {
        self.path(sha256).with_extension(RELEASED).exists()
    }

    fn path(&self, sha256: &str) -> PathBuf {
        // Only what a hash can be becomes part of a path.
        let plain: String = sha256.chars().filter(char::is_ascii_hexdigit).collect();
        self.folder.join(format!("{plain}.json"))
    }
}

/// What cannot be read is no record: a file that nobody can explain must not keep a connector from serving.
fn read(path: &Path) -> Option<Record> {
    let json = path.extension().is_some_and(|extension| extension == "json");
    if json { serde_json::from_slice(&fs::read(path).ok()?).ok() } else { None }
}

/// Sets a connector back to the file that served before the one that serves now, which is put into quarantine.
///
/// # Errors
/// When there is no earlier file, or the record cannot be written; in plain words.
pub fn set_back(vault: &Path, id: &ConnectorId, at: Timestamp) -> Result<Record, String> {
    let (history, quarantine) = (History::of(vault), Quarantine::of(vault));
    let usable = |served: &&Served| {
        quarantine.find(&served.sha256).is_none() && vault.join(format!("{}.so", served.sha256)).is_file()
    };
    let mut known = history.latest_first(id).filter(usable);
    let now = known.next().ok_or_else(|| format!("no file has served the connector {id} yet"))?;
    let before = known.next().ok_or_else(|| {
        format!("no earlier file of the connector {id} is kept, so there is nothing to go back to")
    })?;
    let record = Record {
        sha256: now.sha256.clone(),
        id: id.clone(),
        version: now.version.clone(),
        file: now.file.clone(),
        stage: Stage::Operator,
        reason: format!("an operator went back to version {} from {}", before.version, before.file),
        remedy: format!("use it again: handoff connector release {id}"),
        at,
    };
    quarantine.put(&record).map_err(|error| format!("the record cannot be written: {error}"))?;
    Ok(record)
}

/// Lets files out of quarantine: those of a connector, or the one with this SHA-256.
///
/// # Errors
/// When there is none, or the record cannot be deleted; in plain words.
pub fn release(vault: &Path, which: &str) -> Result<Vec<Record>, String> {
    let quarantine = Quarantine::of(vault);
    let fits = |record: &Record| record.id.as_str() == which || record.sha256 == which;
    let records: Vec<_> = quarantine.list().into_iter().filter(fits).collect();
    if records.is_empty() {
        return Err(format!("nothing of {which:?} is in quarantine; see: handoff connector list"));
    }
    for record in &records {
        quarantine
            .release(&record.sha256)
            .map_err(|error| format!("the record of {} cannot be deleted: {error}", record.file))?;
    }
    Ok(records)
}
