//! What goes around every page of the console: headers, a time limit, the end of a panic.

use std::{any::Any, time::Duration};

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::answer::Trouble;

/// Only our own files, no inline code, no frames around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// How long a page may take.
const SLOWEST: Duration = Duration::from_secs(60);

// The referrer stays within the site: with `no-referrer`, browsers hide the origin of forms from us too.
const ALWAYS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Adds the headers that keep browsers safe. Pages are not cached: they belong to who is signed in.
pub(super) async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Ends a request that takes too long.
pub(super) async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(SLOWEST, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Trouble::unavailable("The page took too long. Load it again.").into_response(),
    }
}

/// Answers for a handler that panicked. What it said is not logged: it may quote what a person wrote.
pub(super) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("A page of the console panicked");
    Trouble::fault().into_response()
}
