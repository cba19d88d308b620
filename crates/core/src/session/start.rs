//! What the assistant does in a turn, and how an External Handoff fires.

use std::time::Duration;

use handoff_model::{Author, Content, HandoffId, NodeId, Route};
use serde_json::Value;

use super::{
    conversation::{Control, SessionState},
    draft::Draft,
};
use crate::{
    assistant::{Compiled, ExternalHandoff},
    engine::{self, Effect, Input, Memory},
    handoff::{
        Consented, Handoff, HandoffState, Leaves, Outcome, Receipt, Refusal, Target, consent::MOST_KEPT,
    },
    store::EffectKind,
};

/// External Handoffs that one turn may fire, counting those that are refused at once.
const MOST_HANDOFFS: usize = 3;

/// Begins a session, and lets *Chat Started* fire.
pub(super) fn open(draft: &mut Draft<'_>) {
    if draft.begin_session() {
        run(draft, Input::ChatStarted, draft.setting.event);
    } else {
        draft.touch();
        draft.notes.push("no published assistant serves this channel".to_owned());
    }
}

/// Keeps what the person wrote, and answers while the session is active.
pub(super) fn answer(draft: &mut Draft<'_>, content: Content, external_id: Option<String>) {
    let text = content.text.clone();
    draft.hear(content, external_id);
    run(draft, Input::Message(&text), draft.setting.event);
}

/// Runs the engine on the running session and takes its effects into the draft.
pub(super) fn run(draft: &mut Draft<'_>, input: Input<'_>, event: &str) {
    let Some(session) = draft.conversation.session.clone() else { return };
    if session.state != SessionState::Active {
        return;
    }
    let Some(assistant) = assistant(draft, session.assistant_version) else {
        draft.notes.push(format!("version {} of the assistant is missing", session.assistant_version));
        return;
    };
    let memory = Memory { level: session.level, variables: session.variables, asked: session.asked };
    let (system, seed) = (draft.system(assistant), seed(draft));
    let (memory, effects) = engine::step(assistant, memory, system, input, seed);
    if let Some(session) = &mut draft.conversation.session {
        session.level = memory.level;
        session.variables = memory.variables;
        session.asked = memory.asked;
    }
    draft.touch();
    for effect in effects {
        match effect {
            Effect::Say(content) => draft.say(Author::Assistant, content),
            Effect::Note(note) => draft.notes.push(note),
            Effect::Consented { node, question, answer, given } => {
                let (seq, at) = (draft.seq, draft.setting.now);
                let consented = Consented { node, question, answer, given, seq, at };
                consent(&mut draft.conversation.consents, consented);
            }
            Effect::HandOff { node, handoff, remarks } => fire(draft, &node, &handoff, remarks, event),
        }
    }
}

/// Keeps an answer; of very many the latest.
fn consent(kept: &mut Vec<Consented>, consented: Consented) {
    if kept.len() >= MOST_KEPT {
        kept.remove(0);
    }
    kept.push(consented);
}

/// The version a session runs on: the one it began with.
fn assistant<'a>(draft: &Draft<'a>, version: u32) -> Option<&'a Compiled> {
    match draft.setting.published {
        Some((_, published, compiled)) if published == version => Some(compiled),
        _ => draft.setting.running,
    }
}

/// An External Handoff fires: the session is mute from here on, and the transfer is recorded.
/// `remarks` say which options were left out.
fn fire(
    draft: &mut Draft<'_>,
    node: &NodeId,
    action: &ExternalHandoff,
    mut remarks: Vec<String>,
    event: &str,
) {
    let id = HandoffId::derive(&draft.conversation.id, &format!("{event}/{node}"), 0);
    let fired_before = draft.changes.handoffs.iter().any(|handoff| handoff.id == id);
    if fired_before || draft.changes.handoffs.len() >= MOST_HANDOFFS {
        return draft.notes.push(format!("{node}: too many handoffs in one turn"));
    }
    match choose(draft, action) {
        Ok(target) => request(draft, id, node, action, &target, remarks),
        Err(refusal) => match first_fallback(draft, action) {
            Some((other, target)) => {
                remarks.push(refusal.to_string());
                request(draft, id, node, &other, &target, remarks);
            }
            None => refuse(draft, id, node, action, &refusal, remarks),
        },
    }
}

/// The action as if the first way that is open were the only one before those that follow it.
fn first_fallback(draft: &Draft<'_>, action: &ExternalHandoff) -> Option<(ExternalHandoff, Target)> {
    action.fallbacks.iter().enumerate().find_map(|(at, way)| {
        let target = way.target(draft.setting.targets, draft.setting.home).ok()?;
        let other = ExternalHandoff {
            platform: Some(way.platform.clone()),
            connection: way.connection.clone(),
            route: way.route,
            budget_seconds: way.budget_seconds,
            options: way.options.clone(),
            fallbacks: action.fallbacks[at + 1..].to_vec(),
            ..action.clone()
        };
        Some((other, target))
    })
}

