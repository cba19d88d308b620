//! `GET /v1/connectors`: which connectors the configured accounts use, and what became of the plugin files.

use std::collections::BTreeMap;

use axum::extract::State;
use handoff_model::Plan;
use serde::Serialize;

use super::super::openapi::ProblemDocument;
use crate::{
    AppState,
    auth::Admin,
    console::{ConnectorDesk, ConnectorView, QuarantineView},
    web::Json,
};

/// All connectors that configured accounts use.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ConnectorList {
    connectors: Vec<ConnectorRow>,
    /// What lies in the plugin folder, and how what serves is doing.
    files: Vec<ConnectorView>,
    /// Files that are not opened any more.
    quarantine: Vec<QuarantineView>,
}

/// A connector.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub(crate) struct ConnectorRow {
    id: String,
    /// Whether its plugin is loaded.
    loaded: bool,
    /// The lowest plan that may hand chats to its platform; none: any plan.
    #[schema(value_type = Option<String>)]
    lowest_plan: Option<Plan>,
    /// The configured accounts it serves.
    connections: Vec<String>,
}

/// The connectors of the configured accounts.
#[utoipa::path(
    get, path = "/v1/connectors", tag = "platforms",
    responses(
        (status = 200, description = "The connectors of the configured accounts", body = ConnectorList),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn list(State(state): State<AppState>, _: Admin) -> Json<ConnectorList> {
    let targets = state.runtime.targets();
    let mut rows = BTreeMap::<String, ConnectorRow>::new();
    for missing in &targets.missing {
        rows.entry(missing.to_string()).or_default();
    }
    for target in &targets.targets {
        let row = rows.entry(target.connector.to_string()).or_default();
        row.loaded = true;
        row.connections.push(target.connection.to_string());
    }
    for (connector, plan) in &targets.lowest {
        if let Some(row) = rows.get_mut(connector.as_str()) {
            row.lowest_plan = Some(*plan);
        }
    }
    let connectors = rows.into_iter().map(|(id, row)| ConnectorRow { id, ..row }).collect();
    let desk = state.connectors.as_deref();
    let files = desk.map(ConnectorDesk::files).unwrap_or_default();
    let quarantine = desk.map(ConnectorDesk::quarantine).unwrap_or_default();
    Json(ConnectorList { connectors, files, quarantine })
}
