//! Assistants as JSON files.

use axum::{
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use handoff_core::{assistant::read, runtime::AssistantError};
use handoff_model::AssistantId;

use super::{list, open};
use crate::console::{
    ConsoleState,
    access::{Posted, SignedIn},
    answer::{self, Trouble},
    link,
};

/// The draft as a file.
pub(in crate::console) async fn export(
    State(state): State<ConsoleState>,
    _: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let opened = open(&state, id).await?;
    let name = format!("attachment; filename*=UTF-8''{}.json", link::encode(opened.row.id.as_str()));
    let name = HeaderValue::from_str(&name).map_err(|_| Trouble::fault())?;
    let kind = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], opened.row.draft)
        .into_response())
}

/// Saves a file as a draft: a new assistant, or in place of the draft that is there if somebody says so.
pub(in crate::console) async fn import(
    State(state): State<ConsoleState>,
    Posted { who, fields }: Posted,
) -> Result<Response, Trouble> {
    let json = fields.get("file");
    if json.trim().is_empty() {
        return list::refused(&state, &who, "Nothing imported: choose a file.".to_owned(), Vec::new()).await;
    }
    let expected = if fields.ticked("replace") { revision(&state, json).await? } else { 0 };
    match state.runtime.save_draft(json, Some(expected)).await {
        Ok(_) => {
            let id = read(json).map(|assistant| assistant.id.to_string()).unwrap_or_default();
            Ok(answer::go(&format!("{}?done=imported", link::assistant(&id))))
        }
        Err(AssistantError::Changed) => {
            let words = "Nothing imported: an assistant with this id exists already. Tick “Replace its draft” \
                         if you mean to replace it; published versions stay as they are.";
            list::refused(&state, &who, words.to_owned(), Vec::new()).await
        }
        Err(AssistantError::Invalid(findings)) => {
            let words = "Nothing imported: the file has problems.".to_owned();
            list::refused(&state, &who, words, findings.iter().map(ToString::to_string).collect()).await
        }
        Err(AssistantError::Unknown) => Err(Trouble::not_found("There is no such assistant.")),
        Err(AssistantError::Store(error)) => Err(error.into()),
    }
}

/// The revision of the draft that a file replaces; 0 when there is none.
async fn revision(state: &ConsoleState, json: &str) -> Result<u64, Trouble> {
    let Ok(assistant) = read(json) else { return Ok(0) };
    let id: AssistantId = assistant.id;
    Ok(state.runtime.store().assistant(&id).await?.map_or(0, |row| row.revision))
}
