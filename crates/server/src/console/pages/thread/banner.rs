//! What the thread says about the conversation's latest handoff.

use handoff_core::handoff::{Handoff, HandoffState};
use handoff_model::Timestamp;

use crate::console::{link, words::Moment};

/// A line across the thread.
pub(super) struct Banner {
    pub(super) tone: &'static str,
    pub(super) text: String,
    pub(super) link: String,
}

impl Banner {
    /// The banner, and the time after which messages stand below it.
    pub(super) fn new(handoff: &Handoff) -> (Self, Timestamp) {
        let accepted = handoff.receipt.accepted_at;
        let (tone, text, since) = match &handoff.state {
            HandoffState::Accepted { at, .. } | HandoffState::Carrying { at, .. } => {
                ("good", transferred(handoff, *at), *at)
            }
            HandoffState::Closed { at, reason, .. } => {
                let since = accepted.unwrap_or(*at);
                let closed = Moment::from(*at).text;
                let text = transferred(handoff, since);
                ("good", format!("{text} The team closed the chat at {closed} ({reason})."), since)
            }
            HandoffState::Failed { at, nobody_there: true, .. } => ("busy", not_begun(handoff, *at), *at),
            HandoffState::Failed { reason, at, .. } => ("bad", failed(handoff, reason, *at), *at),
            undecided => ("busy", under_way(handoff, undecided), Timestamp(i64::MAX)),
        };
        (Self { tone, text, link: link::handoff(handoff.id.as_str()) }, since)
    }
}

fn transferred(handoff: &Handoff, at: Timestamp) -> String {
    let time = Moment::from(at).text;
    format!("Transferred to {} at {time}; what follows is not visible here.", handoff.platform)
}

fn failed(handoff: &Handoff, reason: &str, at: Timestamp) -> String {
    let (platform, time) = (&handoff.platform, Moment::from(at).text);
    let end = if reason.ends_with('.') { "" } else { "." };
    format!("The handoff to {platform} failed at {time}: {reason}{end} The assistant went on.")
}

fn not_begun(handoff: &Handoff, at: Timestamp) -> String {
    let (platform, time) = (&handoff.platform, Moment::from(at).text);
    format!(
        "No live agent of {platform} was there at {time}, so the chat was not handed over. The assistant went on."
    )
}

fn under_way(handoff: &Handoff, state: &HandoffState) -> String {
    let (platform, time) = (&handoff.platform, Moment::from(handoff.fired_at).text);
    let doubt = match state {
        HandoffState::InDoubt { cause, .. } => {
            format!(" The platform's answer was lost ({cause}); we look there before asking again.")
        }
        HandoffState::Waiting { why, .. } => {
            format!(" The last attempt did not succeed ({why}); it is repeated.")
        }
        _ => String::new(),
    };
    format!(
        "The transfer to {platform} is under way since {time}. Nobody answers until it is decided; what the \
         person writes is kept and goes along.{doubt}"
    )
}
