//! `GET /v1/connections` and `GET /v1/connections/{id}`: accounts on platforms. Secrets are named and never shown.

use axum::extract::{Path, State};
use handoff_core::connections::{Book, Standing};
use handoff_model::ConnectionId;
use serde::Serialize;
use serde_json::Value;

use super::{super::openapi::ProblemDocument, book};
use crate::{
    AppState,
    auth::Admin,
    web::{Json, Problem},
};

/// All connections.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ConnectionList {
    connections: Vec<ConnectionView>,
}

/// An account on a platform.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ConnectionView {
    id: String,
    /// The connector that serves it.
    connector: String,
    /// The assistant that answers on the platform's own channel.
    assistant: Option<String>,
    /// As the connector's schema says.
    #[schema(value_type = Object)]
    settings: Value,
    /// Names of the secrets that are stored.
    secrets: Vec<String>,
    /// It stands in the configuration file and cannot be changed here.
    in_file: bool,
    /// To be named when it is changed; 0 when nothing of it is kept here.
    revision: u64,
    /// Where the platform is to send its events.
    webhook_url: String,
    /// What keeps it from working; empty when it serves.
    problems: Vec<String>,
}

impl ConnectionView {
    pub(super) fn new(book: &Book, standing: Standing) -> Self {
        let Standing { entry, problems, .. } = standing;
        Self {
            webhook_url: book.webhook_url(&entry.id),
            id: entry.id.to_string(),
            connector: entry.connector.to_string(),
            assistant: entry.assistant.map(|id| id.to_string()),
            settings: entry.settings,
            secrets: entry.secrets.into_keys().collect(),
            in_file: entry.in_file,
            revision: entry.revision,
            problems,
        }
    }
}

/// All connections, by id.
#[utoipa::path(
    get, path = "/v1/connections", tag = "platforms",
    responses(
        (status = 200, description = "All connections", body = ConnectionList),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn list(State(state): State<AppState>, _: Admin) -> Result<Json<ConnectionList>, Problem> {
    let book = book(&state)?;
    let connections = book.list().into_iter().map(|standing| ConnectionView::new(book, standing)).collect();
    Ok(Json(ConnectionList { connections }))
}

/// A connection.
#[utoipa::path(
    get, path = "/v1/connections/{connection}", tag = "platforms",
    params(("connection" = String, Path, description = "Id of the connection")),
    responses(
        (status = 200, description = "The connection", body = ConnectionView),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    _: Admin,
    Path(id): Path<String>,
) -> Result<Json<ConnectionView>, Problem> {
    find(&state, &id).map(Json)
}

/// The connection as it is now.
pub(super) fn find(state: &AppState, id: &str) -> Result<ConnectionView, Problem> {
    let book = book(state)?;
    let missing = || Problem::not_found(format!("There is no connection {id:?}."));
    let standing = book.find(&ConnectionId::new(id)).ok_or_else(missing)?;
    Ok(ConnectionView::new(book, standing))
}
