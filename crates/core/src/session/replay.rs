//! A dead letter is tried again: a new handoff with the history until now, after an operator mended what was wrong.

use std::time::Duration;

use handoff_model::{Author, ConnectionId, ConnectorId, Content, HandoffId, Route};
use serde_json::Value;

use super::{
    conversation::{Control, Conversation, SessionState},
    draft::{Draft, Handled, Setting},
};
use crate::{
    handoff::{Handoff, HandoffState, Leaves, Outcome, Receipt, Refusal, Target},
    store::EffectKind,
};

/// What an operator changes before a dead letter is tried again. Empty: nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Repair {
    /// Another platform.
    pub platform: Option<ConnectorId>,
    /// Which account; none: the one from before, or the platform's only one.
    pub connection: Option<ConnectionId>,
    /// Changes to the author's options, as a JSON merge patch (RFC 7396).
    pub options: Option<Value>,
    /// Another time for attempts, in seconds.
    pub budget_seconds: Option<u64>,
}

/// Why a dead letter is not tried again. Nothing changes then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayRefusal {
    /// It did not fail, or not yet.
    #[error("the handoff is {state}; only a failed one is tried again")]
    NotFailed {
        /// The state's name.
        state: &'static str,
    },
    /// It was tried again before.
    #[error("it was tried again already, as {0}")]
    Replayed(HandoffId),
    /// The chat is not with the assistant.
    #[error(
        "the chat is not with the assistant any more (held by: {held_by}), so it cannot be handed off from here"
    )]
    Elsewhere {
        /// Who holds it, in one word.
        held_by: &'static str,
    },
    /// The person was asked whether it may leave, and does not want it any more or is being asked again.
    #[error("the person said no since then, or is being asked again just now")]
    NotWanted,
    /// The chat may not go there.
    #[error(transparent)]
    Target(#[from] Refusal),
}

/// Puts the new handoff and what goes with it into one transaction; the id of the new one as well.
///
/// # Errors
/// Why the dead letter is not tried again.
pub fn replay(
    setting: &Setting<'_>,
    conversation: Conversation,
    failed: &Handoff,
    repair: &Repair,
) -> Result<(Handled, HandoffId), ReplayRefusal> {
    let HandoffState::Failed { at, .. } = failed.state else {
        return Err(ReplayRefusal::NotFailed { state: failed.state.name() });
    };
    if let Some(again) = &failed.replayed_as {
        return Err(ReplayRefusal::Replayed(again.clone()));
    }
    // The same dead letter gives the same handoff, however often this is asked for.
    let id = HandoffId::derive(&conversation.id, &format!("replay/{}/{}", failed.id, at.0), 0);
    let elsewhere = ReplayRefusal::Elsewhere { held_by: conversation.control.name() };
    let active = conversation.session.as_ref().filter(|_| conversation.control == Control::Session);
    let mute = active.and_then(|session| session.state.hand_off(id.clone()).ok()).ok_or(elsewhere)?;
    if failed.consent.is_some() && !is_wanted(&conversation, failed) {
        return Err(ReplayRefusal::NotWanted);
    }
    let target = target(setting, failed, repair)?;
    let mut draft = Draft::new(setting, conversation);
    let handoff = anew(&draft, id.clone(), failed, &target, repair)?;
    begin(&mut draft, mute, handoff);
    draft.keep(Handoff { replayed_as: Some(id.clone()), ..failed.clone() });
    Ok((draft.finish(), id))
}

/// Whether the person's yes is the last that they said to this question.
fn is_wanted(conversation: &Conversation, failed: &Handoff) -> bool {
    let asked = conversation.session.as_ref().and_then(|session| session.asked.as_ref());
    let last = conversation.consents.iter().rev().find(|answer| answer.node == failed.node);
    asked.is_none_or(|asked| asked.node != failed.node) && last.is_none_or(|answer| answer.given)
}

fn target(setting: &Setting<'_>, failed: &Handoff, repair: &Repair) -> Result<Target, Refusal> {
    let platform = repair.platform.as_ref().unwrap_or(&failed.connector);
    let same = *platform == failed.connector && !failed.connection.as_str().is_empty();
    let connection = repair.connection.as_ref().or(same.then_some(&failed.connection));
    setting.targets.choose(platform, connection).cloned()
}

/// The same wish on new terms.
fn anew(
    draft: &Draft<'_>,
    id: HandoffId,
    failed: &Handoff,
    target: &Target,
    repair: &Repair,
) -> Result<Handoff, Refusal> {
    let leaves = if failed.route == Route::Ticket { Leaves::Ticket } else { Leaves::Chat };
    let (conversation, now) = (&draft.conversation, draft.setting.now);
    let before = failed.give_up_at.since(failed.fired_at);
    let budget = repair.budget_seconds.map_or(before, Duration::from_secs);
    let session = conversation.session.as_ref().map(|session| session.id.clone());
    Ok(Handoff {
        id,
        version: 0,
        session: session.unwrap_or_else(|| failed.session.clone()),
        connection: target.connection.clone(),
        connector: target.connector.clone(),
        platform: target.name.clone(),
        route: target.route(draft.setting.home, leaves)?,
        platform_session: failed.chat.as_ref().and(conversation.platform_session.clone()),
        options: merged(&failed.options, repair.options.as_ref()),
        state: HandoffState::Requested,
        fired_at: now,
        give_up_at: now.after(budget),
        settle_ms: target.settle_ms,
        attempts: 0,
        fired_seq: conversation.last_seq,
        transcript_until: None,
        checkpoint: None,
        told_delayed: false,
        held: false,
        unseen: false,
        settles_at: Default::default(),
        perhaps_carried_until: 0,
        speaks_after_transfer: target.speaks_after_transfer,
        // An operator decides that it leaves now.
        check_availability: false,
        replay_of: Some(failed.id.clone()),
        replayed_as: None,
        receipt: Receipt::default(),
        ..failed.clone()
    })
}

/// The session is mute from here on, and the transfer is recorded.
fn begin(draft: &mut Draft<'_>, mute: SessionState, mut handoff: Handoff) {
    if let Some(session) = &mut draft.conversation.session {
        session.state = mute;
    }
    draft.control(Control::Handoff { id: handoff.id.clone() });
    if let Some(text) = handoff.texts.say(Outcome::Asked, handoff.route).map(str::to_owned) {
        draft.say(Author::Notice, Content::text(text));
        handoff.receipt.tell(Outcome::Asked.name(), draft.setting.now);
    }
    draft.conversation.last_handoff = Some(handoff.id.clone());
    draft.effect(EffectKind::Handoff, handoff.lane(), Some(handoff.id.clone()), 0, Vec::new());
    draft.keep(handoff);
}

/// The options with a merge patch applied.
fn merged(options: &Value, patch: Option<&Value>) -> Value {
    let mut merged = options.clone();
    if let Some(patch) = patch {
        json_patch::merge(&mut merged, patch);
    }
    merged
}
