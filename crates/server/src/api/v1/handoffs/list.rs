//! `GET /v1/handoffs`: the latest first, all or those in one state.

use axum::extract::State;
use handoff_core::store::HandoffSummary;
use serde::{Deserialize, Serialize};

use super::super::openapi::ProblemDocument;
use crate::{
    AppState,
    auth::Admin,
    web::{Json, Paged, Paging, Problem, Query},
};

const STATES: [&str; 8] = handoff_core::handoff::HandoffState::NAMES;

/// Which handoffs.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HandoffsQuery {
    /// Only those in this state.
    state: Option<String>,
    /// The `next` of the page before; none for the first page.
    after: Option<String>,
    /// Rows on a page: 50 unless said, at most 200.
    limit: Option<usize>,
}

/// A handoff in the list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct HandoffRow {
    id: String,
    conversation: String,
    connector: String,
    connection: String,
    /// The platform's name, for people.
    platform: String,
    /// Its state in one word.
    state: String,
    /// When it fired, in milliseconds since 1970 UTC.
    fired_at: i64,
    #[serde(skip)]
    cursor: String,
}

/// Handoffs, the latest first.
#[utoipa::path(
    get, path = "/v1/handoffs", tag = "handoffs",
    params(HandoffsQuery),
    responses(
        (status = 200, description = "A page, the latest first", body = Paged<HandoffRow>),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    _: Admin,
    Query(query): Query<HandoffsQuery>,
) -> Result<Json<Paged<HandoffRow>>, Problem> {
    let wanted = query.state.as_deref();
    if wanted.is_some_and(|wanted| !STATES.contains(&wanted)) {
        return Err(Problem::invalid(format!("`state` must be one of {}.", STATES.join(", "))));
    }
    let page = Paging { after: query.after, limit: query.limit }.page()?;
    let asked = page.limit;
    let rows = state.runtime.store().handoffs(wanted, page).await?;
    let rows = rows.into_iter().map(HandoffRow::from).collect();
    Ok(Json(Paged::new(rows, asked, |row: &HandoffRow| &row.cursor)))
}

impl From<HandoffSummary> for HandoffRow {
    fn from(row: HandoffSummary) -> Self {
        Self {
            id: row.id.to_string(),
            conversation: row.conversation.to_string(),
            connector: row.connector.to_string(),
            connection: row.connection.to_string(),
            platform: row.platform,
            state: row.state,
            fired_at: row.fired_at.0,
            cursor: row.cursor,
        }
    }
}
