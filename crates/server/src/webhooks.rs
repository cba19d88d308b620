//! Webhooks of platforms: `/webhooks/{connection}/…`, any method.
//!
//! The connector verifies and decodes a request; the answer is sent once everything is stored.
//! Addresses, headers and bodies may hold secrets and are never logged.

use std::collections::BTreeMap;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::any,
};
use handoff_core::runtime::WebhookError;
use handoff_model::{ConnectionId, connector::Receive};

use crate::{
    AppState,
    chat::sentence,
    web::{Explained, Problem, WEBHOOK_BODY, read_body, to_its_end, utf8},
};

const PREFIX: &str = "/webhooks/";
/// Seconds after which a platform may send again what could not be handled.
const PAUSE: u64 = 5;

/// The addresses of webhooks.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/webhooks/{connection}", any(receive))
        .route("/webhooks/{connection}/{*rest}", any(receive))
}

/// Takes a request of a platform. `HEAD` only asks whether the connection exists.
async fn receive(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let (name, path) = split(parts.uri.path());
    let connection = ConnectionId::new(name);
    if !state.runtime.connections().iter().any(|known| known.id == connection) {
        return Err(problem(&WebhookError::UnknownConnection));
    }
    if parts.method == Method::HEAD {
        return Ok(StatusCode::OK.into_response());
    }
    let received = read(&state, &parts, path.to_owned(), body).await?;
    let outcome = to_its_end(async move { state.runtime.webhook(&connection, received).await }).await?;
    outcome.map(|(status, body)| answer(status, body)).map_err(|error| problem(&error))
}

/// The connection's name and what follows it, as the client wrote it.
fn split(path: &str) -> (&str, &str) {
    let rest = path.strip_prefix(PREFIX).unwrap_or_default();
    rest.split_once('/').unwrap_or((rest, ""))
}

async fn read(state: &AppState, parts: &Parts, path: String, body: Body) -> Result<Receive, Problem> {
    let body = read_body(&parts.headers, body, WEBHOOK_BODY).await?;
    Ok(Receive {
        method: parts.method.to_string(),
        path,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: plain(&parts.headers),
        body: utf8(&body)?.to_owned(),
        at: state.runtime.clock().now(),
    })
}

/// Headers as text, names in lower case; several of one name are joined by commas.
fn plain(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut plain = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        let Ok(value) = std::str::from_utf8(value.as_bytes()) else { continue };
        plain
            .entry(name.as_str().to_owned())
            .and_modify(|known| {
                known.push_str(", ");
                known.push_str(value);
            })
            .or_insert_with(|| value.to_owned());
    }
    plain
}

/// What the connector says that its platform is to be answered.
fn answer(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let kind = match body.as_bytes() {
        [b'{' | b'[', ..] => "application/json",
        page if page.starts_with(b"<!doctype html>") => "text/html; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    };
    let mut response =
        (status, [(header::CONTENT_TYPE, HeaderValue::from_static(kind))], body).into_response();
    response.extensions_mut().insert(Explained);
    response
}

fn problem(error: &WebhookError) -> Problem {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let problem = Problem::new(status, sentence(error));
    if status == StatusCode::SERVICE_UNAVAILABLE { problem.after(PAUSE) } else { problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_connection_is_passed_on_as_it_was_written() {
        assert_eq!(split("/webhooks/zd"), ("zd", ""));
        assert_eq!(split("/webhooks/zd/"), ("zd", ""));
        assert_eq!(split("/webhooks/zd/a%2Fb/c"), ("zd", "a%2Fb/c"));
    }

    #[test]
    fn headers_become_text_and_what_is_no_text_is_left_out() {
        let mut headers = HeaderMap::new();
        headers.append("X-One", HeaderValue::from_static("a"));
        headers.append("X-One", HeaderValue::from_static("b"));
        headers.insert("x-raw", HeaderValue::from_bytes(b"\xff").unwrap());
        assert_eq!(plain(&headers), BTreeMap::from([("x-one".to_owned(), "a, b".to_owned())]));
    }
}
