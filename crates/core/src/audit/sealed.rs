//! P5: nothing of what is said after the acceptance is to be read at rest.

use handoff_model::Author;

use super::{Promise, Report};
use crate::{session::Control, store::EffectKind};

const FORGET: &str = "Stop the server, keep the database away from others, and report this: content lies where none may \
                      be. Backups made since then hold it too.";

pub(super) fn prove(report: &mut Report<'_>) {
    nothing_is_readable(report);
    history_has_ended(report);
}

/// What is sealed looks like nothing: it is not text.
fn nothing_is_readable(report: &mut Report<'_>) {
    let case = report.case;
    for queued in &case.effects {
        let row = &queued.row;
        let plain = match row.kind {
            EffectKind::Forward | EffectKind::Fetch => is_readable(&row.sealed),
            EffectKind::Deliver | EffectKind::Handoff | EffectKind::Withdraw => !row.sealed.is_empty(),
        };
        if plain {
            let what = format!("effect {} ({}) is not sealed", row.id, row.kind.name());
            report.finds(Promise::P5, row.handoff.as_ref(), what, FORGET);
        }
    }
    if let Some((seq, _)) = case.sealed.iter().find(|(_, sealed)| is_readable(sealed)) {
        report.finds(Promise::P5, None, format!("what the team wrote at place {seq} is not sealed"), FORGET);
    }
    if let Some(withheld) = case.withheld.iter().find(|withheld| is_readable(&withheld.sealed)) {
        let what = "what the team wrote during the transfer is not sealed";
        report.finds(Promise::P5, Some(&withheld.handoff), what, FORGET);
    }
}

/// Encrypted bytes are no text but by a chance that does not happen.
fn is_readable(sealed: &[u8]) -> bool {
    !sealed.is_empty() && std::str::from_utf8(sealed).is_ok()
}

/// While the platform holds the chat, the history is what it was at the acceptance.
fn history_has_ended(report: &mut Report<'_>) {
    let case = report.case;
    let Control::Platform { id } = &case.conversation.control else { return };
    let Some(handoff) = case.handoff(id) else { return };
    let kept = case.spoken_after(handoff, Author::Person);
    if kept > handoff.receipt.tail_messages {
        let what = format!(
            "{} messages of the person were kept after the acceptance",
            kept - handoff.receipt.tail_messages
        );
        report.finds(Promise::P5, Some(id), what, FORGET);
    }
    let spoken =
        case.history.iter().any(|place| place.author == Author::Assistant && place.seq > handoff.fired_seq);
    if spoken {
        let what = "the assistant spoke in a chat that the platform holds";
        report.finds(Promise::P1, Some(id), what, "Tell the live agents, and keep a copy of the database.");
    }
}
