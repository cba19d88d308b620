//! What left, when and to whom. Never what was said after the transfer.

use handoff_model::{TicketRef, Timestamp};
use serde::{Deserialize, Serialize};

use super::redaction::Removed;

/// Remarks kept at most; further ones are counted only.
const MOST_REMARKS: usize = 50;

/// The proof of a handoff, for operators.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Receipt {
    /// The platform's name for the chat.
    pub ticket: Option<TicketRef>,
    /// When the platform took it.
    pub accepted_at: Option<Timestamp>,
    /// Messages that left as the transcript.
    pub transcript_messages: u64,
    /// SHA-256 of the transcript, in hexadecimal digits.
    pub transcript_sha256: Option<String>,
    /// Messages typed while the transfer ran, carried after it.
    pub tail_messages: u64,
    /// Messages of the person carried since; counted, never kept.
    pub carried_out: u64,
    /// Messages of the team carried since; counted, never kept.
    pub carried_in: u64,
    /// Events of the chat that arrived after the transfer and were dropped unread.
    pub dropped: u64,
    /// How often each rule of the author's removed something from what left with the transfer.
    #[serde(default, skip_serializing_if = "Removed::is_empty")]
    pub redacted: Removed,
    /// The same of what was carried since, also of what was typed while the transfer ran.
    #[serde(default, skip_serializing_if = "Removed::is_empty")]
    pub redacted_since: Removed,
    /// Which texts the person was told, in order, by name of outcome.
    pub told: Vec<String>,
    /// What happened on the way: answers lost, steps repeated, things replaced or withdrawn.
    pub remarks: Vec<String>,
}

impl Receipt {
    /// Adds a remark unless the same was made last, or there are too many.
    pub fn remark(&mut self, text: impl Into<String>) {
        let text = text.into();
        if self.remarks.len() < MOST_REMARKS && self.remarks.last() != Some(&text) {
            self.remarks.push(text);
        }
    }
}
