//! What every request and every answer goes through.

mod explain;
mod headers;
mod json;
mod limits;
mod paging;
mod problem;
mod query;
mod watchdog;

use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;

pub(crate) use explain::{Explained, nowhere};
pub(crate) use headers::{PAGE, accepts_stream, idempotency_key};
pub(crate) use json::Json;
pub(crate) use limits::{
    Incoming, LONGEST_EXTERNAL_ID, LONGEST_FIELD, LONGEST_KEY, LONGEST_TEXT, LONGEST_WAIT_MS, MESSAGE_BODY,
    WEBHOOK_BODY, read_body, utf8,
};
pub(crate) use paging::{Paged, Paging};
pub(crate) use problem::Problem;
pub(crate) use query::Query;
pub(crate) use watchdog::to_its_end;

use crate::{AppState, metrics};

/// Puts the common layers around routes, innermost first.
pub(crate) fn around(routes: Router<AppState>, state: &AppState) -> Router<AppState> {
    routes
        .layer(middleware::from_fn_with_state(state.clone(), watchdog::in_time))
        .layer(CatchPanicLayer::custom(watchdog::panicked))
        .layer(middleware::from_fn(explain::explain))
        .layer(middleware::from_fn_with_state(state.clone(), metrics::count))
        .layer(middleware::from_fn(headers::secure))
}
