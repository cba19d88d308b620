//! `GET /v1/plans`: the workspace's plan, and which plan each connector asks for.

use std::collections::BTreeMap;

use axum::extract::State;
use handoff_model::Plan;
use serde::Serialize;

use super::super::openapi::ProblemDocument;
use crate::{AppState, auth::Admin, web::Json};

/// The workspace's plan and the table it is compared with.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Plans {
    /// What the workspace pays for.
    #[schema(value_type = String)]
    plan: Plan,
    /// The lowest plan by connector; a connector that is not listed asks for none.
    #[schema(value_type = Object)]
    lowest: BTreeMap<String, Plan>,
}

/// The workspace's plan.
#[utoipa::path(
    get, path = "/v1/plans", tag = "platforms",
    responses(
        (status = 200, description = "The plan and the table it is compared with", body = Plans),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn show(State(state): State<AppState>, _: Admin) -> Json<Plans> {
    let targets = state.runtime.targets();
    let lowest = targets.lowest.iter().map(|(id, plan)| (id.to_string(), *plan)).collect();
    Json(Plans { plan: targets.plan.unwrap_or(Plan::Free), lowest })
}
