//! `PUT /v1/assistants/{id}/draft?revision=`: saves a draft.

use axum::extract::{Path, State};
use handoff_core::assistant::{Finding, read::LONGEST};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::openapi::ProblemDocument;
use crate::{
    AppState,
    auth::Admin,
    web::{Json, Problem, Query, to_its_end},
};

/// Which draft was changed.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DraftQuery {
    /// The revision that was changed: another one meanwhile gives 409. 0: the assistant must be new.
    /// Left out: whatever is there is replaced.
    revision: Option<u64>,
}

/// A saved draft.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Saved {
    /// Number of the new revision.
    revision: u64,
    /// What is to be said about the draft; it may be unfinished.
    #[schema(value_type = Vec<Object>)]
    findings: Vec<Finding>,
}

/// Saves the definition in the body as the draft of the assistant it names.
#[utoipa::path(
    put, path = "/v1/assistants/{assistant}/draft", tag = "assistants",
    params(("assistant" = String, Path, description = "Id of the assistant"), DraftQuery),
    request_body(content = Object, description = "The definition", content_type = "application/json"),
    responses(
        (status = 200, description = "Saved", body = Saved),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn put_draft(
    State(state): State<AppState>,
    _: Admin,
    Path(id): Path<String>,
    Query(query): Query<DraftQuery>,
    Json(definition): Json<Value, LONGEST>,
) -> Result<Json<Saved>, Problem> {
    let named = definition.get("id").and_then(Value::as_str);
    if named.is_some_and(|named| named != id) {
        return Err(Problem::invalid(format!(
            "The address names the assistant {id:?}, and the field `id` of the definition another one."
        )));
    }
    let json = definition.to_string();
    let work = async move { state.runtime.save_draft(&json, query.revision).await };
    let (revision, findings) = to_its_end(work).await??;
    Ok(Json(Saved { revision, findings }))
}
