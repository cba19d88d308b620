//! What an answer of Acme Desk means. Everything depends on it.

use handoff_sdk::{ConnectorError, Response, Result};
use serde_json::Value;

/// Longest wait that is believed, in seconds.
const LONGEST: u64 = 3600;

/// The JSON of an answer, or what its status says about what was done.
pub(crate) fn understood(answer: Response) -> Result<Value> {
    // Only the status: a platform may quote what it was sent, and words of a chat belong into no error.
    let detail = format!("Acme Desk answered {}", answer.status);
    match answer.status {
        // An answer that cannot be read is no proof that nothing was done.
        200..300 => match serde_json::from_str(&answer.body) {
            Ok(body @ Value::Object(_)) => Ok(body),
            Ok(_) | Err(_) => Err(ConnectorError::Lost { detail: format!("{detail}, unreadably") }),
        },
        401 | 403 => Err(ConnectorError::Unauthorised { detail }),
        429 => {
            let asked = answer.headers.get("retry-after").and_then(|value| value.trim().parse().ok());
            Err(ConnectorError::RateLimited { after_ms: asked.unwrap_or(1).min(LONGEST) * 1000, detail })
        }
        500.. => Err(ConnectorError::Lost { detail }),
        _ => Err(ConnectorError::Refused { detail }),
    }
}

/// A text of an answer. Without it nobody knows what was made.
pub(crate) fn field(answer: &Value, name: &str) -> Result<String> {
    let text = answer[name].as_str().map(str::to_owned);
    text.ok_or_else(|| ConnectorError::Lost { detail: format!("Acme Desk's answer has no {name}") })
}
