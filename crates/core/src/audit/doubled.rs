//! P3: one conversation on the platform for a handoff, one place for a message, one target that may have succeeded.

use std::collections::{BTreeMap, BTreeSet};

use handoff_model::Route;

use super::{Filed, Promise, Report};
use crate::{
    handoff::{Handoff, HandoffState},
    store::EffectKind,
};

const CLOSE: &str = "Look on the platform for a second conversation of this person, close it, and keep a copy of the \
                     database.";

pub(super) fn prove(report: &mut Report<'_>) {
    places_are_free(report);
    one_target(report);
    carried_once(report);
}

/// The next place is one that nothing has.
fn places_are_free(report: &mut Report<'_>) {
    let case = report.case;
    let taken = case.history.iter().map(|place| place.seq).chain(case.sealed.iter().map(|(seq, _)| *seq));
    let waits = case.effects.iter().map(|queued| queued.row.seq);
    let (last, highest) = (case.conversation.last_seq, taken.chain(waits).max().unwrap_or(0));
    if highest > last {
        let what = format!("the last place is {last}, and place {highest} is taken already");
        report.finds(
            Promise::P3,
            None,
            what,
            "Put the latest good backup back: this conversation would mix up words.",
        );
    }
    let said: BTreeSet<u64> = case.history.iter().map(|place| place.seq).collect();
    if let Some((seq, _)) = case.sealed.iter().find(|(seq, _)| said.contains(seq)) {
        let what = format!("place {seq} holds a message of the history and one of the team");
        report.finds(Promise::P3, None, what, CLOSE);
    }
}

/// Of a handoff and those that tried again, only the last may have succeeded.
fn one_target(report: &mut Report<'_>) {
    let case = report.case;
    for Filed { handoff, chats, .. } in &case.handoffs {
        if *chats > 1 {
            let what = format!("{chats} chats on platforms lead to one handoff");
            report.finds(Promise::P3, Some(&handoff.id), what, CLOSE);
        }
        let failed = matches!(handoff.state, HandoffState::Failed { .. });
        if let Some(next) = &handoff.replayed_as {
            let follows = case.handoff(next).is_some_and(|next| next.replay_of.as_ref() == Some(&handoff.id));
            if !failed || !follows {
                let what = format!("it is {} and was tried again as {next}", handoff.state.name());
                report.finds(Promise::P3, Some(&handoff.id), what, CLOSE);
            }
        }
        if let Some(first) = &handoff.replay_of
            && case.handoff(first).and_then(|first| first.replayed_as.as_ref()) != Some(&handoff.id)
        {
            let what = format!("it tries {first} again, which does not know of it");
            report.finds(Promise::P3, Some(&handoff.id), what, CLOSE);
        }
    }
}

/// Each word waits once, behind the earlier ones, and no ticket got more remarks than were typed.
fn carried_once(report: &mut Report<'_>) {
    let case = report.case;
    let mut last = BTreeMap::<&str, u64>::new();
    for queued in &case.effects {
        let row = &queued.row;
        if !matches!(row.kind, EffectKind::Forward | EffectKind::Deliver) {
            continue;
        }
        let before = last.insert(&row.lane, row.seq);
        if before.is_some_and(|before| before >= row.seq) {
            let what = format!("place {} waits twice, or behind later words, in {}", row.seq, row.lane);
            report.finds(Promise::P3, row.handoff.as_ref(), what, CLOSE);
        }
    }
    for Filed { handoff, .. } in &case.handoffs {
        let carried = handoff.receipt.carried_out + case.waiting(handoff, EffectKind::Forward);
        if is_ticket(handoff) && carried > handoff.receipt.tail_messages {
            let what =
                format!("a ticket got {carried} remarks for {} messages", handoff.receipt.tail_messages);
            report.finds(Promise::P3, Some(&handoff.id), what, CLOSE);
        }
    }
}

fn is_ticket(handoff: &Handoff) -> bool {
    handoff.route == Route::Ticket && handoff.state.is_accepted()
}
