//! `POST /v1/handoffs/{id}/look` and `…/give-up`: what a person decides about a handoff in doubt.

use axum::extract::{Path, State};
use handoff_core::runtime::{Decision, DecisionError};
use handoff_model::HandoffId;
use serde::Deserialize;

use super::{super::openapi::ProblemDocument, show::HandoffView};
use crate::{
    AppState,
    auth::Admin,
    web::{Json, Problem},
};

/// Seconds after which a decision may be tried again.
const PAUSE: u64 = 1;

/// Why a handoff is given up.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GiveUp {
    /// What was found on the platform, in at most 200 characters; it stands in the receipt.
    reason: String,
}

/// Looks a handoff in doubt up on the platform now, instead of at the next time.
#[utoipa::path(
    post, path = "/v1/handoffs/{handoff}/look", tag = "handoffs",
    params(("handoff" = String, Path, description = "Id of the handoff")),
    responses(
        (status = 200, description = "The handoff; the look has begun, and its end shows in the state", body = HandoffView),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn look(
    State(state): State<AppState>,
    _: Admin,
    Path(id): Path<String>,
) -> Result<Json<HandoffView>, Problem> {
    decide(&state, id, &Decision::LookNow).await
}

/// Gives a handoff in doubt up: the chat takes the next way that its author named,
/// or goes back to the assistant. Look on the platform first: if the chat
/// arrived there, live agents and assistant answer the same person from then on.
#[utoipa::path(
    post, path = "/v1/handoffs/{handoff}/give-up", tag = "handoffs",
    params(("handoff" = String, Path, description = "Id of the handoff")),
    request_body = GiveUp,
    responses(
        (status = 200, description = "The handoff, failed", body = HandoffView),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn give_up(
    State(state): State<AppState>,
    admin: Admin,
    Path(id): Path<String>,
    Json(GiveUp { reason }): Json<GiveUp>,
) -> Result<Json<HandoffView>, Problem> {
    let by = format!("the API key {}", admin.key);
    decide(&state, id, &Decision::GiveUp { by, reason }).await
}

async fn decide(state: &AppState, id: String, decision: &Decision) -> Result<Json<HandoffView>, Problem> {
    let decided = state.runtime.decide_handoff(&HandoffId::new(id), decision).await;
    decided.map(|handoff| Json(handoff.into())).map_err(|error| match error {
        DecisionError::Unknown(id) => Problem::not_found(format!("There is no handoff {:?}.", id.as_str())),
        DecisionError::NoReason => Problem::invalid(format!("The `reason` is not accepted: {error}.")),
        DecisionError::NotInDoubt { .. } => Problem::conflict(format!("Nothing was changed: {error}.")),
        DecisionError::Busy => Problem::unavailable(format!("Nothing was changed: {error}."), PAUSE),
        DecisionError::Store(error) => error.into(),
    })
}
