//! P7: whatever is under way has somebody who will do it.

use std::{collections::BTreeMap, time::Duration};

use handoff_model::{Author, Delivery};

use super::{Circumstances, Filed, Promise, Queued, Report};
use crate::store::EffectKind;

/// What is due for longer than this is not merely slow.
const OVERDUE: Duration = Duration::from_secs(60 * 60);

const REPAIR: &str = "Keep a copy of the database and report this; an operator has to finish it by hand.";
const RESTART: &str =
    "Look into the log for why it is not done. If there is nothing, start the server again.";

pub(super) fn prove(report: &mut Report<'_>, circumstances: &Circumstances) {
    lanes_move(report);
    effects_have_their_handoff(report);
    handoffs_move(report);
    replies_leave(report, circumstances.sends_replies);
    if circumstances.served {
        nothing_is_overdue(report, circumstances);
    }
}

/// A lane has one head, the row added first: without it, nobody takes the lane's rows.
fn lanes_move(report: &mut Report<'_>) {
    let mut lanes = BTreeMap::<&str, Vec<bool>>::new();
    for Queued { row, head, .. } in &report.case.effects {
        lanes.entry(&row.lane).or_default().push(*head);
    }
    for (lane, heads) in lanes {
        let wrong = match heads.as_slice() {
            [true, others @ ..] if !others.contains(&true) => continue,
            [false, others @ ..] if !others.contains(&true) => "nobody can take",
            _ => "are taken out of their order",
        };
        let what = format!("{} effects of the lane {lane} {wrong}", heads.len());
        report.finds(Promise::P7, None, what, REPAIR);
    }
}

/// An effect that belongs to a handoff which is not there is dropped when its turn comes.
fn effects_have_their_handoff(report: &mut Report<'_>) {
    let case = report.case;
    for Queued { row, .. } in &case.effects {
        let handoff = row.handoff.as_ref().and_then(|id| case.handoff(id));
        let wrong = match (row.kind, handoff) {
            (EffectKind::Deliver, _) => continue,
            (_, None) => "belongs to no handoff and will be dropped",
            (EffectKind::Forward, Some(handoff)) if !handoff.state.is_accepted() => {
                "carries words to a platform that has not accepted the chat"
            }
            _ => continue,
        };
        let what = format!("effect {} ({}) {wrong}", row.id, row.kind.name());
        report.finds(Promise::P7, row.handoff.as_ref(), what, REPAIR);
    }
}

/// A handoff that is not decided has an effect that moves it on.
fn handoffs_move(report: &mut Report<'_>) {
    let case = report.case;
    for Filed { handoff, .. } in &case.handoffs {
        if handoff.state.is_undecided() && case.waiting(handoff, EffectKind::Handoff) != 1 {
            let rows = case.waiting(handoff, EffectKind::Handoff);
            let what = format!(
                "the handoff is {} and {rows} effects move it on instead of one",
                handoff.state.name()
            );
            report.finds(Promise::P7, Some(&handoff.id), what, REPAIR);
        }
    }
}

/// On a platform's own channel, a reply whose outcome is open waits in the outbox.
fn replies_leave(report: &mut Report<'_>, sends_replies: Option<bool>) {
    if sends_replies != Some(true) {
        return;
    }
    let case = report.case;
    let pending = case
        .history
        .iter()
        .filter(|place| place.author != Author::Person && place.delivery == Delivery::Pending);
    let waits = |seq: u64| {
        let rows = case.effects.iter().map(|queued| &queued.row);
        rows.filter(|row| row.kind == EffectKind::Deliver).any(|row| row.seq == seq)
    };
    let stuck = pending.filter(|place| !waits(place.seq)).count();
    if stuck > 0 {
        let what = format!("{stuck} replies are neither sent nor given up");
        report.finds(Promise::P7, None, what, REPAIR);
    }
}

fn nothing_is_overdue(report: &mut Report<'_>, circumstances: &Circumstances) {
    let overdue = |queued: &&Queued| queued.head && circumstances.now.since(queued.ready) > OVERDUE;
    for Queued { row, .. } in report.case.effects.iter().filter(overdue) {
        let what = format!("effect {} ({}) is due for more than an hour", row.id, row.kind.name());
        report.finds(Promise::P7, row.handoff.as_ref(), what, RESTART);
    }
}
