//! What identifies a handoff on both sides.

use serde::{Deserialize, Serialize};

use crate::HandoffId;

/// The name under which a platform can be asked about a handoff. Equal to the handoff's id.
pub type HandoffKey = HandoffId;

/// How a conversation leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// The chat already is on the platform: its own transfer call, and we leave.
    Native,
    /// The chat is on a channel of ours: a conversation is made on the platform and words are carried.
    Bridge,
    /// Asynchronous: a ticket with the transcript.
    Ticket,
}

/// The platform's own name for what it took over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketRef {
    /// The platform's id of the chat or ticket; events about it carry the same id.
    pub chat: String,
    /// What a live agent would call it, such as a ticket number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Where a live agent finds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}
