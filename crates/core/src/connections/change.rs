//! Adds, edits and removes connections.

use std::collections::{BTreeMap, BTreeSet};

use handoff_model::{AssistantId, ConnectionId, ConnectorId, connector::Manifest};
use secrecy::SecretString;
use serde_json::Value;

use super::{Book, Entry, sealed};
use crate::{
    plugins::settings_problems,
    store::{ConnectionRow, StoreError},
};

/// Longest id of a connection.
const LONGEST_ID: usize = 64;

/// A connection as an administrator wants it.
#[derive(Clone)]
pub struct Draft {
    /// Its id.
    pub id: ConnectionId,
    /// The connector.
    pub connector: ConnectorId,
    /// The assistant that serves the platform's own channel.
    pub assistant: Option<AssistantId>,
    /// What the connector is told.
    pub settings: Value,
    /// Secrets to set, and those to forget (none). What is not named stays as it is.
    pub secrets: BTreeMap<String, Option<SecretString>>,
    /// The revision that was read; 0: a new connection.
    pub revision: u64,
}

/// What is wrong with one field of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// `id`, `connector`, `settings.NAME`, `secrets.NAME`; empty when it is about all of it.
    pub field: String,
    /// What is wrong, in plain words. Values are not repeated.
    pub problem: String,
}

/// Why a connection was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// Fields cannot be accepted.
    #[error("some fields cannot be accepted")]
    Fields(Vec<FieldProblem>),
    /// There is no such connection.
    #[error("there is no connection {0}")]
    Unknown(ConnectionId),
    /// It stands in the configuration file.
    #[error("connection {0} stands in the configuration file; change it there and start the server again")]
    InFile(ConnectionId),
    /// Somebody else was faster.
    #[error("somebody else changed the connection meanwhile; look at it as it is now")]
    Changed,
    /// Handoffs are not at their end.
    #[error(
        "{0} of its handoffs are not at their end; close them on the platform, or wait until they are decided"
    )]
    InUse(u64),
    /// It was stored and does not serve.
    #[error("it was stored, but {0}")]
    NotServed(String),
    /// Nothing was stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn problem(field: impl Into<String>, problem: impl Into<String>) -> FieldProblem {
    FieldProblem { field: field.into(), problem: problem.into() }
}

impl Book {
    /// Adds or edits a connection, once its connector has nothing against it, and lets it serve.
    ///
    /// # Errors
    /// Everything that is wrong with it, all at once.
    pub async fn save(&self, draft: Draft) -> Result<(), ChangeError> {
        let _turn = self.turn.lock().await;
        let entry = self.entry_of(draft).await?;
        let row = ConnectionRow {
            id: entry.id.clone(),
            connector: entry.connector.clone(),
            assistant: entry.assistant.clone(),
            settings: entry.settings.clone(),
            sealed: sealed(&entry.secrets, &*self.seal),
            revision: entry.revision,
            at: self.runtime.clock().now(),
        };
        let revision = self.store.save_connection(row).await.map_err(raced)?;
        self.put(Entry { revision, ..entry }).await
    }

    /// Whether a connection could be saved. Nothing is changed.
    ///
    /// # Errors
    /// As [`Book::save`].
    pub async fn try_save(&self, draft: Draft) -> Result<(), ChangeError> {
        self.entry_of(draft).await.map(drop)
    }

    /// Removes a connection, with everything that was kept for it.
    ///
    /// # Errors
    /// [`ChangeError::InUse`] while handoffs there are not at their end.
    pub async fn remove(&self, id: &ConnectionId, revision: u64) -> Result<(), ChangeError> {
        let _turn = self.turn.lock().await;
        let entry = self.entry(id).ok_or_else(|| ChangeError::Unknown(id.clone()))?;
        if entry.in_file {
            return Err(ChangeError::InFile(id.clone()));
        }
        match self.store.remove_connection(id, revision).await.map_err(raced)? {
            0 => {}
            open => return Err(ChangeError::InUse(open)),
        }
        let mut entries = self.entries.read().clone();
        entries.retain(|entry| entry.id != *id);
        self.serve(entries).await.map_err(ChangeError::NotServed)
    }

    /// Keeps secrets that a set-up gave.
    pub(super) async fn keep_secrets(
        &self,
        id: &ConnectionId,
        given: BTreeMap<String, String>,
    ) -> Result<(), ChangeError> {
        let _turn = self.turn.lock().await;
        let mut entry = self.entry(id).ok_or_else(|| ChangeError::Unknown(id.clone()))?;
        let given: BTreeMap<String, SecretString> =
            given.into_iter().map(|(name, value)| (name, value.into())).collect();
        entry.secrets.extend(given.clone());
        // What the file says is the file's: beside it, only what the platform gave is kept.
        let kept = if entry.in_file { &given } else { &entry.secrets };
        let row = ConnectionRow {
            id: id.clone(),
            connector: entry.connector.clone(),
            assistant: entry.assistant.clone().filter(|_| !entry.in_file),
            settings: if entry.in_file { Value::Null } else { entry.settings.clone() },
            sealed: sealed(kept, &*self.seal),
            revision: entry.revision,
            at: self.runtime.clock().now(),
        };
        entry.revision = self.store.save_connection(row).await.map_err(raced)?;
        self.put(entry).await
    }

