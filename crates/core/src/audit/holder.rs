//! P1: exactly one of assistant, transfer and platform holds the chat, and all rows say the same one.

use super::{Filed, Promise, Report};
use crate::{
    handoff::{Handoff, HandoffState},
    session::{Control, SessionState},
};

/// What an operator does about a chat with two holders, or none.
const LOOK: &str = "Open the chat in the Inbox and on the platform, let one side answer, and keep a copy of the \
                    database: this is a fault of the server, or of whoever changed its rows.";

pub(super) fn prove(report: &mut Report<'_>) {
    columns_agree(report);
    control_fits(report);
    nobody_else(report);
}

/// Lists are made from columns of their own.
fn columns_agree(report: &mut Report<'_>) {
    let case = report.case;
    let (shown, held_by) = (&case.held_by, case.conversation.control.name());
    if shown != held_by {
        report.finds(Promise::P1, None, format!("lists say {shown}, the conversation says {held_by}"), LOOK);
    }
    for Filed { handoff, state, .. } in &case.handoffs {
        let is = handoff.state.name();
        if state != is {
            let what = format!("lists say that the handoff is {state}, and it is {is}");
            report.finds(Promise::P1, Some(&handoff.id), what, LOOK);
        }
    }
}

/// Control, session and the handoff that control names tell one story.
fn control_fits(report: &mut Report<'_>) {
    let conversation = &report.case.conversation;
    let session = conversation.session.as_ref().map(|session| &session.state);
    let runs = matches!(session, Some(SessionState::Active | SessionState::HandingOff { .. }));
    let wrong = match &conversation.control {
        Control::Session if session != Some(&SessionState::Active) => {
            "the assistant holds it without a session that runs"
        }
        Control::Free | Control::Taken | Control::Platform { .. } if runs => {
            "a session runs although the assistant does not hold it"
        }
        Control::Handoff { id } if session != Some(&SessionState::HandingOff { handoff: id.clone() }) => {
            "a transfer holds it and the session does not know"
        }
        _ => "",
    };
    if !wrong.is_empty() {
        report.finds(Promise::P1, report.case.holding(), wrong, LOOK);
    }
    named_handoff(report);
}

fn named_handoff(report: &mut Report<'_>) {
    let case = report.case;
    let Some(id) = case.holding() else { return };
    let transfer = matches!(case.conversation.control, Control::Handoff { .. });
    let wrong = match case.handoff(id) {
        None => "the handoff that holds it is missing".to_owned(),
        Some(handoff) if transfer != handoff.state.is_undecided() || is_over(handoff) => {
            let (held_by, state) = (case.conversation.control.name(), handoff.state.name());
            format!("held by {held_by}, and the handoff that it names is {state}")
        }
        Some(_) if case.conversation.last_handoff.as_ref() != Some(id) => {
            "its latest handoff is not the one that holds it".to_owned()
        }
        Some(_) => return,
    };
    report.finds(Promise::P1, Some(id), wrong, LOOK);
}

/// Neither under way nor on the platform.
fn is_over(handoff: &Handoff) -> bool {
    matches!(handoff.state, HandoffState::Failed { .. } | HandoffState::Closed { .. })
}

/// No handoff is under way, and no bridge stands, but the one that control names.
fn nobody_else(report: &mut Report<'_>) {
    let case = report.case;
    for Filed { handoff, .. } in &case.handoffs {
        let open = handoff.state.is_undecided() || matches!(handoff.state, HandoffState::Carrying { .. });
        if open && case.holding() != Some(&handoff.id) {
            let held_by = case.conversation.control.name();
            let what =
                format!("a handoff is {} although the chat is held by {held_by}", handoff.state.name());
            report.finds(Promise::P1, Some(&handoff.id), what, LOOK);
        }
    }
}
