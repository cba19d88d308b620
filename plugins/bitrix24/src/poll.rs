//! What the host asks for again and again: events that wait to be fetched, where the bot is set up
//! so, acknowledgements that are due, and what no event told of chats under way.

use handoff_sdk::{
    Result,
    model::connector::{PlatformEvent, Poll, Polled},
    tracing::warn,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    bot,
    bridge::{self, Watch},
    client::Client,
    comeback, event,
    settings::EventMode,
    wire,
};

/// Most events in one answer.
const AT_ONCE: u32 = 100;

/// Wait when nothing is left, and when more is there, in milliseconds.
const IDLE_MS: u64 = 5_000;
const BUSY_MS: u64 = 500;

/// How far the polls have come.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Cursor {
    /// The first event of the bot that is not safe with us.
    offset: Option<u64>,
    watch: Watch,
}

/// Fetches, acknowledges and looks again.
pub(crate) async fn poll(client: &Client<'_>, poll: Poll) -> Result<Polled> {
    let settings = &client.portal.settings;
    let mut cursor: Cursor =
        poll.cursor.and_then(|cursor| serde_json::from_value(cursor).ok()).unwrap_or_default();
    let fetches = settings.native && settings.event_mode == EventMode::Fetch;
    let fetched = if fetches { fetch(client, &mut cursor.offset).await } else { Ok((Vec::new(), IDLE_MS)) };
    let (mut events, wait_ms) = match fetched {
        // A bot that cannot be asked is no reason to forget the chats that are carried.
        Err(error) if settings.has_application() => {
            warn!("The bot's events could not be fetched: {error}");
            (Vec::new(), IDLE_MS)
        }
        fetched => fetched?,
    };
    if settings.has_application() {
        let client = client.as_application();
        if let Err(error) = bridge::acknowledge(&client).await {
            warn!("Messages could not be marked as delivered yet: {error}");
        }
        match bridge::look_again(&client, &poll.open, cursor.watch.clone()).await {
            Ok((missed, watch)) => {
                events.extend(missed);
                cursor.watch = watch;
            }
            Err(error) => warn!("Chats under way could not be looked at again yet: {error}"),
        }
    }
    Ok(Polled { events, cursor: Some(json!(cursor)), wait_ms })
}

/// Events of the bot. Naming an offset tells the portal that everything before it is safe with us.
async fn fetch(client: &Client<'_>, offset: &mut Option<u64>) -> Result<(Vec<PlatformEvent>, u64)> {
    let bot = bot::number(client).await?;
    let mut body = json!({ "botId": bot, "limit": AT_ONCE });
    if let Some(offset) = offset {
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
        comeback::taken(client, &found["data"]["chat"], &mut event).await?;
        events.push(event);
    }
    // An empty queue gives 0: then the old offset stays.
    *offset = wire::id(&answer["nextOffset"]).or(*offset);
    Ok((events, if wire::is_yes(&answer["hasMore"]) { BUSY_MS } else { IDLE_MS }))
}
