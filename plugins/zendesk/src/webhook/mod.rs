//! What Zendesk sends: verified, taken apart, told in our words.
//!
//! Each event of a batch stands for itself: one that cannot be read is counted and passed over.

pub(crate) mod content;
mod event;

use handoff_sdk::{
    ConnectorError, Cx, Result,
    model::{
        Timestamp,
        connector::{EventKind, PlatformEvent, Receive, Received},
    },
};
use serde_json::Value;

use crate::{client::Client, settings::Settings, time, wire::text};

/// Secrets under either of which Zendesk may come; the second one while they are being exchanged.
const SECRETS: [&str; 2] = ["webhook_secret", "webhook_secret_next"];

/// Decodes a request to the webhook.
///
/// # Errors
/// Unverified without one of our secrets; Unreadable when the body is no batch of events; Unavailable when
/// Zendesk has to be asked who has control now and does not say.
pub(crate) async fn receive(cx: &Cx, settings: &Settings, request: &Receive) -> Result<Received> {
    match request.method.as_str() {
        // Zendesk looks whether the address answers when it is saved.
        "HEAD" => return Ok(Received { status: 200, body: String::new(), events: Vec::new() }),
        "POST" => {}
        _ => return Ok(Received { status: 405, body: String::new(), events: Vec::new() }),
    }
    verify(cx, request).await?;
    let batch: Value = serde_json::from_str(&request.body).map_err(|error| unreadable(&error.to_string()))?;
    let app = text(&batch["app"], "id");
    let events = batch["events"].as_array().ok_or_else(|| unreadable("no list of events"))?;
    let mut decoded = Vec::with_capacity(events.len());
    for event in events {
        decoded.extend(decode(cx, settings, &app, event, request.at).await?);
    }
    Ok(Received { status: 200, body: String::new(), events: decoded })
}

async fn verify(cx: &Cx, request: &Receive) -> Result<()> {
    let given = request.headers.get("x-api-key").filter(|given| !given.is_empty());
    let given = given.ok_or_else(|| unverified("no X-API-Key"))?;
    for name in SECRETS {
        if cx.secret_matches(name, given).await? {
            return Ok(());
        }
    }
    Err(unverified("wrong X-API-Key"))
}

async fn decode(
    cx: &Cx,
    settings: &Settings,
    app: &str,
    event: &Value,
    arrived: Timestamp,
) -> Result<Vec<PlatformEvent>> {
    let key = match text(event, "id") {
        id if id.is_empty() => format!("unnamed-{:016x}", fingerprint(&event.to_string())),
        id => id,
    };
    let base = PlatformEvent {
        key,
        chat: text(&event["payload"]["conversation"], "id"),
        handoff: None,
        platform_session: None,
        at: time::parse(&text(event, "createdAt")).unwrap_or(arrived),
        kind: ignored("nothing that concerns us"),
    };
    if app != settings.app_id {
        return Ok(vec![PlatformEvent { kind: ignored("another app's"), ..base }]);
    }
    event::decode(Client::new(cx, settings), event, base).await
}

pub(crate) fn ignored(reason: &str) -> EventKind {
    EventKind::Ignored { reason: reason.to_owned() }
}

fn unverified(detail: &str) -> ConnectorError {
    ConnectorError::Unverified { detail: detail.to_owned() }
}

fn unreadable(detail: &str) -> ConnectorError {
    ConnectorError::Unreadable { detail: detail.to_owned() }
}

/// FNV-1a: the same text has the same one in every build.
fn fingerprint(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests;
