//! `POST /v1/webchat/{channel}/session`: a browser becomes a visitor.

use axum::http::StatusCode;
use serde::Serialize;

use super::visitor::{WebchatChannel, draw_token};
use crate::web::{Json, Problem};

/// What makes a browser a visitor.
#[derive(Debug, Serialize)]
pub(crate) struct Session {
    /// Whoever has it is the visitor: to be kept, and sent as `Authorization: Bearer`.
    token: String,
}

/// Draws a token. Nothing is stored before the visitor opens the chat with it.
pub(super) async fn open(_: WebchatChannel) -> Result<(StatusCode, Json<Session>), Problem> {
    let token = draw_token().map_err(|error| {
        tracing::error!(%error, "The system gives no randomness");
        Problem::fault()
    })?;
    Ok((StatusCode::CREATED, Json(Session { token })))
}
