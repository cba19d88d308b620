//! Time-outs, panics, and work that goes on when nobody waits for it any more.

use std::any::Any;

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::Problem;
use crate::AppState;

/// Ends a request whose answer does not begin in time.
pub(super) async fn in_time(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let limit = state.options.request_timeout;
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(
            StatusCode::GATEWAY_TIMEOUT,
            "The answer took too long. What was asked may still be done: ask again with the same \
             Idempotency-Key.",
        )
        .into_response(),
    }
}

/// Answers for a handler that panicked. What it said is not logged: it may quote what a person wrote.
pub(super) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("A handler panicked");
    Problem::fault().into_response()
}

/// Runs work to its end even when the client goes away or the time is up: what was begun with a
/// conversation is not dropped half-way.
///
/// # Errors
/// 500 when it panicked.
pub(crate) async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Problem> {
    tokio::spawn(work).await.map_err(|error| {
        tracing::error!(panicked = error.is_panic(), "The work of a request did not come to its end");
        Problem::fault()
    })
}
