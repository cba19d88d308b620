//! One event of one conversation, handled to its end.

use handoff_model::{Content, Person, Route};
use serde::{Deserialize, Serialize};

pub use super::draft::{Handled, Setting};
use super::{
    conversation::{Control, Conversation, Ended},
    draft::Draft,
    settle::apply,
    start,
};
use crate::{
    handoff::{self, Event, Handoff, HandoffState},
    store::{EffectKind, Withheld},
};

/// What happened to a conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// The person opened the chat.
    Opened {
        /// The platform's session, on a platform's channel.
        platform_session: Option<String>,
    },
    /// The person wrote.
    Said {
        /// What.
        content: Content,
        /// The channel's id of the message.
        external_id: Option<String>,
        /// The platform's session, on a platform's channel.
        platform_session: Option<String>,
        /// A live agent answers on the platform's channel already.
        held_by_live_agent: bool,
    },
    /// The platform took the chat without being asked.
    TakenByPlatform {
        /// The platform's session.
        platform_session: Option<String>,
    },
    /// The team wrote to the person, or closed the chat.
    FromTeam(FromTeam),
}

/// What comes from the team over a bridge. Sealed wherever it rests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum FromTeam {
    /// Words or files.
    Message {
        /// Name to show.
        name: Option<String>,
        /// What was written.
        content: Content,
    },
    /// A text of the handoff itself, which takes the same way so that it keeps its place.
    Notice {
        /// What is said.
        text: String,
    },
    /// The chat is over.
    Closed {
        /// Why, in a word.
        reason: String,
    },
}

/// Handles an event. The `match` on who holds the conversation is the heart of the server.
///
/// `handoff` is the one the event belongs to, or else the one that holds the conversation.
pub fn turn(
    setting: &Setting<'_>,
    conversation: Conversation,
    handoff: Option<&Handoff>,
    happening: Happening,
) -> Handled {
    let mut draft = Draft::new(setting, conversation);
    match (draft.conversation.control.clone(), handoff) {
        (Control::Free, handoff) => free(&mut draft, handoff, happening),
        (Control::Session, handoff) => session(&mut draft, handoff, happening),
        (Control::Handoff { id }, Some(handoff)) if id == handoff.id => {
            keep_for_later(&mut draft, handoff, happening)
        }
        (Control::Platform { id }, Some(handoff)) if id == handoff.id => {
            carry_or_drop(&mut draft, handoff, happening)
        }
        (Control::Taken, _) => taken(&mut draft, happening),
        // News of an earlier handoff must not be taken for news of the present one.
        (Control::Handoff { .. } | Control::Platform { .. }, Some(earlier)) => {
            if let Happening::FromTeam(news) = happening {
                late_news(&mut draft, Some(earlier), news);
            }
        }
        (Control::Handoff { id } | Control::Platform { id }, None) => {
            draft.notes.push(format!("the handoff {id} that holds this conversation is missing"));
        }
    }
    draft.finish()
}

fn free(draft: &mut Draft<'_>, handoff: Option<&Handoff>, happening: Happening) {
    match happening {
        Happening::Opened { platform_session } => {
            draft.conversation.platform_session = platform_session;
            start::open(draft);
        }
        Happening::Said { held_by_live_agent: true, platform_session, .. }
        | Happening::TakenByPlatform { platform_session } => hand_to_platform(draft, platform_session),
        Happening::Said { content, external_id, platform_session, .. } => {
            draft.conversation.platform_session = platform_session;
            start::open(draft);
            start::answer(draft, content, external_id);
        }
        Happening::FromTeam(news) => late_news(draft, handoff, news),
    }
}

fn session(draft: &mut Draft<'_>, handoff: Option<&Handoff>, happening: Happening) {
    match happening {
        Happening::Opened { .. } => {}
        Happening::Said { held_by_live_agent: true, platform_session, .. }
        | Happening::TakenByPlatform { platform_session } => {
            draft.end_session(Ended::Transferred);
            hand_to_platform(draft, platform_session);
        }
        Happening::Said { content, external_id, platform_session, .. } => {
            draft.conversation.platform_session = platform_session;
            start::answer(draft, content, external_id);
        }
        Happening::FromTeam(news) => late_news(draft, handoff, news),
    }
}

/// The transfer is undecided: the assistant is mute, and nothing is lost.
fn keep_for_later(draft: &mut Draft<'_>, handoff: &Handoff, happening: Happening) {
    match happening {
        Happening::Opened { .. } | Happening::TakenByPlatform { .. } => {}
        // A live agent has the chat, so the platform has the words; that the transfer succeeded is found out elsewhere.
        Happening::Said { held_by_live_agent: true, .. } => drop_unread(draft, handoff),
        Happening::Said { content, external_id, .. } => {
            draft.hear(content, external_id);
        }
        Happening::FromTeam(news) => {
            // The decision reads what is withheld and changes the conversation: whichever commits second begins anew.
            draft.touch();
            let sealed = (draft.setting.seal)(&to_bytes(&news));
            draft.changes.withheld.push(Withheld { handoff: handoff.id.clone(), sealed });
        }
    }
}

