//! Does to the conversation what a handoff's transition asks for.

use handoff_model::{Author, Content, Message, Route};

use super::{
    conversation::{Control, Conversation, Ended, SessionState},
    draft::{Draft, Handled, Setting},
    fallback::fall_back,
    start,
    turn::{FromTeam, close, show, to_bytes},
};
use crate::{
    engine::Input,
    handoff::{Effect, Handoff, HandoffState, Outcome, Transition},
    store::EffectKind,
};

/// Puts a transition and what follows from it into one transaction.
///
/// `later` are the messages accepted since the action fired; `withheld` is what the team wrote before
/// the acceptance was known here.
pub fn settle(
    setting: &Setting<'_>,
    conversation: Conversation,
    transition: Transition,
    later: &[Message],
    withheld: Vec<FromTeam>,
) -> Handled {
    let mut draft = Draft::new(setting, conversation);
    apply(&mut draft, transition, later, withheld);
    draft.finish()
}

pub(super) fn apply(
    draft: &mut Draft<'_>,
    transition: Transition,
    later: &[Message],
    withheld: Vec<FromTeam>,
) {
    let Transition { mut handoff, effects } = transition;
    let fails = effects.contains(&Effect::GiveBack);
    let falls_back = fails && fall_back(draft, &mut handoff);
    let give_back = fails && !falls_back;
    let falls = |outcome: &Outcome| falls_back && matches!(outcome, Outcome::Failed | Outcome::NobodyThere);
    for effect in effects {
        match effect {
            Effect::Tell(outcome) if falls(&outcome) => tell(draft, &mut handoff, Outcome::FallenBack),
            Effect::CallTransfer | Effect::Wake(_) => {}
            Effect::Tell(outcome) => tell(draft, &mut handoff, outcome),
            Effect::HandOver => hand_over(draft, &mut handoff, later),
            Effect::GiveBack => {}
            Effect::Withdraw => {
                let lane = format!("withdraw:{}", handoff.id);
                draft.effect(EffectKind::Withdraw, lane, Some(handoff.id.clone()), 0, Vec::new());
            }
            Effect::SetFree => draft.control(Control::Free),
            Effect::Alert(alert) => draft.notes.push(format!("handoff {}: {alert}", handoff.id)),
        }
    }
    draft.keep(handoff.clone());
    release(draft, &handoff, withheld);
    if falls_back {
        draft.changes.drop_withheld = Some(handoff.id.clone());
    }
    if give_back {
        back_to_assistant(draft, &handoff, later);
    }
}

/// Says the text of an outcome, where there still is a way to say it.
fn tell(draft: &mut Draft<'_>, handoff: &mut Handoff, outcome: Outcome) {
    let now = draft.setting.now;
    let Some(text) = handoff.texts.say(outcome, handoff.route).map(str::to_owned) else {
        return handoff.receipt.tell(format!("{}: silence, as the author chose", outcome.name()), now);
    };
    let silent_natively = handoff.route == Route::Native && !handoff.speaks_after_transfer;
    match outcome {
        Outcome::Accepted | Outcome::Queued if silent_natively => {
            return handoff.receipt.tell(format!("{}: by the platform's own words", outcome.name()), now);
        }
        // What follows acceptance is not part of the history.
        Outcome::Closed => {
            show(draft, handoff, &FromTeam::Notice { text });
        }
        _ => draft.say(Author::Notice, Content::text(text)),
    }
    handoff.receipt.tell(outcome.name(), now);
}

/// The platform has the chat: the session ends for good, and what was typed meanwhile goes after it.
fn hand_over(draft: &mut Draft<'_>, handoff: &mut Handoff, later: &[Message]) {
    draft.end_session(Ended::Transferred);
    draft.control(match handoff.route {
        Route::Ticket => Control::Free,
        Route::Native | Route::Bridge => Control::Platform { id: handoff.id.clone() },
    });
    if let Some(ticket) = handoff.state.ticket() {
        draft.changes.chats.push((handoff.connection.clone(), ticket.chat.clone(), handoff.id.clone()));
    }
    let until = handoff.transcript_until.unwrap_or(0);
    for message in later.iter().filter(|message| message.author == Author::Person && message.seq > until) {
        handoff.receipt.tail_messages += 1;
        // After a ticket as well: what was typed meanwhile becomes remarks on it.
        if handoff.route != Route::Native {
            let sealed = (draft.setting.seal)(&to_bytes(&message.content));
            draft.effect(
                EffectKind::Forward,
                handoff.outward(),
                Some(handoff.id.clone()),
                message.seq,
                sealed,
            );
        }
    }
}

/// Shows what the team wrote before the acceptance was known, after the text that tells of it.
fn release(draft: &mut Draft<'_>, handoff: &Handoff, withheld: Vec<FromTeam>) {
    if !handoff.state.is_accepted() || withheld.is_empty() {
        return;
    }
    draft.changes.drop_withheld = Some(handoff.id.clone());
    for news in withheld {
        match news {
            FromTeam::Message { .. } | FromTeam::Notice { .. } => show(draft, handoff, &news),
            FromTeam::Closed { reason } => close(draft, handoff, reason),
        }
    }
}

/// The handoff failed for good: the assistant goes on, and is offered what was typed meanwhile.
fn back_to_assistant(draft: &mut Draft<'_>, handoff: &Handoff, later: &[Message]) {
    draft.changes.drop_withheld = Some(handoff.id.clone());
    let Some(session) = &mut draft.conversation.session else { return };
    let Ok(active) = session.state.resume(&handoff.id) else { return };
    session.state = active;
    draft.control(Control::Session);
    let event = format!("failed:{}", handoff.id);
    let input = match handoff.state {
        HandoffState::Failed { nobody_there: true, .. } => Input::NobodyThere(&handoff.node),
        _ => Input::HandoffFailed(&handoff.node),
    };
    start::run(draft, input, &event);
    for message in
        later.iter().filter(|message| message.author == Author::Person && message.seq > handoff.fired_seq)
    {
        let active = |session: &super::Session| session.state == SessionState::Active;
        if draft.conversation.session.as_ref().is_some_and(active) {
            start::run(draft, Input::Earlier(&message.content.text), &format!("{event}/{}", message.seq));
        }
    }
}
