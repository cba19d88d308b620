//! `POST …/start`: the person opened the chat and has said nothing yet.

use axum::extract::State;

use super::super::{
    channel::{InChat, OnChannel},
    messages::send::WaitQuery,
    openapi::ProblemDocument,
};
use crate::{
    AppState,
    chat::{Answer, StartIn, TurnOut, start as start_chat},
    web::{Json, Query},
};

/// Lets the assistant greet; does nothing while a session is running.
#[utoipa::path(
    post, path = "/v1/channels/{channel}/conversations/{external}/start", tag = "chat",
    params(InChat, WaitQuery),
    request_body = StartIn,
    responses(
        (status = 200, description = "With `wait=reply`: the greeting", body = TurnOut),
        (status = 202, description = "Accepted; the greeting comes as events", body = TurnOut),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn start(
    State(state): State<AppState>,
    OnChannel(address): OnChannel,
    Query(query): Query<WaitQuery>,
    Json(input): Json<StartIn>,
) -> Answer {
    start_chat(state, address, input, query.waits()).await
}
