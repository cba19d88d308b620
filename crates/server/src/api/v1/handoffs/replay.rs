//! `POST /v1/handoffs/{id}/replay`, `POST /v1/handoffs/replay`: tries dead letters again.

use axum::extract::{Path, State};
use handoff_core::{
    runtime::ReplayError,
    session::{Repair, ReplayRefusal},
};
use handoff_model::{ConnectionId, ConnectorId, HandoffId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{super::openapi::ProblemDocument, show::HandoffView};
use crate::{
    AppState,
    auth::Admin,
    web::{Json, Problem},
};

/// Dead letters in one request.
const MOST: usize = 200;
/// Seconds after which it may be tried again.
const PAUSE: u64 = 1;

/// What is mended before a dead letter is tried again. Empty: nothing.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Mend {
    /// Another platform: a connector's id.
    platform: Option<String>,
    /// Which account, when there are several.
    connection: Option<String>,
    /// Changes to the author's options, as a JSON merge patch.
    #[schema(value_type = Object)]
    options: Option<Value>,
    /// Another time for attempts, in seconds.
    budget_seconds: Option<u64>,
}

/// Which dead letters, and what is mended before.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Many {
    /// Ids of the failed handoffs: 1 to 200.
    handoffs: Vec<String>,
    /// What is mended, for all of them.
    #[serde(default)]
    mend: Mend,
}

/// What became of each.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Replays {
    items: Vec<Replayed>,
}

/// What became of one.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Replayed {
    /// The dead letter.
    handoff: String,
    /// The handoff that tries it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    replayed_as: Option<String>,
    /// Why it is not tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

/// Tries a failed handoff again, as a new one with the history until now.
#[utoipa::path(
    post, path = "/v1/handoffs/{handoff}/replay", tag = "handoffs",
    params(("handoff" = String, Path, description = "Id of the failed handoff")),
    request_body = Mend,
    responses(
        (status = 200, description = "The new handoff", body = HandoffView),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn one(
    State(state): State<AppState>,
    _: Admin,
    Path(id): Path<String>,
    Json(mend): Json<Mend>,
) -> Result<Json<HandoffView>, Problem> {
    let again = state.runtime.replay(&HandoffId::new(id), &mend.into()).await.map_err(problem)?;
    Ok(Json(again.into()))
}

/// Tries many failed handoffs again. Each is decided by itself: some may be refused.
#[utoipa::path(
    post, path = "/v1/handoffs/replay", tag = "handoffs",
    request_body = Many,
    responses(
        (status = 200, description = "What became of each", body = Replays),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn many(
    State(state): State<AppState>,
    _: Admin,
    Json(Many { handoffs, mend }): Json<Many>,
) -> Result<Json<Replays>, Problem> {
    if handoffs.is_empty() || handoffs.len() > MOST {
        return Err(Problem::invalid(format!("`handoffs` must have 1 to {MOST} ids.")));
    }
    let repair = Repair::from(mend);
    let mut items = Vec::with_capacity(handoffs.len());
    for handoff in handoffs {
        items.push(match state.runtime.replay(&HandoffId::new(&handoff), &repair).await {
            Ok(again) => Replayed { handoff, replayed_as: Some(again.id.to_string()), refused: None },
            Err(error @ ReplayError::Fault(_)) => return Err(problem(error)),
            Err(error) => Replayed { handoff, replayed_as: None, refused: Some(error.to_string()) },
        });
    }
    Ok(Json(Replays { items }))
}

impl From<Mend> for Repair {
    fn from(mend: Mend) -> Self {
        Self {
            platform: mend.platform.map(ConnectorId::new),
            connection: mend.connection.map(ConnectionId::new),
            options: mend.options,
            budget_seconds: mend.budget_seconds,
        }
    }
}

fn problem(error: ReplayError) -> Problem {
    match error {
        ReplayError::Unknown(id) => Problem::not_found(format!("There is no handoff {:?}.", id.as_str())),
        ReplayError::Repair(_) | ReplayError::Refused(ReplayRefusal::Target(_)) => {
            Problem::invalid(format!("Nothing was done: {error}."))
        }
        ReplayError::Refused(_) => Problem::conflict(format!("Nothing was done: {error}.")),
        ReplayError::Busy => Problem::unavailable(format!("Nothing was done: {error}."), PAUSE),
        ReplayError::Fault(error) => error.into(),
    }
}
