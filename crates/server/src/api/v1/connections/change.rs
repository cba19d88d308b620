//! `PUT /v1/connections/{id}` and `DELETE /v1/connections/{id}`: adds, edits and removes accounts.

use std::collections::BTreeMap;

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use handoff_core::connections::{ChangeError, Draft};
use handoff_model::{AssistantId, ConnectionId, ConnectorId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::openapi::ProblemDocument,
    book,
    list::{ConnectionView, find},
};
use crate::{
    AppState,
    auth::Admin,
    web::{Json, Problem, Query},
};

/// A connection as it is to be.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectionIn {
    /// The connector that serves it.
    connector: String,
    /// The assistant that answers on the platform's own channel.
    assistant: Option<String>,
    /// As the connector's schema says.
    #[serde(default)]
    #[schema(value_type = Object)]
    settings: Value,
    /// Secrets to set; null forgets one. Those that are not named stay.
    #[serde(default)]
    secrets: BTreeMap<String, Option<String>>,
    /// The revision that was read; without it a new connection is added.
    #[serde(default)]
    revision: u64,
}

/// Which revision is meant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    #[serde(default)]
    revision: u64,
}

/// Adds or edits a connection. It serves when this is answered.
#[utoipa::path(
    put, path = "/v1/connections/{connection}", tag = "platforms",
    params(("connection" = String, Path, description = "Id of the connection")),
    request_body = ConnectionIn,
    responses(
        (status = 200, description = "The connection, serving", body = ConnectionView),
        (status = "default", description = "What went wrong, and what to do next; `fields` says what is wrong with each",
            body = ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    _: Admin,
    Path(id): Path<String>,
    Json(wanted): Json<ConnectionIn>,
) -> Result<Json<ConnectionView>, Problem> {
    let ConnectionIn { connector, assistant, settings, secrets, revision } = wanted;
    let settings = if settings.is_null() { json!({}) } else { settings };
    let secrets = secrets.into_iter().map(|(name, value)| (name, value.map(Into::into))).collect();
    let draft = Draft {
        id: ConnectionId::new(id.clone()),
        connector: ConnectorId::new(connector),
        assistant: assistant.map(AssistantId::new),
        settings,
        secrets,
        revision,
    };
    book(&state)?.save(draft).await.map_err(problem)?;
    find(&state, &id).map(Json)
}

/// Removes a connection with its secrets, once its handoffs are at their end. Nothing is changed on the platform.
#[utoipa::path(
    delete, path = "/v1/connections/{connection}", tag = "platforms",
    params(
        ("connection" = String, Path, description = "Id of the connection"),
        ("revision" = u64, Query, description = "The revision that was read"),
    ),
    responses(
        (status = 204, description = "It is removed"),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    _: Admin,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Result<StatusCode, Problem> {
    book(&state)?.remove(&ConnectionId::new(id), which.revision).await.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}

fn problem(error: ChangeError) -> Problem {
    let nothing = |error: &ChangeError| format!("Nothing was changed: {error}.");
    match error {
        ChangeError::Fields(fields) => {
            let said: Vec<_> = fields.iter().map(|one| format!("{}: {}", one.field, one.problem)).collect();
            let fields: Vec<_> =
                fields.iter().map(|one| json!({ "field": one.field, "problem": one.problem })).collect();
            Problem::invalid(format!("The connection is not accepted. {}", said.join(" ")))
                .with("fields", json!(fields))
        }
        ChangeError::Unknown(_) => Problem::not_found(nothing(&error)),
        ChangeError::InFile(_) | ChangeError::Changed | ChangeError::InUse(_) => {
            Problem::conflict(nothing(&error))
        }
        ChangeError::NotServed(reason) => Problem::unavailable(format!("It was stored, but {reason}."), 5),
        ChangeError::Store(error) => error.into(),
    }
}
