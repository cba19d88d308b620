//! `GET /v1/assistants/{id}`: an assistant with its draft.

use axum::extract::{Path, State};
use serde::Serialize;
use serde_json::Value;

use super::super::openapi::ProblemDocument;
use super::{AssistantView, find};
use crate::{
    AppState,
    auth::Admin,
    web::{Json, Problem},
};

/// An assistant with its draft.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct AssistantWithDraft {
    #[serde(flatten)]
    assistant: AssistantView,
    /// The draft, as it is put and exported.
    draft: Value,
}

/// One assistant.
#[utoipa::path(
    get, path = "/v1/assistants/{assistant}", tag = "assistants",
    params(("assistant" = String, Path, description = "Id of the assistant")),
    responses(
        (status = 200, description = "The assistant with its draft", body = AssistantWithDraft),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    _: Admin,
    Path(id): Path<String>,
) -> Result<Json<AssistantWithDraft>, Problem> {
    let row = find(&state, &id).await?;
    let draft = serde_json::from_str(&row.draft).map_err(|error| {
        tracing::error!(%error, assistant.id = %id, "A stored draft is not JSON");
        Problem::fault()
    })?;
    Ok(Json(AssistantWithDraft { assistant: (&row).into(), draft }))
}
