//! Notices that a file ended the server while it was opened.

use std::{
    fs,
    path::{Path, PathBuf},
};

use handoff_model::Timestamp;
use tracing::error;

use super::quarantine::{Quarantine, Record};

/// Lies in the private store while a file is being opened.
pub(super) struct Sentinel(PathBuf);

impl Sentinel {
    /// Sets one, with what is to be said should it be found.
    pub(super) fn set(vault: &Path, record: &Record) -> Option<Self> {
        let path = place(vault).join(format!("{}.{}", std::process::id(), record.sha256));
        fs::create_dir_all(place(vault)).ok()?;
        fs::write(&path, serde_json::to_vec(record).ok()?).ok()?;
        Some(Self(path))
    }

    /// Puts into quarantine whatever ended an earlier server while it was opened.
    pub(super) fn bury(vault: &Path, quarantine: &Quarantine, now: Timestamp) {
        for entry in fs::read_dir(place(vault)).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let process = name.split('.').next().unwrap_or_default();
            // Whoever still opens it, such as a command beside this server, looks after it itself.
            if process != std::process::id().to_string() && Path::new("/proc").join(process).exists() {
                continue;
            }
            let found =
                fs::read(entry.path()).ok().and_then(|text| serde_json::from_slice::<Record>(&text).ok());
            if let Some(record) = found {
                let record = Record { at: now, ..record };
                error!(connector = %record.id, file = record.file,
                    "{} ended the server when it was opened last; it is in quarantine", record.file);
                if let Err(error) = quarantine.put(&record) {
                    error!("The record cannot be written: {error}");
                }
            }
            drop(fs::remove_file(entry.path()));
        }
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

fn place(vault: &Path) -> PathBuf {
    vault.join("opening")
}
