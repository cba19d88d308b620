//! What of a handoff is in its conversation already.

use std::collections::HashMap;

use handoff_sdk::{Result, model::HandoffKey};
use serde_json::Value;

use crate::{
    address::encoded,
    client::{Client, unavailable},
    lines::Line,
    wire::Message,
};

/// A conversation holds 30,000 messages, a page of them 100.
const MOST_PAGES: usize = 301;

/// The handoff's lines in a conversation.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Ids of lines, by message and part.
    lines: HashMap<(u64, u64), String>,
    /// Live agents or the system wrote after our first line: they have had the chat.
    pub(super) touched: bool,
}

impl History {
    /// Reads back until the first of `lines`, or to the beginning.
    pub(super) async fn load(
        client: &Client<'_>,
        key: &HandoffKey,
        id: &str,
        lines: &[Line],
    ) -> Result<Self> {
        let first = lines.first().map(|line| (line.seq, line.part));
        let messages =
            back(client, id, |message| ours(message, key).is_some() && ours(message, key) == first).await?;
        Ok(Self::of(key, &messages))
    }

    /// Reads back as far as a message of ours from before `seq`, or to the beginning.
    pub(super) async fn since(client: &Client<'_>, key: &HandoffKey, id: &str, seq: u64) -> Result<Self> {
        let messages =
            back(client, id, |message| ours(message, key).is_some_and(|(other, _)| other < seq)).await?;
        Ok(Self::of(key, &messages))
    }

    /// The id under which a line is there.
    pub(super) fn id(&self, line: &Line) -> Option<&str> {
        self.lines.get(&(line.seq, line.part)).map(String::as_str)
    }

    /// The id of the first line of the handoff that is there, whichever it is.
    pub(super) fn first(&self) -> Option<&str> {
        self.lines.iter().min_by_key(|(place, _)| **place).map(|(_, id)| id.as_str())
    }

    /// How many of `lines` are there, from the first on.
    pub(super) fn beginning(&self, lines: &[Line]) -> usize {
        lines.iter().take_while(|line| self.id(line).is_some()).count()
    }

    /// The order within a page is not documented: only what the messages themselves say counts.
    fn of(key: &HandoffKey, messages: &[Message]) -> Self {
        let mut lines = HashMap::new();
        for message in messages {
            if let Some(place) = ours(message, key) {
                lines.entry(place).or_insert_with(|| message.id.clone());
            }
        }
        let began = messages
            .iter()
            .filter(|message| ours(message, key).is_some())
            .map(|message| &message.received)
            .min();
        let after = |message: &&Message| began.is_some_and(|began| message.received >= *began);
        let by_others =
            |message: &Message| message.is_from_workspace() || message.activity.starts_with("ticket:");
        Self { lines, touched: messages.iter().filter(after).any(by_others) }
    }
}

fn ours(message: &Message, key: &HandoffKey) -> Option<(u64, u64)> {
    message.line().filter(|(other, ..)| *other == key.as_str()).map(|(_, seq, part)| (seq, part))
}

/// Pages back from the newest message, to the end of the page on which `enough` holds.
pub(crate) async fn back(
    client: &Client<'_>,
    id: &str,
    enough: impl Fn(&Message) -> bool,
) -> Result<Vec<Message>> {
    let start = format!("/conversations/{}/messages", encoded(id));
    let (mut path, mut all) = (start.clone(), Vec::new());
    for _ in 0..MOST_PAGES {
        let body = client.get(&path).await?.accept()?;
        let page = page(&body)?;
        let done = page.iter().any(&enough) || body["meta"]["hasMore"].as_bool() != Some(true);
        all.extend(page);
        if done {
            return Ok(all);
        }
        let before =
            body["meta"]["beforeCursor"].as_str().ok_or_else(|| unavailable("Zendesk's list breaks off"))?;
        path = format!("{start}?page%5Bbefore%5D={}", encoded(before));
    }
    Err(unavailable("Zendesk's list of messages does not end"))
}

fn page(body: &Value) -> Result<Vec<Message>> {
    let items = body["messages"].as_array().ok_or_else(|| unavailable("Zendesk's list is no list"))?;
    Ok(items.iter().filter_map(Message::read).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(id: &str, second: u32, metadata: Value, source: &str) -> Message {
        let received = format!("2026-01-01T00:00:{second:02}.000Z");
        Message::read(&json!({ "id": id, "received": received, "author": { "type": "business" },
            "source": { "type": source }, "metadata": metadata }))
        .unwrap()
    }

    #[test]
    fn only_what_live_agents_wrote_after_our_first_line_counts() {
        let key = HandoffKey::new("h1");
        let line = message("ours", 5, json!({ "handoffId": "h1", "seq": 1, "part": 0 }), "api:conversations");
        let before = message("before", 1, json!({}), "zd:agentWorkspace");
        let after = message("after", 9, json!({}), "zd:agentWorkspace");
        assert!(!History::of(&key, &[before.clone(), line.clone()]).touched);
        assert!(History::of(&key, &[after, line, before]).touched);
    }

    #[test]
    fn lines_of_another_handoff_are_not_ours() {
        let other = message("x", 5, json!({ "handoffId": "h2", "seq": 1, "part": 0 }), "api:conversations");
        assert!(History::of(&HandoffKey::new("h1"), &[other]).lines.is_empty());
    }
}
