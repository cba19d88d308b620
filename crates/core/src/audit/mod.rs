//! Proves the promises again, on rows as they lie in the store.
//!
//! The code that writes rows keeps the promises; this looks at what is there and takes nobody's word for it: a fault of
//! ours, a damaged file or a hand in the database shows here before a person notices. Everything is a plain function of
//! one conversation's rows, read at one moment. [`prove`] is the way in; there is one file for each promise.

mod doubled;
mod holder;
mod lost;
mod sealed;
mod waiting;

use handoff_model::{Author, ConversationId, Delivery, HandoffId, Timestamp};
use serde::Serialize;

use crate::{
    handoff::Handoff,
    session::{Control, Conversation},
    store::{EffectRow, Withheld},
};

/// All rows of one conversation, as of one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The conversation.
    pub conversation: Conversation,
    /// Who holds it, as lists show it.
    pub held_by: String,
    /// Its history without what was said, in the order of places.
    pub history: Vec<Place>,
    /// Words of the team that the person has not acknowledged, by place.
    pub sealed: Vec<(u64, Vec<u8>)>,
    /// Words of the team that wait for a decision.
    pub withheld: Vec<Withheld>,
    /// Its handoffs.
    pub handoffs: Vec<Filed>,
    /// Its effects, in the order in which they were added.
    pub effects: Vec<Queued>,
    /// Rows of it that are not as they were written, by table and place.
    pub damaged: Vec<String>,
}

/// A place of the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its number.
    pub seq: u64,
    /// Who spoke.
    pub author: Author,
    /// What became of it.
    pub delivery: Delivery,
}

/// A handoff with what lies beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Filed {
    /// The handoff.
    pub handoff: Handoff,
    /// Its state, as lists show it.
    pub state: String,
    /// Chats on platforms that lead to it.
    pub chats: u64,
}

/// An effect with its place in the outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Queued {
    /// The effect.
    pub row: EffectRow,
    /// Whether it may be claimed as the first of its lane.
    pub head: bool,
    /// When it can be claimed.
    pub ready: Timestamp,
}

/// What the store gives of many conversations at once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Slice {
    /// Rows that could be read.
    pub cases: Vec<Case>,
    /// Conversations that could not be read, and why.
    pub broken: Vec<(ConversationId, String)>,
    /// The last conversation of the slice; none when there is nothing after it.
    pub next: Option<ConversationId>,
    /// How often the data was put back from a backup.
    pub restores: u64,
}

/// What the rows themselves do not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circumstances {
    /// The time.
    pub now: Timestamp,
    /// Whether a server works on the rows, so that what is due is done.
    pub served: bool,
    /// How often the data was put back from a backup.
    pub restores: u64,
    /// Whether replies have to be sent to a platform's own channel; none when the channel is not known.
    pub sends_replies: Option<bool>,
}

const DAMAGED: &str = "Run handoff doctor. If the database is damaged, put the latest good backup back.";

/// A promise that rows can prove or break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Promise {
    /// One holder.
    P1,
    /// Nothing lost.
    P2,
    /// Nothing doubled.
    P3,
    /// Sealed.
    P5,
    /// Survives.
    P7,
}

impl Promise {
    /// All that rows can prove.
    pub const ALL: [Self; 5] = [Self::P1, Self::P2, Self::P3, Self::P5, Self::P7];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::P1 => "P1",
            Self::P2 => "P2",
            Self::P3 => "P3",
            Self::P5 => "P5",
            Self::P7 => "P7",
        }
    }
}

/// Rows that go against a promise. It never quotes what was said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The promise.
    pub promise: Promise,
    /// The conversation.
    pub conversation: ConversationId,
    /// The handoff, if it is about one.
    pub handoff: Option<HandoffId>,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// Everything in a conversation's rows that goes against a promise; nothing when all is well.
pub fn prove(case: &Case, circumstances: &Circumstances) -> Vec<Finding> {
    let mut report = Report { case, findings: Vec::new() };
    rows_are_as_written(&mut report);
    holder::prove(&mut report);
    lost::prove(&mut report, circumstances);
    doubled::prove(&mut report);
    sealed::prove(&mut report);
    waiting::prove(&mut report, circumstances);
    report.findings
}

/// A row that the disk changed is not given out, so that what it said is missing.
fn rows_are_as_written(report: &mut Report<'_>) {
    for row in &report.case.damaged {
        let what = format!("a row of {row} is not as it was written, and is not given out any more");
        report.finds(Promise::P2, None, what, DAMAGED);
    }
}

/// What is said of rows that cannot be read.
pub fn unreadable(conversation: &ConversationId, why: &str) -> Finding {
    Finding {
        promise: Promise::P2,
        conversation: conversation.clone(),
        handoff: None,
        what: format!("a row of this conversation cannot be read: {why}"),
        remedy: DAMAGED.to_owned(),
    }
}

/// A report being written.
struct Report<'a> {
    case: &'a Case,
    findings: Vec<Finding>,
}

impl<'a> Report<'a> {
    fn finds(
        &mut self,
        promise: Promise,
        handoff: Option<&HandoffId>,
        what: impl Into<String>,
        remedy: &str,
    ) {
        let (conversation, handoff) = (self.case.conversation.id.clone(), handoff.cloned());
        self.findings.push(Finding {
            promise,
            conversation,
            handoff,
            what: what.into(),
            remedy: remedy.to_owned(),
        });
    }
}

impl Case {
    /// The handoff that control names, if it names one.
    fn holding(&self) -> Option<&HandoffId> {
        match &self.conversation.control {
            Control::Handoff { id } | Control::Platform { id } => Some(id),
            Control::Free | Control::Session | Control::Taken => None,
        }
    }

    /// A handoff of this conversation.
    fn handoff(&self, id: &HandoffId) -> Option<&Handoff> {
        self.handoffs.iter().map(|filed| &filed.handoff).find(|handoff| handoff.id == *id)
    }
}

#[cfg(test)]
mod tests;