/// The platform holds the chat: words are carried, or nothing of it is read.
fn carry_or_drop(draft: &mut Draft<'_>, handoff: &Handoff, happening: Happening) {
    match (handoff.route, happening) {
        (Route::Bridge, Happening::Said { content, .. }) => forward(draft, handoff, &content),
        (Route::Bridge, Happening::FromTeam(FromTeam::Closed { reason })) => close(draft, handoff, reason),
        (Route::Bridge, Happening::FromTeam(news)) => show(draft, handoff, &news),
        (Route::Bridge, _) => {}
        (Route::Native | Route::Ticket, happening) => {
            let since_then = handoff.state.taken_at().is_some_and(|at| at <= draft.setting.seen);
            if since_then && came_back(&happening, handoff.platform_session.as_deref()) {
                return free(draft, Some(handoff), happening);
            }
            drop_unread(draft, handoff);
        }
    }
}

fn taken(draft: &mut Draft<'_>, happening: Happening) {
    let before = draft.conversation.platform_session.clone();
    if came_back(&happening, before.as_deref()) {
        free(draft, None, happening);
    }
}

/// Whether an event belongs to a later session of the platform, in which the assistant may answer again.
fn came_back(happening: &Happening, before: Option<&str>) -> bool {
    let later = match happening {
        Happening::Opened { platform_session }
        | Happening::Said { platform_session, held_by_live_agent: false, .. } => platform_session.as_deref(),
        _ => None,
    };
    match (before, later) {
        (Some(before), Some(later)) => match (before.parse::<u64>(), later.parse::<u64>()) {
            (Ok(before), Ok(later)) => later > before,
            _ => later != before,
        },
        _ => false,
    }
}

fn hand_to_platform(draft: &mut Draft<'_>, platform_session: Option<String>) {
    draft.conversation.platform_session = platform_session;
    draft.control(Control::Taken);
    draft.notes.push("the platform took the chat without being asked".to_owned());
}

fn forward(draft: &mut Draft<'_>, handoff: &Handoff, content: &Content) {
    draft.touch();
    let seq = draft.conversation.take_seq();
    draft.seq = seq;
    let sealed = (draft.setting.seal)(&to_bytes(content));
    draft.effect(EffectKind::Forward, handoff.outward(), Some(handoff.id.clone()), seq, sealed);
    draft.changes.wake.push((handoff.outward(), draft.setting.now));
}

pub(super) fn show(draft: &mut Draft<'_>, handoff: &Handoff, news: &FromTeam) {
    let sealed = (draft.setting.seal)(&to_bytes(news));
    draft.effect(EffectKind::Fetch, handoff.inward(), Some(handoff.id.clone()), 0, sealed);
}

pub(super) fn close(draft: &mut Draft<'_>, handoff: &Handoff, reason: String) {
    if let Ok(transition) = handoff::step(handoff, Event::Closed { reason }, draft.setting.now, 0) {
        apply(draft, transition, &[], Vec::new());
    }
}

/// The team speaks in a chat that is over for us: the person still reads it.
fn late_news(draft: &mut Draft<'_>, handoff: Option<&Handoff>, news: FromTeam) {
    match (handoff, news) {
        (Some(handoff), news @ FromTeam::Message { .. })
            if matches!(handoff.state, HandoffState::Closed { .. }) =>
        {
            show(draft, handoff, &news);
        }
        // Platforms say in several ways that a chat is over.
        (_, FromTeam::Closed { .. }) => {}
        _ => draft.notes.push("words of a chat that is not ours any more were dropped".to_owned()),
    }
}

fn drop_unread(draft: &mut Draft<'_>, handoff: &Handoff) {
    let mut counted = handoff.clone();
    counted.receipt.dropped += 1;
    draft.keep(counted);
}

/// The person as the channel now knows them.
pub fn know(conversation: &mut Conversation, person: Option<Person>) {
    if let Some(person) = person {
        let known = std::mem::take(&mut conversation.person);
        conversation.person = Person {
            id: if person.id.is_empty() { known.id } else { person.id },
            name: person.name.or(known.name),
            email: person.email.or(known.email),
            phone: person.phone.or(known.phone),
            language: person.language.or(known.language),
        };
    }
}

pub(super) fn to_bytes(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
