//! `GET /webchat/{channel}`: a page with nothing but the chat.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{Html, IntoResponse, Response},
};

use super::visitor::WebchatChannel;
use crate::{
    AppState, Options,
    web::{PAGE, Problem},
};

#[derive(Template)]
#[template(path = "webchat.html")]
struct Page<'a> {
    channel: &'a str,
    title: &'a str,
}

/// The page.
pub(super) async fn page(
    State(state): State<AppState>,
    WebchatChannel(channel): WebchatChannel,
) -> Result<Response, Problem> {
    let page = Page { channel: channel.as_str(), title: &state.options.webchat_title };
    let html = page.render().map_err(|error| {
        tracing::error!(%error, "The webchat's page could not be rendered");
        Problem::fault()
    })?;
    Ok(([(header::CONTENT_SECURITY_POLICY, policy(&state.options))], Html(html)).into_response())
}

/// Only our own files, and only the sites that the operator named may frame the page.
fn policy(options: &Options) -> HeaderValue {
    let is_origin = |origin: &&String| !origin.contains([' ', ';', ',', '\'', '*']);
    let origins: Vec<&str> = options.webchat_origins.iter().filter(is_origin).map(String::as_str).collect();
    let text = format!("{PAGE}; frame-ancestors 'self' {}", origins.join(" "));
    HeaderValue::from_str(text.trim_end()).unwrap_or(HeaderValue::from_static(PAGE))
}
