//! Drafts, validation, published versions; one compiled version is shared by all of its sessions.

use std::{collections::HashMap, sync::Arc, time::Duration};

use handoff_model::AssistantId;
use parking_lot::RwLock;

use super::Runtime;
use crate::{
    assistant::definition::{Do, Node},
    assistant::{Assistant, Compiled, Finding, compile, read, validate, validate::check_platform},
    store::{AssistantRow, Result as StoreResult, Store, StoreError},
};

/// How soon a version that another process published is noticed.
const FRESH: Duration = Duration::from_secs(2);

type Versions = HashMap<(AssistantId, u32), Arc<Compiled>>;

/// Published assistants, compiled.
pub struct Library {
    store: Arc<dyn Store>,
    versions: RwLock<Versions>,
    published: RwLock<Option<HashMap<AssistantId, u32>>>,
}

/// Why a draft was not saved or published.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AssistantError {
    /// The definition has errors; all of them.
    #[error("the assistant has {} problem(s)", .0.len())]
    Invalid(Vec<Finding>),
    /// Somebody else saved it meanwhile.
    #[error("somebody else saved this assistant meanwhile; load it again and repeat your change")]
    Changed,
    /// No such assistant.
    #[error("there is no such assistant")]
    Unknown,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Library {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, versions: RwLock::default(), published: RwLock::new(None) }
    }

    /// The published version of an assistant.
    pub(super) async fn published(&self, id: &AssistantId) -> StoreResult<Option<(u32, Arc<Compiled>)>> {
        let known = self.published.read().as_ref().map(|published| published.get(id).copied());
        let number = match known {
            Some(number) => number,
            None => {
                self.refresh().await?;
                self.published.read().as_ref().and_then(|published| published.get(id).copied())
            }
        };
        let Some(number) = number else { return Ok(None) };
        Ok(self.version(id, number).await?.map(|compiled| (number, compiled)))
    }

    /// A published version, compiled.
    pub(super) async fn version(&self, id: &AssistantId, number: u32) -> StoreResult<Option<Arc<Compiled>>> {
        let key = (id.clone(), number);
        if let Some(compiled) = self.versions.read().get(&key) {
            return Ok(Some(compiled.clone()));
        }
        let Some(row) = self.store.version(id, number).await? else { return Ok(None) };
        let broken = |findings: Vec<Finding>| {
            let first = findings.first().map(ToString::to_string).unwrap_or_default();
            StoreError::Broken(format!("version {number} of assistant {id} does not compile: {first}"))
        };
        let compiled = Arc::new(compile(read(&row.definition).map_err(broken)?).map_err(broken)?);
        self.versions.write().insert(key, compiled.clone());
        Ok(Some(compiled))
    }

    async fn refresh(&self) -> StoreResult<()> {
        let published = self.store.published().await?.into_iter().collect();
        *self.published.write() = Some(published);
        Ok(())
    }
}

impl Runtime {
    /// Reads a definition and says everything that is wrong with it.
    ///
    /// # Errors
    /// When its shape is wrong, with all findings.
    pub fn check_assistant(&self, json: &str) -> Result<(Assistant, Vec<Finding>), AssistantError> {
        let definition = read(json).map_err(AssistantError::Invalid)?;
        let findings = validate(&definition, &self.targets());
        Ok((definition, findings))
    }

    /// The same, and what the accounts say of what the author chose: all that publishing would say.
    ///
    /// # Errors
    /// As [`Runtime::check_assistant`].
    pub async fn look_over_assistant(&self, json: &str) -> Result<(Assistant, Vec<Finding>), AssistantError> {
        let (definition, mut findings) = self.check_assistant(json)?;
        findings.extend(self.check_choices(&definition).await);
        Ok((definition, findings))
    }

    /// Saves a draft. A draft may be unfinished, but not choose a platform that the plan does not allow.
    /// `expected` is the revision that was changed, 0 for a new assistant, none to replace whatever is there.
    ///
    /// # Errors
    /// See [`AssistantError`].
    pub async fn save_draft(
        &self,
        json: &str,
        expected: Option<u64>,
    ) -> Result<(u64, Vec<Finding>), AssistantError> {
        let (definition, findings) = self.check_assistant(json)?;
        self.check_plan(&definition)?;
        let store = &self.0.parts.store;
        let expected = match expected {
            Some(revision) => revision,
            None => store.assistant(&definition.id).await?.map_or(0, |row| row.revision),
        };
        let text = serde_json::to_string_pretty(&definition)
            .map_err(|error| StoreError::Broken(error.to_string()))?;
        let now = self.0.parts.clock.now();
        match store.save_draft(&definition.id, &definition.name, &text, expected, now).await {
            Ok(revision) => Ok((revision, findings)),
            Err(StoreError::Conflict) => Err(AssistantError::Changed),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes an assistant's draft its next version; gives the number and the warnings. The accounts are asked whether
    /// they have what the author chose.
    ///
    /// # Errors
    /// See [`AssistantError`].
    pub async fn publish(&self, id: &AssistantId) -> Result<(u32, Vec<Finding>), AssistantError> {
        let store = &self.0.parts.store;
        let row: AssistantRow = store.assistant(id).await?.ok_or(AssistantError::Unknown)?;
        let (_, findings) = self.look_over_assistant(&row.draft).await?;
        if findings.iter().any(|finding| !finding.only_a_warning) {
            return Err(AssistantError::Invalid(findings));
        }
        let number = match store.publish(id, row.revision, self.0.parts.clock.now()).await {
            Err(StoreError::Conflict) => return Err(AssistantError::Changed),
            other => other?,
        };
        self.0.library.refresh().await?;
        Ok((number, findings))
    }

    fn check_plan(&self, definition: &Assistant) -> Result<(), AssistantError> {
        let targets = self.targets();
        let mut refused = Vec::new();
        definition.visit(&mut |node| {
            if let Node::Action(action) = node
                && let Do::ExternalHandoff(handoff) = &action.does
                && let Err(refusal @ crate::handoff::Refusal::Plan { .. }) = check_platform(handoff, &targets)
            {
                refused.push(Finding::error(Some(action.id.clone()), refusal.to_string()));
            }
        });
        if refused.is_empty() { Ok(()) } else { Err(AssistantError::Invalid(refused)) }
    }

    /// Notices what other processes publish.
    pub(super) async fn keep_library_fresh(&self) {
        loop {
            self.0.parts.clock.sleep(FRESH).await;
            if let Err(error) = self.0.library.refresh().await {
                tracing::warn!(%error, "Published versions could not be read again");
            }
        }
    }
}
