//! `POST …/messages`: the person says something.

use axum::{extract::State, http::HeaderMap};
use serde::Deserialize;

use super::super::{
    channel::{InChat, OnChannel},
    openapi::ProblemDocument,
};
use crate::{
    AppState,
    chat::{Answer, MessageIn, TurnOut, say},
    web::{Json, Query},
};

/// Whether to wait for the assistant.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WaitQuery {
    /// `reply`: answer with what the assistant says to it.
    #[param(value_type = Option<String>)]
    wait: Option<Wait>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wait {
    Reply,
}

impl WaitQuery {
    /// Whether the client waits for the replies.
    pub(crate) fn waits(&self) -> bool {
        matches!(self.wait, Some(Wait::Reply))
    }
}

/// Accepts a message: 202, or 200 with the replies of its turn for `?wait=reply`. The same
/// `Idempotency-Key` gives the same answer and no second message.
#[utoipa::path(
    post, path = "/v1/channels/{channel}/conversations/{external}/messages", tag = "chat",
    params(
        InChat, WaitQuery,
        ("Idempotency-Key" = Option<String>, Header,
            description = "The same for every attempt to send the same message"),
    ),
    request_body = MessageIn,
    responses(
        (status = 200, description = "With `wait=reply`: the replies of the turn", body = TurnOut),
        (status = 202, description = "Accepted; replies come as events", body = TurnOut),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn send(
    State(state): State<AppState>,
    OnChannel(address): OnChannel,
    Query(query): Query<WaitQuery>,
    headers: HeaderMap,
    Json(input): Json<MessageIn>,
) -> Answer {
    say(state, address, &headers, input, query.waits()).await
}
