//! Assistants: drafts, and the versions published from them.

pub(super) mod export;
pub(super) mod list;
pub(super) mod publish;
pub(super) mod put_draft;
pub(super) mod show;
pub(super) mod validate;

use handoff_core::{assistant::Finding, runtime::AssistantError, store::AssistantRow};
use handoff_model::AssistantId;
use serde::Serialize;
use serde_json::json;

use crate::{AppState, chat::sentence, web::Problem};

/// An assistant in a few words.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct AssistantView {
    id: String,
    name: String,
    /// Number of the draft's revision.
    revision: u64,
    /// The published version, if there is one.
    published: Option<u32>,
    /// Whether the draft differs from what was published last.
    changed: bool,
    /// When the draft was saved, in milliseconds since 1970 UTC.
    saved_at: i64,
}

/// What is to be said about a definition.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Findings {
    /// Whether it can be published: no finding is more than a warning.
    publishable: bool,
    #[schema(value_type = Vec<Object>)]
    findings: Vec<Finding>,
}

/// An assistant by id.
async fn find(state: &AppState, id: &str) -> Result<AssistantRow, Problem> {
    let found = state.runtime.store().assistant(&AssistantId::new(id)).await?;
    found.ok_or_else(|| AssistantError::Unknown.into())
}

impl Findings {
    fn new(findings: Vec<Finding>) -> Self {
        Self { publishable: findings.iter().all(|finding| finding.only_a_warning), findings }
    }
}

impl From<&AssistantRow> for AssistantView {
    fn from(row: &AssistantRow) -> Self {
        Self {
            id: row.id.to_string(),
            name: row.name.clone(),
            revision: row.revision,
            published: row.published,
            changed: row.published_revision != Some(row.revision),
            saved_at: row.saved_at.0,
        }
    }
}

impl From<AssistantError> for Problem {
    fn from(error: AssistantError) -> Self {
        let text = sentence(&error);
        match error {
            AssistantError::Invalid(findings) => {
                Self::invalid(format!("{text} They are listed under `findings`."))
                    .with("findings", json!(findings))
            }
            AssistantError::Changed => Self::conflict(text),
            AssistantError::Unknown => Self::not_found(text),
            AssistantError::Store(error) => error.into(),
        }
    }
}
