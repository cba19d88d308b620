//! `POST …/events/ack`: the client keeps everything up to a cursor.

use axum::extract::State;

use super::super::{
    channel::{InChat, OnChannel},
    openapi::ProblemDocument,
};
use crate::{
    AppState,
    chat::{AckIn, Answer, acknowledge},
    web::Json,
};

/// Marks replies as delivered and deletes what live agents wrote, up to the cursor.
#[utoipa::path(
    post, path = "/v1/channels/{channel}/conversations/{external}/events/ack", tag = "chat",
    params(InChat),
    request_body = AckIn,
    responses(
        (status = 204, description = "Acknowledged"),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn ack(
    State(state): State<AppState>,
    OnChannel(address): OnChannel,
    Json(input): Json<AckIn>,
) -> Answer {
    acknowledge(state, address, input).await
}
