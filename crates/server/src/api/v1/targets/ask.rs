//! `GET /v1/targets/{connection}/availability` and `…/options/{field}`: what an account says just now.

use axum::extract::{Path, State};
use handoff_model::{
    ConnectionId,
    connector::{Availability, Choice},
};
use serde::Serialize;
use serde_json::json;

use super::super::openapi::ProblemDocument;
use crate::{
    AppState,
    auth::Admin,
    web::{Json, Problem},
};

/// Seconds after which it may be asked again.
const PAUSE: u64 = 5;

/// Whether live agents are there.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct AvailabilityView {
    /// `yes`, `no`, or `unknown` when the platform does not say; a look counts for 15 seconds.
    #[schema(value_type = String)]
    available: Availability,
}

/// What can be chosen.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ChoiceList {
    choices: Vec<ChoiceRow>,
}

/// One choice.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ChoiceRow {
    /// What is stored in the action's options.
    value: String,
    /// Its name for people.
    label: String,
}

/// Whether live agents of an account are there.
#[utoipa::path(
    get, path = "/v1/targets/{connection}/availability", tag = "platforms",
    params(("connection" = String, Path, description = "Id of the connection")),
    responses(
        (status = 200, description = "Whether live agents are there", body = AvailabilityView),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn availability(
    State(state): State<AppState>,
    _: Admin,
    Path(connection): Path<String>,
) -> Result<Json<AvailabilityView>, Problem> {
    let connection = known(&state, connection)?;
    Ok(Json(AvailabilityView { available: state.runtime.availability(&connection, &json!({})).await }))
}

/// What can be chosen for a field of the External Handoff's options, or of the connection's settings.
#[utoipa::path(
    get, path = "/v1/targets/{connection}/options/{field}", tag = "platforms",
    params(
        ("connection" = String, Path, description = "Id of the connection"),
        ("field" = String, Path, description = "Name of the field, such as `group` or `line`"),
    ),
    responses(
        (status = 200, description = "What can be chosen", body = ChoiceList),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn options(
    State(state): State<AppState>,
    _: Admin,
    Path((connection, field)): Path<(String, String)>,
) -> Result<Json<ChoiceList>, Problem> {
    let connection = known(&state, connection)?;
    let choices = state.runtime.choices(&connection, &field).await.map_err(|cause| {
        Problem::unavailable(
            format!("what can be chosen for {field:?} is not known just now: {cause}"),
            PAUSE,
        )
    })?;
    let row = |choice: &Choice| ChoiceRow { value: choice.value.clone(), label: choice.label.clone() };
    Ok(Json(ChoiceList { choices: choices.iter().map(row).collect() }))
}

fn known(state: &AppState, connection: String) -> Result<ConnectionId, Problem> {
    let id = ConnectionId::new(connection);
    match state.runtime.manifest(&id) {
        Some(_) => Ok(id),
        None => Err(Problem::not_found(format!(
            "there is no connection {id} whose connector is loaded; GET /v1/targets lists those there are"
        ))),
    }
}
