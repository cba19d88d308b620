//! Numbers since the start, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// Messages of persons that were accepted.
    Messages,
    /// Events that were handled before.
    Duplicates,
    /// Handoffs that fired.
    Fired,
    /// Handoffs that a platform accepted.
    Accepted,
    /// Handoffs that were not begun because nobody was there.
    NobodyThere,
    /// Handoffs that failed for good.
    Failed,
    /// Handoffs whose outcome was unknown for a while.
    Doubts,
    /// Messages carried to a platform.
    CarriedOut,
    /// Messages carried from a platform.
    CarriedIn,
    /// Webhook requests that were accepted.
    Webhooks,
    /// Webhook requests that were refused.
    WebhooksRefused,
    /// Webhook requests kept for later.
    Parked,
    /// Events that concern nobody here.
    Ignored,
    /// Conversations whose rows the auditor looked at.
    Audited,
    /// Rounds of the auditor over all conversations.
    AuditRounds,
}

const ALL: [(Counter, &str, &str); 15] = [
    (Counter::Messages, "handoff_messages_total", "Messages of persons that were accepted."),
    (Counter::Duplicates, "handoff_duplicates_total", "Events that were handled before."),
    (Counter::Fired, "handoff_handoffs_fired_total", "Handoffs that fired."),
    (Counter::Accepted, "handoff_handoffs_accepted_total", "Handoffs that a platform accepted."),
    (
        Counter::NobodyThere,
        "handoff_handoffs_nobody_there_total",
        "Handoffs that were not begun because no live agent was there.",
    ),
    (Counter::Failed, "handoff_handoffs_failed_total", "Handoffs that failed for good."),
    (
        Counter::Doubts,
        "handoff_handoffs_in_doubt_total",
        "Times at which a handoff's outcome became unknown.",
    ),
    (Counter::CarriedOut, "handoff_carried_out_total", "Messages carried to a platform."),
    (Counter::CarriedIn, "handoff_carried_in_total", "Messages carried from a platform."),
    (Counter::Webhooks, "handoff_webhooks_total", "Webhook requests that were accepted."),
    (Counter::WebhooksRefused, "handoff_webhooks_refused_total", "Webhook requests that were refused."),
    (Counter::Parked, "handoff_webhooks_parked_total", "Webhook requests kept for later."),
    (Counter::Ignored, "handoff_events_ignored_total", "Events that concern nobody here."),
    (
        Counter::Audited,
        "handoff_audit_conversations_total",
        "Conversations whose rows the auditor looked at.",
    ),
    (Counter::AuditRounds, "handoff_audit_rounds_total", "Rounds of the auditor over all conversations."),
];

/// Numbers since the start.
#[derive(Default)]
pub struct Counters([AtomicU64; ALL.len()]);

impl Counters {
    pub(super) fn add(&self, counter: Counter) {
        self.0[counter as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Name, meaning and value of each.
    pub fn snapshot(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> + '_ {
        ALL.iter()
            .map(|(counter, name, help)| (*name, *help, self.0[*counter as usize].load(Ordering::Relaxed)))
    }
}
