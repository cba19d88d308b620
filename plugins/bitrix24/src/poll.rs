//! What the host asks for again and again: events that wait to be fetched, where the bot is set up
//! so, and acknowledgements that are due.

use handoff_sdk::{
    Result,
    model::connector::{Poll, Polled},
    tracing::warn,
};
use serde_json::{Value, json};

use crate::{bot, bridge, client::Client, comeback, event, settings::EventMode, wire};

/// Most events in one answer.
const AT_ONCE: u32 = 100;

/// Wait when nothing is left, and when more is there, in milliseconds.
const IDLE_MS: u64 = 5_000;
const BUSY_MS: u64 = 500;

/// Fetches and acknowledges.
pub(crate) async fn poll(client: &Client<'_>, poll: Poll) -> Result<Polled> {
    let settings = &client.portal.settings;
    if settings.has_application()
        && let Err(error) = bridge::acknowledge(&client.as_application()).await
    {
        warn!("Messages could not be marked as delivered yet: {error}");
    }
    if settings.native && settings.event_mode == EventMode::Fetch {
        return fetch(client, poll.cursor).await;
    }
    Ok(Polled { events: Vec::new(), cursor: None, wait_ms: IDLE_MS })
}

/// Events of the bot. Naming an offset tells the portal that everything before it is safe with us.
async fn fetch(client: &Client<'_>, cursor: Option<Value>) -> Result<Polled> {
    let bot = bot::number(client).await?;
    let mut body = json!({ "botId": bot, "limit": AT_ONCE });
    if let Some(offset) = cursor.as_ref().and_then(wire::id) {
        body["offset"] = json!(offset);
    }
    let answer = client.read_as_bot("imbot.v2.Event.get", &body).await?;
    let mut events = Vec::new();
    for found in wire::items(&answer["events"]) {
        let id = wire::id(&found["eventId"]).unwrap_or(0).to_string();
        let form = json!({ "event": found["type"], "data": found["data"] });
        let mut event = event::read(client.portal, &form, &id, client.cx.now());
        // A pressed button has no id but that of its event.
        if wire::text(&found["type"]).eq_ignore_ascii_case("ONIMBOTV2COMMANDADD")
            && event.key.contains("COMMANDADD")
        {
            event.key = format!("{}/fetched/{id}", client.portal.host.to_ascii_lowercase());
        }
        comeback::taken(client, &mut event).await?;
        events.push(event);
    }
    let wait_ms = if wire::is_yes(&answer["hasMore"]) { BUSY_MS } else { IDLE_MS };
    // An empty queue gives 0: then the old offset stays.
    let cursor = wire::id(&answer["nextOffset"]).map(|offset| json!(offset)).or(cursor);
    Ok(Polled { events, cursor, wait_ms })
}
