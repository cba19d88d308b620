//! `GET /v1/targets`: the accounts that can take chats, and whether the plan allows them.

use axum::extract::State;
use handoff_core::handoff::target::{Target, Targets};
use handoff_model::Route;
use serde::Serialize;

use super::super::openapi::ProblemDocument;
use crate::{AppState, auth::Admin, chat::sentence, web::Json};

/// All accounts that can take chats.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct TargetList {
    targets: Vec<TargetRow>,
}

/// An account that can take chats.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct TargetRow {
    connection: String,
    connector: String,
    /// The platform's name, for people.
    name: String,
    /// How it takes chats.
    #[schema(value_type = Vec<String>)]
    routes: Vec<Route>,
    /// Whether the workspace's plan allows it.
    allowed: bool,
    /// Why it is not allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// The accounts that can take chats.
#[utoipa::path(
    get, path = "/v1/targets", tag = "platforms",
    responses(
        (status = 200, description = "The accounts that can take chats", body = TargetList),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn list(State(state): State<AppState>, _: Admin) -> Json<TargetList> {
    let targets = state.runtime.targets();
    let rows = targets.targets.iter().map(|target| TargetRow::new(target, &targets)).collect();
    Json(TargetList { targets: rows })
}

impl TargetRow {
    fn new(target: &Target, targets: &Targets) -> Self {
        let refusal = targets.allowed_by_plan(&target.connector).err();
        Self {
            connection: target.connection.to_string(),
            connector: target.connector.to_string(),
            name: target.name.clone(),
            routes: target.routes.clone(),
            allowed: refusal.is_none(),
            reason: refusal.map(|refusal| sentence(&refusal)),
        }
    }
}
