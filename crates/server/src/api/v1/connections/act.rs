//! `POST /v1/connections/{id}/check` and `…/install`: asks the platform about an account.

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use handoff_core::connections::ActError;
use handoff_model::ConnectionId;
use serde::Serialize;

use super::{super::openapi::ProblemDocument, book};
use crate::{
    AppState,
    auth::Admin,
    web::{Json, Problem},
};

/// What a look at the account found; nothing means that all is well.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Looked {
    findings: Vec<FindingView>,
}

/// Something about the account that a person has to mend.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct FindingView {
    /// Chats can leave all the same.
    only_a_warning: bool,
    /// What is the matter, in the platform's own words.
    problem: String,
    /// What to do about it, and where.
    remedy: String,
}

/// What was set up.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct SetUp {
    /// Lines for the operator. Secrets that the platform gave are stored and not shown.
    notes: Vec<String>,
}

/// Looks over the account on its platform. Only reads.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/check", tag = "platforms",
    params(("connection" = String, Path, description = "Id of the connection")),
    responses(
        (status = 200, description = "What was found", body = Looked),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn check(
    State(state): State<AppState>,
    _: Admin,
    Path(id): Path<String>,
) -> Result<Json<Looked>, Problem> {
    let check = book(&state)?.check(&ConnectionId::new(id)).await.map_err(problem)?;
    let findings = check.findings.into_iter().map(|one| FindingView {
        only_a_warning: one.only_a_warning,
        problem: one.problem,
        remedy: one.remedy,
    });
    Ok(Json(Looked { findings: findings.collect() }))
}

/// Makes what the platform needs to reach this server, as far as the account's key allows. May be repeated.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/install", tag = "platforms",
    params(("connection" = String, Path, description = "Id of the connection")),
    responses(
        (status = 200, description = "It is set up", body = SetUp),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn install(
    State(state): State<AppState>,
    _: Admin,
    Path(id): Path<String>,
) -> Result<Json<SetUp>, Problem> {
    let notes = book(&state)?.install(&ConnectionId::new(id)).await.map_err(problem)?;
    Ok(Json(SetUp { notes }))
}

fn problem(error: ActError) -> Problem {
    match error {
        ActError::Unknown(_) => Problem::not_found(format!("Nothing was done: {error}.")),
        ActError::NotOffered => Problem::conflict(format!("Nothing was done: {error}.")),
        ActError::Failed(_) | ActError::NotKept(_) => {
            Problem::new(StatusCode::BAD_GATEWAY, format!("The platform could not be asked: {error}."))
        }
    }
}
