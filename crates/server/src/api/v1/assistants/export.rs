//! `GET /v1/assistants/{id}/export?version=`: a definition as a file.

use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use handoff_model::AssistantId;
use serde::Deserialize;

use super::super::openapi::ProblemDocument;
use super::find;
use crate::{
    AppState,
    auth::Admin,
    web::{Problem, Query},
};

/// Which definition.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// A published version; left out: the draft.
    version: Option<u32>,
}

/// The definition, as `PUT …/draft` takes it.
#[utoipa::path(
    get, path = "/v1/assistants/{assistant}/export", tag = "assistants",
    params(("assistant" = String, Path, description = "Id of the assistant"), ExportQuery),
    responses(
        (status = 200, description = "The definition", body = Object),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn export(
    State(state): State<AppState>,
    _: Admin,
    Path(id): Path<String>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, Problem> {
    let definition = match query.version {
        Some(number) => version(&state, &id, number).await?,
        None => find(&state, &id).await?.draft,
    };
    let name: String = id.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-').collect();
    let disposition = format!("attachment; filename=\"assistant-{name}.json\"");
    let headers =
        [(header::CONTENT_TYPE, "application/json".to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, definition).into_response())
}

async fn version(state: &AppState, id: &str, number: u32) -> Result<String, Problem> {
    let found = state.runtime.store().version(&AssistantId::new(id), number).await?;
    let row = found.ok_or_else(|| {
        Problem::not_found(format!("There is no published version {number} of an assistant {id:?}."))
    })?;
    Ok(row.definition)
}
