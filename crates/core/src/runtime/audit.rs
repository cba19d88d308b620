//! Proves the promises on the rows while the server works: a few conversations at a time, round after round.

use std::{collections::BTreeSet, time::Duration};

use handoff_model::{ConversationId, Timestamp};

use super::{ChannelKind, Counter, Runtime};
use crate::{
    audit::{Circumstances, Finding, Promise, prove, unreadable},
    session::Conversation,
    store::StoreError,
};

/// Findings that are kept for whoever asks; further ones are in the log.
const MOST_KEPT: usize = 1000;
/// Pause between two slices.
const PAUSE: Duration = Duration::from_secs(1);
/// Pause when the store does not answer.
const STORE_DOWN: Duration = Duration::from_secs(10);

/// How fast the rows are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Conversations a second.
    pub per_second: usize,
    /// Between the end of a round and the beginning of the next.
    pub between_rounds: Duration,
}

/// What the auditor knows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Audited {
    /// What was found and is still so, as far as it was looked at again.
    pub findings: BTreeSet<Finding>,
    /// When the last round came to its end.
    pub round_ended: Option<Timestamp>,
    /// What the present round has found.
    found: BTreeSet<Finding>,
}

impl Audited {
    /// How many findings go against a promise.
    pub fn count(&self, promise: Promise) -> usize {
        self.findings.iter().filter(|finding| finding.promise == promise).count()
    }

    /// Takes a finding in; whether it is new.
    fn take(&mut self, finding: Finding) -> bool {
        if self.found.len() < MOST_KEPT {
            self.found.insert(finding.clone());
        }
        self.findings.len() < MOST_KEPT && self.findings.insert(finding)
    }

    /// What was not found again is over.
    fn end_round(&mut self, now: Timestamp) {
        self.findings = std::mem::take(&mut self.found);
        self.round_ended = Some(now);
    }
}

impl Runtime {
    /// Looks at the rows of every conversation, round after round, until dropped.
    pub async fn keep_auditing(&self, pace: Pace) {
        let mut after = None;
        loop {
            let pause = match self.audit_slice(after.as_ref(), pace.per_second).await {
                Ok(Some(next)) => {
                    after = Some(next);
                    PAUSE
                }
                Ok(None) => {
                    after = None;
                    self.0.counters.add(Counter::AuditRounds);
                    self.0.audited.write().end_round(self.0.parts.clock.now());
                    pace.between_rounds
                }
                Err(error) => {
                    tracing::warn!(%error, "The audit waits: the store does not answer");
                    STORE_DOWN
                }
            };
            self.0.parts.clock.sleep(pause).await;
        }
    }

    /// What the auditor knows by now.
    pub fn audited(&self) -> Audited {
        self.0.audited.read().clone()
    }

    /// Looks at some conversations; gives the one to go on after.
    async fn audit_slice(
        &self,
        after: Option<&ConversationId>,
        most: usize,
    ) -> Result<Option<ConversationId>, StoreError> {
        let slice = self.0.parts.store.slice(after, most).await?;
        for case in &slice.cases {
            let circumstances = Circumstances {
                now: self.0.parts.clock.now(),
                served: true,
                restores: slice.restores,
                sends_replies: self.sends_replies(&case.conversation),
            };
            self.0.counters.add(Counter::Audited);
            prove(case, &circumstances).into_iter().for_each(|finding| self.found(finding));
        }
        for (id, why) in &slice.broken {
            self.found(unreadable(id, why));
        }
        Ok(slice.next)
    }

    fn sends_replies(&self, conversation: &Conversation) -> Option<bool> {
        let channel = self.channel(&conversation.channel)?;
        Some(matches!(channel.kind, ChannelKind::Connection(_)))
    }

    fn found(&self, finding: Finding) {
        let Finding { promise, conversation, handoff, what, remedy } = finding.clone();
        if !self.0.audited.write().take(finding) {
            return;
        }
        let (promise, handoff) = (promise.name(), handoff.map(|id| id.to_string()).unwrap_or_default());
        tracing::error!(%promise, conversation.id = %conversation, handoff.id = %handoff,
            "Audit: {promise} is not kept in conversation {conversation}: {what}. {remedy}");
    }
}
