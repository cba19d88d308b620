//! `POST /v1/assistants/{id}/validate`: what keeps the draft from being published.

use axum::extract::{Path, State};
use handoff_core::runtime::AssistantError;

use super::super::openapi::ProblemDocument;
use super::{Findings, find};
use crate::{
    AppState,
    auth::Admin,
    web::{Json, Problem},
};

/// Everything that is to be said about the draft, each with its node. The accounts are asked whether they have what the
/// author chose, as they are before it is published.
#[utoipa::path(
    post, path = "/v1/assistants/{assistant}/validate", tag = "assistants",
    params(("assistant" = String, Path, description = "Id of the assistant")),
    responses(
        (status = 200, description = "What is to be said about the draft", body = Findings),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn validate(
    State(state): State<AppState>,
    _: Admin,
    Path(id): Path<String>,
) -> Result<Json<Findings>, Problem> {
    let row = find(&state, &id).await?;
    let findings = match state.runtime.look_over_assistant(&row.draft).await {
        Ok((_, findings)) | Err(AssistantError::Invalid(findings)) => findings,
        Err(error) => return Err(error.into()),
    };
    Ok(Json(Findings::new(findings)))
}
