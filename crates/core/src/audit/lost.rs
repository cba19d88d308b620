//! P2: every word has its place, and every word that has to reach the platform has left or waits.

use handoff_model::{Author, Route};

use super::{Case, Circumstances, Filed, Promise, Report};
use crate::{
    handoff::Handoff,
    session::Control,
    store::{EffectKind, RESTORED_GAP},
};

const GONE: &str = "Look what the person wrote on the platform and in the Inbox, and ask them for the rest. Keep a \
                    copy of the database: rows are missing that nothing in the server removes.";
const PASS_ON: &str =
    "Tell the live agents that something of the person is missing, and keep a copy of the database.";

pub(super) fn prove(report: &mut Report<'_>, circumstances: &Circumstances) {
    history_has_no_gap(report, circumstances.restores);
    let case = report.case;
    for Filed { handoff, .. } in &case.handoffs {
        if handoff.state.is_accepted() {
            tail_left(report, handoff);
        }
        let withheld = case.withheld.iter().filter(|withheld| withheld.handoff == handoff.id).count();
        if withheld > 0 && !handoff.state.is_undecided() {
            let what = format!("{withheld} messages of the team wait for a decision that was taken");
            report.finds(
                Promise::P2,
                Some(&handoff.id),
                what,
                "Read them on the platform, and tell the person.",
            );
        }
    }
    words_are_there(report);
}

/// Up to the first acceptance every place is a message. Afterwards places are also given to what is sealed and
/// deleted, and what was put back from a backup leaves places out.
fn history_has_no_gap(report: &mut Report<'_>, restores: u64) {
    let case = report.case;
    let accepted =
        case.handoffs.iter().map(|filed| &filed.handoff).filter(|handoff| handoff.state.is_accepted());
    let until = accepted.map(|handoff| handoff.transcript_until.unwrap_or(0).max(handoff.fired_seq)).min();
    let until = until.unwrap_or(case.conversation.last_seq);
    let places = case.history.iter().map(|place| place.seq).take_while(|seq| *seq <= until);
    let (mut before, mut gaps) = (0, 0);
    for seq in places.chain([until + 1]) {
        let missing = seq.saturating_sub(before + 1);
        gaps += u64::from(missing > 0);
        if missing % RESTORED_GAP != 0 || gaps > restores {
            let what = format!("{missing} messages are missing after place {before}");
            report.finds(Promise::P2, None, what, GONE);
        }
        before = seq;
    }
}

/// What was typed while the transfer ran has left after it, or waits.
fn tail_left(report: &mut Report<'_>, handoff: &Handoff) {
    let case = report.case;
    let typed = handoff.receipt.tail_messages;
    if matches!(&case.conversation.control, Control::Platform { id } if *id == handoff.id) {
        let kept = case.spoken_after(handoff, Author::Person);
        if kept < typed {
            let what =
                format!("{typed} messages were typed during the transfer, and {kept} are in the history");
            report.finds(Promise::P2, Some(&handoff.id), what, GONE);
        }
    }
    let waits = case.waiting(handoff, EffectKind::Forward);
    if handoff.route != Route::Native && handoff.receipt.carried_out + waits < typed {
        let what = format!(
            "{typed} messages were typed during the transfer; {} have left and {waits} wait",
            handoff.receipt.carried_out
        );
        report.finds(Promise::P2, Some(&handoff.id), what, PASS_ON);
    }
}

/// Words that wait to be carried are there to be carried.
fn words_are_there(report: &mut Report<'_>) {
    let case = report.case;
    for queued in &case.effects {
        let row = &queued.row;
        let in_history = || case.history.iter().any(|place| place.seq == row.seq);
        let empty = match row.kind {
            EffectKind::Forward => row.sealed.is_empty() && !in_history(),
            EffectKind::Fetch => row.sealed.is_empty(),
            EffectKind::Deliver => !in_history(),
            EffectKind::Handoff | EffectKind::Withdraw => false,
        };
        if empty {
            let what =
                format!("effect {} ({}) waits, and what it should carry is gone", row.id, row.kind.name());
            report.finds(Promise::P2, row.handoff.as_ref(), what, PASS_ON);
        }
    }
}

impl Case {
    /// How often somebody spoke after the handoff's transcript.
    pub(super) fn spoken_after(&self, handoff: &Handoff, author: Author) -> u64 {
        let after = handoff.transcript_until.unwrap_or(0).max(handoff.fired_seq);
        self.history.iter().filter(|place| place.author == author && place.seq > after).count() as u64
    }

    /// How many effects of a kind wait for a handoff.
    pub(super) fn waiting(&self, handoff: &Handoff, kind: EffectKind) -> u64 {
        let ours = self.effects.iter().map(|queued| &queued.row);
        ours.filter(|row| row.kind == kind && row.handoff.as_ref() == Some(&handoff.id)).count() as u64
    }
}
