//! `GET /v1/handoffs/{id}`: one handoff with its receipt.

use axum::extract::{Path, State};
use handoff_core::handoff::{Handoff, HandoffState, Receipt};
use handoff_model::{HandoffId, Route};
use serde::Serialize;

use super::super::openapi::ProblemDocument;
use crate::{
    AppState,
    auth::Admin,
    web::{Json, Problem},
};

/// A handoff: where it stands, and the proof of what left. Nothing of what was said after it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct HandoffView {
    id: String,
    conversation: String,
    session: String,
    /// The action that fired.
    node: String,
    connector: String,
    connection: String,
    /// The platform's name, for people.
    platform: String,
    /// How the chat leaves: native, bridge or ticket.
    #[schema(value_type = String)]
    route: Route,
    /// Where it stands, with what is known in that state.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    state: HandoffState,
    /// When the action fired, in milliseconds since 1970 UTC.
    fired_at: i64,
    /// Until when attempts go on, in milliseconds since 1970 UTC.
    give_up_at: i64,
    /// Attempts that counted.
    attempts: u32,
    /// The dead letter that it tries again.
    replay_of: Option<String>,
    /// The handoff that tries this dead letter again.
    replayed_as: Option<String>,
    /// What left, when and to whom.
    #[schema(value_type = Object)]
    receipt: Receipt,
}

/// One handoff.
#[utoipa::path(
    get, path = "/v1/handoffs/{handoff}", tag = "handoffs",
    params(("handoff" = String, Path, description = "Id of the handoff")),
    responses(
        (status = 200, description = "The handoff with its receipt", body = HandoffView),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    _: Admin,
    Path(id): Path<String>,
) -> Result<Json<HandoffView>, Problem> {
    let id = HandoffId::new(id);
    let found = state.runtime.store().handoff(&id).await?;
    let handoff =
        found.ok_or_else(|| Problem::not_found(format!("There is no handoff {:?}.", id.as_str())))?;
    Ok(Json(handoff.into()))
}

impl From<Handoff> for HandoffView {
    fn from(handoff: Handoff) -> Self {
        Self {
            id: handoff.id.to_string(),
            conversation: handoff.conversation.to_string(),
            session: handoff.session.to_string(),
            node: handoff.node.to_string(),
            connector: handoff.connector.to_string(),
            connection: handoff.connection.to_string(),
            platform: handoff.platform,
            route: handoff.route,
            state: handoff.state,
            fired_at: handoff.fired_at.0,
            give_up_at: handoff.give_up_at.0,
            attempts: handoff.attempts,
            replay_of: handoff.replay_of.map(|id| id.to_string()),
            replayed_as: handoff.replayed_as.map(|id| id.to_string()),
            receipt: handoff.receipt,
        }
    }
}
