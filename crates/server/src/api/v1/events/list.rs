//! `GET …/events`: what is to be shown, listed or streamed.

use axum::{extract::State, http::HeaderMap};

use super::super::{
    channel::{InChat, OnChannel},
    openapi::ProblemDocument,
};
use crate::{
    AppState,
    chat::{Answer, Events, EventsQuery, Line, events},
    web::Query,
};

/// Replies, notices and what live agents wrote after the cursor; as JSON, or as server-sent events
/// for `Accept: text/event-stream`.
#[utoipa::path(
    get, path = "/v1/channels/{channel}/conversations/{external}/events", tag = "chat",
    params(InChat, EventsQuery, ("Last-Event-ID" = Option<u64>, Header, description = "Goes before `after`")),
    responses(
        (status = 200,
            description = "A list, or server-sent events with one line each for `Accept: text/event-stream`", content((Events = "application/json"), (Line = "text/event-stream"))),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    OnChannel(address): OnChannel,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Answer {
    events(state, address, &headers, query).await
}
