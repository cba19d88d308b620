//! One thing said in a conversation.

use serde::{Deserialize, Serialize};

use crate::{Content, Timestamp};

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// The person chatting.
    Person,
    /// The assistant, following its tree.
    Assistant,
    /// A text of the handoff itself: asked, accepted, delayed, failed, closed.
    Notice,
}

/// Whether the other end has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// On its way.
    Pending,
    /// The channel took it, or the person fetched it.
    Delivered,
    /// The channel would not take it, or it was given up.
    Undelivered,
    /// The channel's answer was lost, and asking again could show it twice.
    Unknown,
}

/// A message of a conversation, as the Inbox shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its place in the conversation, counted from 1, in the order in which we accepted it.
    pub seq: u64,
    /// Who said it.
    pub author: Author,
    /// What was said.
    pub content: Content,
    /// When we accepted it.
    pub at: Timestamp,
    /// Whether the other end has it.
    pub delivery: Delivery,
    /// The channel's own id of the message, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}
