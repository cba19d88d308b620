//! A way out failed for good, and the author named another one: a new handoff, in the same transaction.

use std::time::Duration;

use serde_json::Value;

use super::{conversation::Control, draft::Draft};
use crate::{
    handoff::{Fallback, Handoff, HandoffState, Receipt, Target},
    store::EffectKind,
};
use handoff_model::HandoffId;

/// Begins the next way that the chat may take; false when there is none, and the assistant has to go on.
///
/// Its id is derived from the one that failed, so that the same failure begins the same handoff again after rows were
/// lost. The one that failed names it, and is not tried again by itself.
pub(super) fn fall_back(draft: &mut Draft<'_>, failed: &mut Handoff) -> bool {
    let mut ways = failed.fallbacks.iter();
    let mut refusals = Vec::new();
    let next = ways.by_ref().find_map(|way| match way.target(draft.setting.targets, draft.setting.home) {
        Ok(target) => Some((way.clone(), target)),
        Err(refusal) => {
            refusals.push(refusal.to_string());
            None
        }
    });
    let rest = ways.cloned().collect();
    refusals.iter().for_each(|refusal| failed.receipt.remark(format!("not on this way either: {refusal}")));
    let Some((way, target)) = next else { return false };
    let id = HandoffId::derive(&draft.conversation.id, &format!("fallback/{}", failed.id), 0);
    let Some(handoff) = begun(draft, id.clone(), failed, &way, &target, rest) else { return false };
    // Nothing was changed so far: whoever goes on from here finds the chat as it was.
    let Some(session) = &mut draft.conversation.session else { return false };
    let passed_on = session.state.resume(&failed.id).and_then(|active| active.hand_off(id.clone()));
    let Ok(mute) = passed_on else { return false };
    session.state = mute;
    draft.control(Control::Handoff { id: id.clone() });
    draft.conversation.last_handoff = Some(id.clone());
    failed.replayed_as = Some(id);
    draft.effect(EffectKind::Handoff, handoff.lane(), Some(handoff.id.clone()), 0, Vec::new());
    draft.keep(handoff);
    true
}

fn begun(
    draft: &Draft<'_>,
    id: HandoffId,
    failed: &Handoff,
    way: &Fallback,
    target: &Target,
    rest: Vec<Fallback>,
) -> Option<Handoff> {
    let now = draft.setting.now;
    Some(Handoff {
        id,
        version: 0,
        connection: target.connection.clone(),
        connector: target.connector.clone(),
        platform: target.name.clone(),
        route: target.route(draft.setting.home, way.route).ok()?,
        options: if way.options.is_null() { Value::Object(Default::default()) } else { way.options.clone() },
        state: HandoffState::Requested,
        fired_at: now,
        give_up_at: now.after(Duration::from_secs(way.budget_seconds)),
        settle_ms: target.settle_ms,
        attempts: 0,
        // What was typed since the first way was tried goes along in the transcript.
        transcript_until: None,
        checkpoint: None,
        told_delayed: false,
        held: false,
        unseen: false,
        settles_at: Default::default(),
        perhaps_carried_until: 0,
        speaks_after_transfer: target.speaks_after_transfer,
        fallbacks: rest,
        replay_of: Some(failed.id.clone()),
        replayed_as: None,
        receipt: Receipt::default(),
        ..failed.clone()
    })
}