    async fn put(&self, entry: Entry) -> Result<(), ChangeError> {
        let mut entries = self.entries.read().clone();
        entries.retain(|known| known.id != entry.id);
        entries.push(entry);
        entries.sort_by(|one, other| one.id.cmp(&other.id));
        self.serve(entries).await.map_err(ChangeError::NotServed)
    }

    /// The connection that a draft describes, if it can serve.
    async fn entry_of(&self, draft: Draft) -> Result<Entry, ChangeError> {
        let known = self.entry(&draft.id);
        if let Some(known) = &known {
            if known.in_file {
                return Err(ChangeError::InFile(draft.id));
            }
            if draft.revision > 0 && known.revision != draft.revision {
                return Err(ChangeError::Changed);
            }
        } else if draft.revision > 0 {
            return Err(ChangeError::Unknown(draft.id));
        }
        let mut problems = Vec::new();
        problems.extend(self.name_problem(&draft).map(|words| problem("id", words)));
        let Some(manifest) = self.manifest(&draft.connector) else {
            let words = format!("No loaded plugin brings the connector {:?}.", draft.connector.as_str());
            problems.push(problem("connector", words));
            return Err(ChangeError::Fields(problems));
        };
        let entry = written(draft, known);
        problems.extend(field_problems(&manifest, &entry));
        if problems.is_empty() {
            problems.extend(self.try_out(&manifest, &entry).await);
        }
        if problems.is_empty() { Ok(entry) } else { Err(ChangeError::Fields(problems)) }
    }

    fn name_problem(&self, draft: &Draft) -> Option<String> {
        let name = draft.id.as_str();
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name.len() > LONGEST_ID || !name.chars().all(fits) {
            return Some(format!("Use 1 to {LONGEST_ID} letters, digits, - and _."));
        }
        let taken = self.own.iter().any(|channel| channel.id.as_str() == name)
            || (draft.revision == 0 && self.entry(&draft.id).is_some());
        taken.then(|| "A channel or connection of this name is there already.".to_owned())
    }

    /// What the connector itself has against it.
    async fn try_out(&self, manifest: &Manifest, entry: &Entry) -> Vec<FieldProblem> {
        let (registry, setup) = (self.registry.clone(), entry.setup());
        let tried = tokio::task::spawn_blocking(move || registry.try_connection(&setup)).await;
        let names: BTreeSet<&str> = properties(manifest).collect();
        let place = |words: String| {
            // Connectors begin with the setting's name.
            let first = words.split_whitespace().next().unwrap_or_default();
            let field = if names.contains(first) { format!("settings.{first}") } else { String::new() };
            problem(field, words)
        };
        tried.unwrap_or_else(|error| vec![error.to_string()]).into_iter().map(place).collect()
    }
}

fn written(draft: Draft, known: Option<Entry>) -> Entry {
    let same = known.filter(|known| known.connector == draft.connector);
    let (mut secrets, quota) = same.map(|known| (known.secrets, known.quota)).unwrap_or_default();
    for (name, secret) in draft.secrets {
        match secret {
            Some(value) => drop(secrets.insert(name, value)),
            None => drop(secrets.remove(&name)),
        }
    }
    let Draft { id, connector, assistant, settings, revision, .. } = draft;
    Entry { id, connector, assistant, settings, secrets, quota, in_file: false, revision }
}

fn field_problems(manifest: &Manifest, entry: &Entry) -> Vec<FieldProblem> {
    let settings = settings_problems(&manifest.settings, &entry.settings);
    let settings = settings.into_iter().map(|(name, words)| {
        let field = if name.is_empty() { String::new() } else { format!("settings.{name}") };
        problem(field, words)
    });
    let missing = manifest
        .secrets
        .iter()
        .filter(|secret| !secret.optional && !entry.secrets.contains_key(&secret.name));
    let missing = missing.map(|secret| problem(format!("secrets.{}", secret.name), "This is needed."));
    let unknown =
        entry.secrets.keys().filter(|name| manifest.secrets.iter().all(|secret| secret.name != **name));
    let unknown =
        unknown.map(|name| problem(format!("secrets.{name}"), "The connector knows no such secret."));
    settings.chain(missing).chain(unknown).collect()
}

fn properties(manifest: &Manifest) -> impl Iterator<Item = &str> {
    manifest.settings["properties"].as_object().into_iter().flat_map(|all| all.keys().map(String::as_str))
}

fn raced(error: StoreError) -> ChangeError {
    match error {
        StoreError::Conflict => ChangeError::Changed,
        error => error.into(),
    }
}
