//! Headers: those that keep browsers safe, and those that clients send.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

use super::{LONGEST_KEY, Problem};

/// Content-Security-Policy of what is not a page: nothing may be loaded or run.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// The beginning of a page's Content-Security-Policy: only our own files, no inline code.
pub(crate) const PAGE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                               img-src 'self' data:; font-src 'self'; form-action 'self'; base-uri 'none'";

const SENT_ALWAYS: [(HeaderName, &str); 2] =
    [(header::X_CONTENT_TYPE_OPTIONS, "nosniff"), (header::REFERRER_POLICY, "no-referrer")];

const SENT_UNLESS_SET: [(HeaderName, &str); 2] =
    [(header::CONTENT_SECURITY_POLICY, NOTHING), (header::CACHE_CONTROL, "no-store")];

/// Adds the headers that keep browsers safe.
pub(super) async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in SENT_ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for (name, value) in SENT_UNLESS_SET {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Whether the client asks for a stream of events.
pub(crate) fn accepts_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted
        .flat_map(|value| value.split(','))
        .any(|range| range.split(';').next().is_some_and(|kind| kind.trim() == "text/event-stream"))
}

/// The `Idempotency-Key` header.
///
/// # Errors
/// 422 when it is empty, too long, or not of visible ASCII characters.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().unwrap_or_default();
    if key.is_empty() || key.len() > LONGEST_KEY || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Problem::invalid(format!(
            "The header Idempotency-Key must have 1 to {LONGEST_KEY} visible ASCII characters."
        )));
    }
    Ok(Some(key.to_owned()))
}
