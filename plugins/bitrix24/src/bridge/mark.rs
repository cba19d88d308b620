//! How far a chat has come on its way into an open channel.

use handoff_sdk::{
    Cx, Result,
    model::{
        HandoffKey, TicketRef,
        connector::{Transfer, Transferred},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::kept;

/// What a transfer leaves as its checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// The open channel.
    pub(crate) line: u64,
    /// Which message of the hand-over is next.
    pub(crate) next: usize,
    /// That message was sent and no answer is known yet.
    pub(crate) asked: bool,
    /// How often the first message was sent without knowing what became of it.
    pub(crate) repeats: u32,
    /// The chat and the session on Bitrix24.
    pub(crate) place: Option<Place>,
    /// A person was asked for.
    pub(crate) person_asked: bool,
    /// For the receipt.
    pub(crate) remarks: Vec<String>,
}

/// Where a chat is on Bitrix24.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) chat: u64,
    pub(crate) session: String,
}

impl Mark {
    /// What an earlier attempt left.
    pub(crate) fn of(transfer: &Transfer) -> Option<Self> {
        serde_json::from_value(transfer.checkpoint.clone()?).ok()
    }

    /// Leaves this mark.
    pub(crate) async fn save(&self, cx: &Cx) -> Result<()> {
        cx.checkpoint(&json!(self)).await
    }

    /// What the host is told at the end.
    pub(crate) fn transferred(&self, key: &HandoffKey) -> Transferred {
        let chat = self.place.as_ref().map_or_else(|| key.to_string(), |place| place.chat.to_string());
        let label = self.place.as_ref().map(|place| place.session.clone());
        let ticket = TicketRef { chat, label, url: None };
        Transferred { ticket, queued: true, remarks: self.remarks.clone() }
    }
}

/// Where a chat of ours is, as an answer or an event said.
pub(crate) async fn place(cx: &Cx, key: &str) -> Result<Option<Place>> {
    kept::get(cx, &slot(key)).await
}

/// Remembers where a chat of ours is.
pub(crate) async fn remember(cx: &Cx, key: &str, place: &Place) -> Result<()> {
    match self::place(cx, key).await? {
        Some(known) if known == *place => Ok(()),
        _ => kept::put(cx, &slot(key), place).await,
    }
}

fn slot(key: &str) -> String {
    format!("place/{key}")
}