fn choose(draft: &Draft<'_>, action: &ExternalHandoff) -> Result<Target, Refusal> {
    let platform = action.platform.clone().unwrap_or_else(|| handoff_model::ConnectorId::new(""));
    let target = draft.setting.targets.choose(&platform, action.connection.as_ref())?;
    target.route(draft.setting.home, action.route).map(|_| target.clone())
}

/// `remarks` say what was left out, and why ways before this one were passed over.
fn request(
    draft: &mut Draft<'_>,
    id: HandoffId,
    node: &NodeId,
    action: &ExternalHandoff,
    target: &Target,
    remarks: Vec<String>,
) {
    let Some(session) = &mut draft.conversation.session else { return };
    let Ok(mute) = session.state.hand_off(id.clone()) else { return };
    session.state = mute;
    draft.control(Control::Handoff { id: id.clone() });
    let fired_seq = draft.conversation.last_seq;
    let mut handoff = record(draft, id, node, action, Some(target), fired_seq);
    remarks.into_iter().for_each(|remark| handoff.receipt.remark(remark));
    if let Some(text) = action.texts.say(Outcome::Asked, handoff.route) {
        draft.say(Author::Notice, Content::text(text));
        handoff.receipt.tell(Outcome::Asked.name(), draft.setting.now);
    }
    draft.conversation.last_handoff = Some(handoff.id.clone());
    draft.effect(EffectKind::Handoff, handoff.lane(), Some(handoff.id.clone()), 0, Vec::new());
    draft.keep(handoff);
}

/// Not allowed, or nowhere to go: a dead letter from the start, and the assistant goes on.
fn refuse(
    draft: &mut Draft<'_>,
    id: HandoffId,
    node: &NodeId,
    action: &ExternalHandoff,
    refusal: &Refusal,
    remarks: Vec<String>,
) {
    let fired_seq = draft.conversation.last_seq;
    let mut handoff = record(draft, id.clone(), node, action, None, fired_seq);
    handoff.state =
        HandoffState::Failed { reason: refusal.to_string(), at: draft.setting.now, nobody_there: false };
    remarks.into_iter().for_each(|remark| handoff.receipt.remark(remark));
    handoff.receipt.remark(refusal.to_string());
    draft.notes.push(format!("{node}: {refusal}"));
    if let Some(text) = action.texts.say(Outcome::Failed, handoff.route) {
        draft.say(Author::Notice, Content::text(text));
        handoff.receipt.tell(Outcome::Failed.name(), draft.setting.now);
    }
    draft.conversation.last_handoff = Some(id.clone());
    draft.keep(handoff);
    run(draft, Input::HandoffFailed(node), &format!("failed:{id}"));
}

fn record(
    draft: &Draft<'_>,
    id: HandoffId,
    node: &NodeId,
    action: &ExternalHandoff,
    target: Option<&Target>,
    fired_seq: u64,
) -> Handoff {
    let unknown = handoff_model::ConnectorId::new("");
    let connector = action.platform.clone().unwrap_or(unknown);
    let route = target.and_then(|target| target.route(draft.setting.home, action.route).ok());
    let wanted = if action.route == Leaves::Ticket { Route::Ticket } else { Route::Bridge };
    let route = route.unwrap_or(wanted);
    let native = draft.setting.home.is_some();
    let conversation = &draft.conversation;
    let session = conversation.session.as_ref().map(|session| session.id.clone());
    Handoff {
        id,
        version: 0,
        conversation: conversation.id.clone(),
        session: session.unwrap_or_else(|| handoff_model::SessionId::new("")),
        node: node.clone(),
        connection: target
            .map_or_else(|| handoff_model::ConnectionId::new(""), |target| target.connection.clone()),
        platform: target.map_or_else(|| connector.to_string(), |target| target.name.clone()),
        connector,
        route,
        chat: native.then(|| conversation.external_id.clone()),
        platform_session: if native { conversation.platform_session.clone() } else { None },
        options: if action.options.is_null() {
            Value::Object(Default::default())
        } else {
            action.options.clone()
        },
        texts: action.texts.clone(),
        state: HandoffState::Requested,
        fired_at: draft.setting.now,
        give_up_at: draft.setting.now.after(Duration::from_secs(action.budget_seconds)),
        settle_ms: target.map_or(0, |target| target.settle_ms),
        attempts: 0,
        fired_seq,
        transcript_until: None,
        checkpoint: None,
        told_delayed: false,
        held: false,
        unseen: false,
        settles_at: Default::default(),
        perhaps_carried_until: 0,
        speaks_after_transfer: target.is_some_and(|target| target.speaks_after_transfer),
        check_availability: action.check_availability,
        // Where the author asks, this fires on the answer and on nothing else.
        consent: action.consent.as_ref().and_then(|_| conversation.consents.last().cloned()),
        redact: action.redact.clone(),
        fallbacks: action.fallbacks.clone(),
        replay_of: None,
        replayed_as: None,
        receipt: Receipt::default(),
    }
}

/// A number that differs from turn to turn and is the same when a turn is repeated.
fn seed(draft: &Draft<'_>) -> u64 {
    let id = draft.conversation.id.as_str().bytes();
    let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    id.chain(draft.conversation.last_seq.to_be_bytes()).fold(0xcbf2_9ce4_8422_2325, hash)
}
