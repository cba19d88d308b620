//! `GET /v1/conversations`: the Inbox's list.

use axum::extract::State;
use handoff_core::store::ConversationSummary;
use serde::Serialize;

use super::super::openapi::ProblemDocument;
use crate::{
    AppState,
    auth::Admin,
    web::{Json, Paged, Paging, Problem, Query},
};

/// A conversation in the list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ConversationRow {
    id: String,
    channel: String,
    /// Name of the person, as far as known.
    person: String,
    /// Who holds it: free, session, handoff, platform or taken.
    held_by: String,
    /// The beginning of the last message from before any handoff.
    last_text: String,
    /// When something last happened that the Inbox shows, in milliseconds since 1970 UTC.
    updated: i64,
    #[serde(skip)]
    cursor: String,
}

/// Conversations, the latest first.
#[utoipa::path(
    get, path = "/v1/conversations", tag = "inbox",
    params(Paging),
    responses(
        (status = 200, description = "A page, the latest first", body = Paged<ConversationRow>),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    _: Admin,
    Query(paging): Query<Paging>,
) -> Result<Json<Paged<ConversationRow>>, Problem> {
    let page = paging.page()?;
    let asked = page.limit;
    let rows = state.runtime.store().conversations(page).await?;
    let rows = rows.into_iter().map(ConversationRow::from).collect();
    Ok(Json(Paged::new(rows, asked, |row: &ConversationRow| &row.cursor)))
}

impl From<ConversationSummary> for ConversationRow {
    fn from(row: ConversationSummary) -> Self {
        Self {
            id: row.id.to_string(),
            channel: row.channel.to_string(),
            person: row.person,
            held_by: row.held_by,
            last_text: row.last_text,
            updated: row.updated.0,
            cursor: row.cursor,
        }
    }
}
