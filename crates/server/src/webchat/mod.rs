//! The webchat: a widget for browsers, and the addresses it uses.
//!
//! A visitor is whoever has the token that `session` drew. It is sent as `Authorization: Bearer`,
//! never as a cookie, so that no other site can use it; the server keeps only its hash, as the
//! conversation's name on the channel.

mod assets;
mod page;
mod session;
mod talk;
mod visitor;

use axum::{
    Router,
    http::{HeaderName, HeaderValue, Method, header},
    routing::{get, post},
};
use std::time::Duration;
use tower_http::cors::CorsLayer;

use crate::{AppState, Options};

/// How long a browser may remember what other sites may do.
const REMEMBER: Duration = Duration::from_secs(600);

/// The widget's files, its page, and the addresses it uses.
pub(crate) fn routes(options: &Options) -> Router<AppState> {
    let chat = Router::new()
        .route("/session", post(session::open))
        .route("/start", post(talk::start))
        .route("/messages", post(talk::send))
        .route("/events", get(talk::list))
        .route("/ack", post(talk::ack))
        .route("/files", get(talk::file_rules).post(talk::upload))
        .route("/files/{blob}", get(talk::download));
    Router::new()
        .nest("/v1/webchat/{channel}", chat)
        .route("/webchat/widget.js", get(assets::script))
        .route("/webchat/widget.css", get(assets::style))
        .layer(other_sites(options))
        .route("/webchat/page.css", get(assets::page_style))
        .route("/webchat/{channel}", get(page::page))
}

/// Lets the sites that the operator named use the webchat, and no others.
fn other_sites(options: &Options) -> CorsLayer {
    let origins = options.webchat_origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    CorsLayer::new()
        .allow_origin(origins.collect::<Vec<_>>())
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
        ])
        .expose_headers([header::RETRY_AFTER])
        .max_age(REMEMBER)
}
