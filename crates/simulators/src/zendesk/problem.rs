//! Refusals of the Conversations API, in its error envelope.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A refused request: `{"errors":[{"code","title"}]}` with its status.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{status} {code}: {title}")]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    title: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, title: impl Into<String>) -> Self {
        Self { status, code, title: title.into() }
    }

    pub(super) fn bad_request(title: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", title)
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Authorization is required")
    }

    pub(super) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Forbidden")
    }

    /// 404 for a thing with a code of its own: `app`, `user`, `conversation`, ...
    pub(super) fn missing(code: &'static str, title: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, title)
    }

    pub(super) fn conversation_missing() -> Self {
        Self::missing("conversation_not_found", "Conversation not found")
    }

    pub(super) fn user_missing() -> Self {
        Self::missing("user_not_found", "User not found")
    }

    pub(super) fn integration_missing() -> Self {
        Self::missing("integration_not_found", "Integration not found")
    }

    pub(super) fn not_found(title: &str) -> Self {
        Self::missing("not_found", title)
    }

    /// A refusal whose status a switch decides.
    pub(super) fn switched(status: u16, title: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        Self::new(status, code_for(status), title)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({ "errors": [{ "code": self.code, "title": self.title }] });
        (self.status, Json(body)).into_response()
    }
}

/// The error body for a status that a fault asks for.
pub(super) fn error_body(status: StatusCode) -> Value {
    let title = status.canonical_reason().unwrap_or("Error");
    json!({ "errors": [{ "code": code_for(status), "title": title }] })
}

fn code_for(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "bad_request",
        401 => "unauthorized",
        402 => "payment_required",
        403 => "forbidden",
        404 => "not_found",
        409 => "conflict",
        413 => "payload_too_large",
        423 => "locked",
        429 => "too_many_requests",
        503 => "service_unavailable",
        _ => "internal_server_error",
    }
}
