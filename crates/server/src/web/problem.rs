//! Errors as clients see them: RFC 9457 problem documents in plain words.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

/// What went wrong, and what to do next.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    retry_after: Option<u64>,
    more: Map<String, Value>,
}

impl Problem {
    /// A problem with this status; the sentence says what happened and what to do next.
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), retry_after: None, more: Map::new() }
    }

    /// 400: the request cannot be read.
    pub(crate) fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 401: nobody knows who calls.
    pub(crate) fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// 403: the caller is known, and may not.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// 404: there is no such thing.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 409: somebody else was faster.
    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    /// 413: more than a limit allows.
    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    /// 422: readable, and not acceptable.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// 503: not now; ask again after some seconds.
    pub(crate) fn unavailable(detail: impl Into<String>, retry_after: u64) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).after(retry_after)
    }

    /// 500: a fault of ours, of which clients see no more than this.
    pub(crate) fn fault() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something went wrong in the server; its log says what. Ask again, with the same Idempotency-Key \
             if the request had one.",
        )
    }

    /// Tells the client to ask again after some seconds.
    pub(crate) fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Adds a member to the document.
    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.more.insert(name.to_owned(), value);
        self
    }

    /// Status and sentence, for whoever shows them in another form.
    pub(crate) fn into_parts(self) -> (StatusCode, String) {
        (self.status, self.detail)
    }

    fn document(&self) -> Value {
        let (slug, title) = kind(self.status);
        let mut document = Map::new();
        document.insert("type".into(), json!(format!("urn:handoff:problem:{slug}")));
        document.insert("title".into(), json!(title));
        document.insert("status".into(), json!(self.status.as_u16()));
        document.insert("detail".into(), json!(self.detail));
        document.extend(self.more.clone());
        Value::Object(document)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.document().to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The last part of a problem's type, and its title.
fn kind(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::BAD_REQUEST => ("unreadable", "The request cannot be read"),
        StatusCode::UNAUTHORIZED => ("unauthenticated", "Who is calling is not known"),
        StatusCode::FORBIDDEN => ("forbidden", "The caller may not do this"),
        StatusCode::NOT_FOUND => ("not-found", "There is nothing here"),
        StatusCode::METHOD_NOT_ALLOWED => ("method-not-allowed", "This address does not take this method"),
        StatusCode::REQUEST_TIMEOUT => ("request-timeout", "The request did not arrive in time"),
        StatusCode::CONFLICT => ("conflict", "Somebody else changed it meanwhile"),
        StatusCode::PAYLOAD_TOO_LARGE => ("too-large", "The request is too large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("unsupported-media-type", "The body is not JSON"),
        StatusCode::UNPROCESSABLE_ENTITY => ("invalid", "The request cannot be accepted"),
        StatusCode::TOO_MANY_REQUESTS => ("busy", "Too much at once"),
        StatusCode::SERVICE_UNAVAILABLE => ("unavailable", "Not available just now"),
        StatusCode::GATEWAY_TIMEOUT => ("timeout", "The answer took too long"),
        status if status.is_client_error() => ("refused", "The request was refused"),
        _ => ("fault", "Something went wrong in the server"),
    }
}
