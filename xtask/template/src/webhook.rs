//! What Acme Desk posts to us: verified first, read then.

use handoff_sdk::{
    ConnectorError, Cx, Result,
    model::{
        Content,
        connector::{EventKind, PlatformEvent, Receive, Received},
    },
};
use serde_json::Value;

/// One request of Acme Desk holds one event.
pub(crate) async fn receive(cx: &Cx, request: Receive) -> Result<Received> {
    let given = request.headers.get("x-acme-secret").map_or("", String::as_str);
    if !cx.secret_matches("webhook_secret", given).await? {
        return Err(ConnectorError::Unverified { detail: "the header X-Acme-Secret is wrong".to_owned() });
    }
    let posted: Value = serde_json::from_str(&request.body)
        .map_err(|error| ConnectorError::Unreadable { detail: error.to_string() })?;
    let kind = match posted["type"].as_str() {
        Some("reply") => EventKind::LiveAgentMessage {
            name: posted["agent"].as_str().map(str::to_owned),
            content: Content::text(text(&posted, "text")?),
            external_id: text(&posted, "id")?,
        },
        Some("closed") => EventKind::Closed { reason: "closed".to_owned() },
        _ => EventKind::Ignored { reason: "of no concern".to_owned() },
    };
    let event = PlatformEvent {
        // The same for every delivery of the same event.
        key: text(&posted, "id")?,
        chat: text(&posted, "chat")?,
        handoff: None,
        platform_session: None,
        at: request.at,
        kind,
    };
    Ok(Received { status: 200, body: String::new(), events: vec![event] })
}

fn text(posted: &Value, name: &str) -> Result<String> {
    let text = posted[name].as_str().map(str::to_owned);
    text.ok_or_else(|| ConnectorError::Unreadable { detail: format!("there is no {name}") })
}
