//! What left, when and to whom. Never what was said after the transfer.

use handoff_model::{TicketRef, Timestamp};
use serde::{Deserialize, Serialize};

use super::redaction::Removed;

/// Remarks kept at most; further ones are counted only.
const MOST_REMARKS: usize = 50;
/// Messages of a transcript whose hashes are kept one by one; of a longer one there is the hash of the whole.
const MOST_HASHES: usize = 1_000;

/// The hash of a message that left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hashed {
    /// Its place in the conversation.
    pub seq: u64,
    /// SHA-256 of the message as it left, as JSON, in hexadecimal digits.
    pub sha256: String,
}

/// The proof of a handoff, for operators.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Receipt {
    /// The platform's name for the chat.
    pub ticket: Option<TicketRef>,
    /// When the platform took it.
    pub accepted_at: Option<Timestamp>,
    /// When the platform was last asked to take it: what left is of that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_at: Option<Timestamp>,
    /// Messages that left as the transcript.
    pub transcript_messages: u64,
    /// SHA-256 of the transcript, in hexadecimal digits.
    pub transcript_sha256: Option<String>,
    /// Each message of the transcript, unless there are very many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Hashed>,
    /// Messages typed while the transfer ran, carried after it.
    pub tail_messages: u64,
    /// Each of them, once it was carried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tail: Vec<Hashed>,
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
    /// When each of them was told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told_at: Vec<Timestamp>,
    /// What was taken back from the platform after a failure, and what had to stay there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withdrawn: Vec<String>,
    /// What happened on the way: answers lost, steps repeated, things replaced or withdrawn.
    pub remarks: Vec<String>,
}

impl Receipt {
    /// Notes what the person was told, and when.
    pub fn tell(&mut self, what: impl Into<String>, at: Timestamp) {
        self.told.push(what.into());
        self.told_at.push(at);
    }

    /// Notes what a transcript consists of.
    pub fn left(&mut self, messages: Vec<Hashed>, whole: String, at: Timestamp) {
        self.left_at = Some(at);
        self.transcript_messages = messages.len() as u64;
        self.transcript_sha256 = Some(whole);
        self.messages = if messages.len() > MOST_HASHES { Vec::new() } else { messages };
    }

    /// Adds a remark unless the same was made last, or there are too many.
    pub fn remark(&mut self, text: impl Into<String>) {
        let text = text.into();
        if self.remarks.len() < MOST_REMARKS && self.remarks.last() != Some(&text) {
            self.remarks.push(text);
        }
    }
}
