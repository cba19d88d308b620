//! The server's edges: the HTTP API, the webchat, the webhooks of platforms, health and metrics.
//!
//! [`router`] puts them together. `api` is for programs with a key, `webchat` for persons with a
//! browser, `webhooks` for platforms; `chat` is what the first two share. `auth` says who calls,
//! `web` is what every answer goes through: limits, problem documents, headers. [`console`] has the pages
//! for people who look after the server; its router is merged beside this one.

mod api;
mod auth;
mod chat;
pub mod console;
mod health;
mod metrics;
mod receipts;
mod state;
mod web;
mod webchat;
mod webhooks;

use axum::Router;

pub use auth::{ApiKey, ApiKeys, KeyError, Scope, UnknownScope};
pub use chat::FileTypes;
pub use receipts::{ReceiptKey, ReceiptKeyError, SignedReceipt};
pub use state::{AppState, Options};

/// Everything the server answers.
pub fn router(state: AppState) -> Router {
    let routes = Router::new()
        .merge(api::routes())
        .merge(webchat::routes(&state.options))
        .merge(webhooks::routes())
        .merge(health::routes())
        .merge(metrics::routes())
        .fallback(web::nowhere);
    web::around(routes, &state).with_state(state)
}
