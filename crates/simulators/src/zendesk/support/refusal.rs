//! Refusals of the Support API: `error` is a word, or an object with a title and a message.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A refused request.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{status} {body}")]
pub(super) struct Refusal {
    status: StatusCode,
    body: Value,
    retry_after: Option<u64>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, body: Value) -> Self {
        Self { status, body, retry_after: None }
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, json!({ "error": "Couldn't authenticate you" }))
    }

    pub(super) fn invalid_grant() -> Self {
        let description = "The provided authorization grant is invalid, expired or revoked";
        Self::new(
            StatusCode::UNAUTHORIZED,
            json!({ "error": "invalid_grant", "error_description": description }),
        )
    }

    pub(super) fn missing_scope(scope: &str) -> Self {
        let description = format!("You are missing the following required scopes: {scope}");
        Self::new(StatusCode::FORBIDDEN, json!({ "error": "Forbidden", "description": description }))
    }

    /// The other form of a 403, with an object.
    pub(super) fn admins_only() -> Self {
        let message = "You do not have access to this page. Please contact the account owner of this help desk for further help.";
        Self::new(StatusCode::FORBIDDEN, json!({ "error": { "title": "Forbidden", "message": message } }))
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, json!({ "error": "RecordNotFound", "description": "Not found" }))
    }

    pub(super) fn no_endpoint() -> Self {
        Self::new(StatusCode::NOT_FOUND, json!({ "error": "InvalidEndpoint", "description": "Not found" }))
    }

    pub(super) fn bad_request(message: &str) -> Self {
        let body = json!({ "error": { "title": "Invalid attribute", "message": message } });
        Self::new(StatusCode::BAD_REQUEST, body)
    }

    /// 422 for one field of a record.
    pub(super) fn invalid(field: &str, detail: Value) -> Self {
        let body = json!({
            "error": "RecordInvalid", "description": "Record validation errors", "details": { field: [detail] },
        });
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, body)
    }

    pub(super) fn too_many(retry_after: u64) -> Self {
        let body = json!({ "error": "Number of allowed API requests per minute exceeded" });
        Self { retry_after: Some(retry_after), ..Self::new(StatusCode::TOO_MANY_REQUESTS, body) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        // The one refusal that is seen as plain text.
        let mut response = match (self.status, self.body["error"].as_str()) {
            (StatusCode::TOO_MANY_REQUESTS, Some(text)) => (self.status, text.to_owned()).into_response(),
            _ => (self.status, Json(&self.body)).into_response(),
        };
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
