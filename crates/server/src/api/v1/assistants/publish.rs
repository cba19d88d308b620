//! `POST /v1/assistants/{id}/publish`: makes the draft the next version.

use axum::extract::{Path, State};
use handoff_core::assistant::Finding;
use handoff_model::AssistantId;
use serde::Serialize;

use super::super::openapi::ProblemDocument;
use crate::{
    AppState,
    auth::Admin,
    web::{Json, Problem, to_its_end},
};

/// A published version.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Published {
    /// Its number; sessions that begin from now on run it.
    version: u32,
    /// Warnings.
    #[schema(value_type = Vec<Object>)]
    findings: Vec<Finding>,
}

/// Publishes the draft; 422 with all findings when it cannot be.
#[utoipa::path(
    post, path = "/v1/assistants/{assistant}/publish", tag = "assistants",
    params(("assistant" = String, Path, description = "Id of the assistant")),
    responses(
        (status = 200, description = "Published", body = Published),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn publish(
    State(state): State<AppState>,
    _: Admin,
    Path(id): Path<String>,
) -> Result<Json<Published>, Problem> {
    let id = AssistantId::new(id);
    let (version, findings) = to_its_end(async move { state.runtime.publish(&id).await }).await??;
    Ok(Json(Published { version, findings }))
}
