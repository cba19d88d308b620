//! The receipt as it is given out: what left, when, to whom, and nothing of what was said after it.
//!
//! A plain function of the handoff, so that the same state gives the same bytes, and one signature fits them.

use serde_json::{Value, json};

use super::Handoff;

/// Number of the format.
const FORMAT: u32 = 1;

impl Handoff {
    /// The receipt as JSON, to be signed as it is. It ends with a line break.
    pub fn statement(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(&self.facts()).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    fn facts(&self) -> Value {
        let receipt = &self.receipt;
        let told = receipt.told.iter().zip(receipt.told_at.iter().map(Some).chain(std::iter::repeat(None)));
        json!({
            "format": FORMAT,
            "handoff": self.id,
            "as_of_version": self.version,
            "conversation": self.conversation,
            "session": self.session,
            "action": self.node,
            "fired_at": self.fired_at,
            "consent": self.consent,
            "state": self.state.name(),
            "replay_of": self.replay_of,
            "replayed_as": self.replayed_as,
            "to": {
                "connection": self.connection,
                "connector": self.connector,
                "platform": self.platform,
                "route": self.route,
                "idempotency_key": self.id,
                "ticket": receipt.ticket,
                "accepted_at": receipt.accepted_at,
            },
            "left": {
                "at": receipt.left_at,
                "messages": receipt.transcript_messages,
                "sha256": receipt.transcript_sha256,
                "each": receipt.messages,
                "redacted": receipt.redacted,
            },
            "since": {
                "typed_during_the_transfer": receipt.tail_messages,
                "each": receipt.tail,
                "carried_to_platform": receipt.carried_out,
                "carried_to_person": receipt.carried_in,
                "dropped_unread": receipt.dropped,
                "redacted": receipt.redacted_since,
            },
            "told": told.map(|(what, at)| json!({ "what": what, "at": at })).collect::<Vec<_>>(),
            "withdrawn": receipt.withdrawn,
            "remarks": receipt.remarks,
        })
    }
}
