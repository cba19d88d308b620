//! Answers kept by idempotency key: the same key and body give the same answer, for two hours.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::refusal::Refusal;

/// How long an answer is kept, in milliseconds.
const LIFE_MS: i64 = 2 * 3600 * 1000;
/// The longest key.
const KEY_LIMIT: usize = 255;

struct Answer {
    key: String,
    request: Value,
    /// Absent while the first request is being worked on.
    answer: Option<Value>,
    at_ms: i64,
}

/// All kept answers.
#[derive(Default)]
pub(in crate::zendesk) struct Kept(Vec<Answer>);

/// What is known of a key.
pub(super) enum Known {
    /// Nothing: go on, the key is taken now.
    Miss,
    /// The answer to give again.
    Hit(Value),
    /// The first request with this key has not been answered.
    Busy,
}

impl Kept {
    /// Looks a key up and takes it if it is free.
    pub(super) fn look(&mut self, key: &str, request: &Value, now_ms: i64) -> Result<Known, Refusal> {
        if key.len() > KEY_LIMIT {
            return Err(Refusal::bad_request("Idempotency-Key is limited to 255 characters"));
        }
        self.0.retain(|kept| now_ms - kept.at_ms < LIFE_MS);
        let Some(kept) = self.0.iter().find(|kept| kept.key == key) else {
            let (key, request) = (key.to_owned(), request.clone());
            self.0.push(Answer { key, request, answer: None, at_ms: now_ms });
            return Ok(Known::Miss);
        };
        if kept.request != *request {
            return Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                json!({
                    "error": "IdempotentRequestError",
                    "description": "Request parameters don't match the given idempotency key",
                }),
            ));
        }
        Ok(kept.answer.clone().map_or(Known::Busy, Known::Hit))
    }

    /// How many requests with a key are being worked on.
    pub(in crate::zendesk) fn in_use(&self) -> usize {
        self.0.iter().filter(|kept| kept.answer.is_none()).count()
    }

    /// Keeps a good answer; a bad one frees the key.
    pub(super) fn settle(&mut self, key: &str, answer: Option<&Value>) {
        match answer {
            Some(answer) => {
                for kept in self.0.iter_mut().filter(|kept| kept.key == key) {
                    kept.answer = Some(answer.clone());
                }
            }
            None => self.0.retain(|kept| kept.key != key),
        }
    }

    /// The refusal of a request whose twin is being worked on.
    pub(super) fn busy() -> Refusal {
        Refusal::new(StatusCode::CONFLICT, json!({ "error": "IdempotentRequestInProgress" }))
    }
}
