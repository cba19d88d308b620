//! Telling the portal that live agents' messages reached us.
//!
//! A message is acknowledged a moment after it was received, when the host has it on disk. The id
//! that we give it then is the one that comes back when it is changed or deleted.

use std::{collections::BTreeMap, time::Duration};

use handoff_sdk::{ConnectorError, Cx, Result, model::Timestamp, tracing::warn};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{client::Client, kept};

/// Where they wait.
const SLOT: &str = "acks";

/// Most that wait; an acknowledgement that is lost shows a message as undelivered, no more.
const MOST: usize = 500;

/// Most in one call.
const AT_ONCE: usize = 50;

/// How long the host may need to store what was received.
const PAUSE: Duration = Duration::from_secs(3);

/// How often a write is tried when somebody else writes at the same time.
const TRIES: u32 = 10;

/// One message that reached us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ack {
    pub(crate) line: u64,
    /// The handoff's key.
    pub(crate) key: String,
    pub(crate) chat: u64,
    pub(crate) message: u64,
    pub(crate) at: Timestamp,
}

impl Ack {
    fn to_json(&self) -> Value {
        let Self { key, chat, message, at, .. } = self;
        json!({
            "im": { "chat_id": chat, "message_id": message },
            "message": { "id": [format!("{key}.a{message}")], "date": at.0 / 1000 },
            "chat": { "id": key },
        })
    }
}

/// Notes that a message is to be acknowledged.
pub(crate) async fn note(cx: &Cx, ack: Ack) -> Result<()> {
    change(cx, |waiting| {
        waiting.retain(|known| known.message != ack.message);
        waiting.push(ack.clone());
        let too_many = waiting.len().saturating_sub(MOST);
        waiting.drain(..too_many);
    })
    .await
}

/// Acknowledges what has waited long enough. Repeating it does no harm, so it is forgotten afterwards.
pub(crate) async fn send(client: &Client<'_>) -> Result<()> {
    let waiting: Vec<Ack> = kept::get(client.cx, SLOT).await?.unwrap_or_default();
    let now = client.cx.now();
    let ripe = waiting.into_iter().filter(|ack| now.since(ack.at) >= PAUSE).take(AT_ONCE);
    let mut by_line = BTreeMap::<u64, Vec<Ack>>::new();
    ripe.for_each(|ack| by_line.entry(ack.line).or_default().push(ack));
    for (line, acks) in by_line {
        let messages: Vec<Value> = acks.iter().map(Ack::to_json).collect();
        let connector = &client.portal.settings.connector_code;
        let body = json!({ "CONNECTOR": connector, "LINE": line, "MESSAGES": messages });
        if let Err(failure) = client.act("imconnector.send.status.delivery", &body).await {
            let error = ConnectorError::from(failure);
            if error.advice() != handoff_sdk::Advice::GiveUp {
                return Err(error);
            }
            warn!("Messages could not be marked as delivered: {error}");
        }
        change(client.cx, |waiting| waiting.retain(|known| !acks.contains(known))).await?;
    }
    Ok(())
}

async fn change(cx: &Cx, edit: impl Fn(&mut Vec<Ack>)) -> Result<()> {
    for _ in 0..TRIES {
        let (waiting, version) = kept::versioned::<Vec<Ack>>(cx, SLOT).await?;
        let mut waiting = waiting.unwrap_or_default();
        edit(&mut waiting);
        if cx.swap(SLOT, version, &json!(waiting)).await? {
            return Ok(());
        }
    }
    Err(ConnectorError::Unavailable { detail: "too many writers at once".to_owned() })
}
