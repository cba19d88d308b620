//! Answers and errors in the platform's envelopes.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::super::views;

/// A successful call's answer.
#[derive(Debug, Clone)]
pub(in super::super) struct Answer {
    pub(in super::super) result: Value,
    /// How many there are, on lists.
    pub(in super::super) total: Option<usize>,
    /// Where the next page starts, if there is one.
    pub(in super::super) next: Option<usize>,
}

/// A refused call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Error {
    pub(in super::super) status: StatusCode,
    pub(in super::super) code: &'static str,
    pub(in super::super) text: &'static str,
}

/// What a method gives back.
pub(in super::super) type Outcome = Result<Answer, Error>;

/// An answer without pages.
pub(in super::super) fn ok(result: Value) -> Outcome {
    Ok(Answer { result, total: None, next: None })
}

/// A wrong request: 400.
pub(in super::super) fn bad(code: &'static str, text: &'static str) -> Error {
    Error { status: StatusCode::BAD_REQUEST, code, text }
}

/// A request that is not allowed: 403.
pub(in super::super) fn forbidden(code: &'static str, text: &'static str) -> Error {
    Error { status: StatusCode::FORBIDDEN, code, text }
}

/// An error with a status of its own.
pub(in super::super) fn error(status: StatusCode, code: &'static str, text: &'static str) -> Error {
    Error { status, code, text }
}

/// The error body for a status that a fault asks for.
pub(in super::super) fn fault_body(status: StatusCode) -> Value {
    let (code, text) = match status.as_u16() {
        401 => ("expired_token", "The access token provided has expired"),
        403 => ("ACCESS_DENIED", "REST is available only on commercial plans."),
        404 => ("ERROR_METHOD_NOT_FOUND", "Method not found!"),
        429 => ("OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit."),
        503 => ("QUERY_LIMIT_EXCEEDED", "Too many requests"),
        500.. => ("INTERNAL_SERVER_ERROR", "Internal server error"),
        _ => ("INVALID_REQUEST", "Invalid request"),
    };
    json!({ "error": code, "error_description": text })
}

impl Answer {
    /// The envelope, with the times in simulated milliseconds.
    pub(in super::super) fn to_json(&self, began_ms: i64, ended_ms: i64) -> Value {
        let seconds = |ms: i64| ms as f64 / 1000.0;
        let took = seconds(ended_ms - began_ms);
        let mut body = json!({
            "result": self.result,
            "time": {
                "start": seconds(began_ms),
                "finish": seconds(ended_ms),
                "duration": took,
                "processing": took,
                "date_start": views::date(began_ms),
                "date_finish": views::date(ended_ms),
                "operating_reset_at": began_ms / 1000 + 600,
                "operating": took,
            },
        });
        for (name, value) in [("total", self.total), ("next", self.next)] {
            if let Some(value) = value {
                body[name] = json!(value);
            }
        }
        body
    }
}

impl Error {
    /// The envelope.
    pub(in super::super) fn to_json(&self) -> Value {
        json!({ "error": self.code, "error_description": self.text })
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        (self.status, Json(self.to_json())).into_response()
    }
}
