//! `GET /v1/assistants`: all assistants.

use axum::extract::State;
use serde::Serialize;

use super::super::openapi::ProblemDocument;
use super::AssistantView;
use crate::{
    AppState,
    auth::Admin,
    web::{Json, Problem},
};

/// All assistants.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct AssistantList {
    assistants: Vec<AssistantView>,
}

/// All assistants, without their drafts.
#[utoipa::path(
    get, path = "/v1/assistants", tag = "assistants",
    responses(
        (status = 200, description = "All assistants", body = AssistantList),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn list(State(state): State<AppState>, _: Admin) -> Result<Json<AssistantList>, Problem> {
    let rows = state.runtime.store().assistants().await?;
    Ok(Json(AssistantList { assistants: rows.iter().map(AssistantView::from).collect() }))
}
