//! Requests to the desk, what its answers mean, and what it posts.

use handoff_sdk::{
    ConnectorError, Cx, Request, Response, Result,
    model::{
        Content, TicketRef,
        connector::{EventKind, PlatformEvent, Receive, Received, Transferred},
    },
};
use serde_json::Value;

use crate::fault::Fault;

/// Where the desk is.
pub(crate) struct Wire {
    pub(crate) base: String,
    pub(crate) fault: Fault,
}

impl Wire {
    pub(crate) async fn read(&self, cx: &Cx, path: &str) -> Result<Value> {
        let asked = Request::new("GET", format!("{}{path}", self.base)).bearer("token");
        self.understood(asked.read(cx).await?)
    }

    pub(crate) async fn act(&self, cx: &Cx, path: &str, body: &Value) -> Result<Value> {
        let asked = || Request::new("POST", format!("{}{path}", self.base)).bearer("token").json(body);
        let answer = asked().act(cx).await;
        let answer = match (self.fault, answer) {
            // As many clients do it by themselves.
            (Fault::AsksTwice, Err(ConnectorError::Lost { .. })) => asked().act(cx).await?,
            (_, answer) => answer?,
        };
        self.understood(answer)
    }

    fn understood(&self, answer: Response) -> Result<Value> {
        let detail = format!("the desk answered {}", answer.status);
        match (answer.status, self.fault) {
            (401, Fault::TakesWrongCredentialsForARefusal) => Err(ConnectorError::Refused { detail }),
            (429, Fault::DoesNotWait) => Err(ConnectorError::Unavailable { detail }),
            (500.., Fault::TakesDoubtForARefusal) => Err(ConnectorError::Refused { detail }),
            (200..300, _) => match serde_json::from_str(&answer.body) {
                Ok(body @ Value::Object(_)) => Ok(body),
                _ => Err(ConnectorError::Lost { detail }),
            },
            (401 | 403, _) => Err(ConnectorError::Unauthorised { detail }),
            (429, _) => {
                let asked = answer.headers.get("retry-after").and_then(|value| value.parse::<u64>().ok());
                Err(ConnectorError::RateLimited { after_ms: asked.unwrap_or(1) * 1000, detail })
            }
            (500.., _) => Err(ConnectorError::Lost { detail }),
            _ => Err(ConnectorError::Refused { detail }),
        }
    }
}

pub(crate) fn field(answer: &Value, name: &str) -> Result<String> {
    let text = answer[name].as_str().map(str::to_owned);
    text.ok_or_else(|| lost(&format!("the desk's answer has no {name}")))
}

pub(crate) fn lost(detail: &str) -> ConnectorError {
    ConnectorError::Lost { detail: detail.to_owned() }
}

pub(crate) fn held(chat: String) -> Transferred {
    Transferred { ticket: TicketRef { chat, label: None, url: None }, queued: true, remarks: Vec::new() }
}

/// What the desk posted.
pub(crate) fn posted(request: &Receive, fault: Fault) -> Result<Received> {
    let unreadable = |detail: &str| ConnectorError::Unreadable { detail: detail.to_owned() };
    let event: Value = serde_json::from_str(&request.body).map_err(|_| unreadable("no JSON"))?;
    let text = |name: &str| event[name].as_str().map(str::to_owned).ok_or_else(|| unreadable(name));
    let key = match fault {
        Fault::GivesEventsNewKeys => new_key(),
        _ => text("id")?,
    };
    let kind = match event["type"].as_str() {
        Some("reply") => EventKind::LiveAgentMessage {
            name: None,
            content: Content::text(text("text")?),
            external_id: text("id")?,
        },
        Some("closed") => EventKind::Closed { reason: "closed".to_owned() },
        _ => EventKind::Ignored { reason: "of no concern".to_owned() },
    };
    let chat = text("chat")?;
    let event = PlatformEvent { key, chat, handoff: None, platform_session: None, at: request.at, kind };
    Ok(Received { status: 200, body: String::new(), events: vec![event] })
}

fn new_key() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    format!("event-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}
