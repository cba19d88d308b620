//! Whether the server lives, and whether it can take work.

use std::time::Duration;

use axum::{Router, extract::State, routing::get};

use crate::{AppState, web::Problem};

/// A store that takes longer than this is not ready.
const SLOWEST: Duration = Duration::from_secs(5);

/// The addresses that orchestrators ask.
pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready))
}

/// The process answers.
async fn live() -> &'static str {
    "live\n"
}

/// Messages can be stored, and the server is not about to stop.
async fn ready(State(state): State<AppState>) -> Result<&'static str, Problem> {
    if state.is_stopping() {
        return Err(Problem::unavailable("The server is about to stop.", 1));
    }
    match tokio::time::timeout(SLOWEST, state.runtime.store().ready()).await {
        Ok(Ok(())) => Ok("ready\n"),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Problem::unavailable("The store does not answer.", 5)),
    }
}
