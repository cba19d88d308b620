//! A chat on the platform and one on its way there, each row of which is broken once.

use handoff_model::{ChannelId, ConnectionId, ConnectorId, NodeId, Person, Route, SessionId, TicketRef};
use serde_json::Value;

use super::*;
use crate::{
    handoff::{HandoffState, Receipt, Texts},
    session::{Ended, Session, SessionState},
    store::{EffectKind, RESTORED_GAP, place_after_restore},
};

const SEALED: [u8; 4] = [0xff, 0xfe, 0x80, 0x81];
const NOW: Timestamp = Timestamp(100_000_000);
const HERE: Circumstances = Circumstances { now: NOW, served: true, restores: 0, sends_replies: Some(false) };

fn handoff(conversation: &Conversation, state: HandoffState) -> Handoff {
    Handoff {
        id: HandoffId::derive(&conversation.id, "wish", 0),
        version: 1,
        conversation: conversation.id.clone(),
        session: SessionId::nth(&conversation.id, 1),
        node: NodeId::new("away"),
        connection: ConnectionId::new("desk"),
        connector: ConnectorId::new("zendesk"),
        platform: "Zendesk".to_owned(),
        route: Route::Bridge,
        chat: None,
        platform_session: None,
        options: Value::Null,
        texts: Texts::default(),
        state,
        fired_at: Timestamp(1),
        give_up_at: Timestamp(60_001),
        settle_ms: 0,
        attempts: 1,
        fired_seq: 3,
        transcript_until: Some(4),
        checkpoint: None,
        told_delayed: false,
        held: false,
        unseen: false,
        settles_at: Timestamp(0),
        perhaps_carried_until: 0,
        speaks_after_transfer: false,
        check_availability: false,
        consent: None,
        redact: Vec::new(),
        fallbacks: Vec::new(),
        replay_of: None,
        replayed_as: None,
        receipt: Receipt { tail_messages: 1, ..Receipt::default() },
    }
}

fn effect(case: &Case, id: i64, kind: EffectKind, lane: &str, seq: u64, sealed: &[u8]) -> Queued {
    let row = EffectRow {
        id,
        kind,
        lane: lane.to_owned(),
        conversation: case.conversation.id.clone(),
        handoff: case.conversation.last_handoff.clone(),
        seq,
        sealed: sealed.to_vec(),
        attempts: 0,
        maybe_done: false,
        added: NOW,
        held_until: Timestamp(0),
    };
    Queued { row, head: true, ready: NOW }
}

/// Wish, answer, wish, *asked*, one message during the transfer, and no effect yet.
fn case(
    session: impl Fn(HandoffId) -> SessionState,
    control: impl Fn(HandoffId) -> Control,
    state: HandoffState,
) -> Case {
    let mut conversation =
        Conversation::new(ChannelId::new("web"), "ann".to_owned(), Person::default(), Timestamp(1));
    let handoff = handoff(&conversation, state);
    conversation.session = Some(Session {
        id: handoff.session.clone(),
        assistant: handoff_model::AssistantId::new("support"),
        assistant_version: 1,
        began: Timestamp(1),
        first_seq: 1,
        state: session(handoff.id.clone()),
        level: None,
        variables: serde_json::Map::new(),
        asked: None,
    });
    conversation.control = control(handoff.id.clone());
    conversation.last_handoff = Some(handoff.id.clone());
    conversation.last_seq = 5;
    let authors = [Author::Person, Author::Assistant, Author::Person, Author::Notice, Author::Person];
    let place = |(seq, author)| Place { seq, author, delivery: Delivery::Delivered };
    Case {
        held_by: conversation.control.name().to_owned(),
        history: (1..).zip(authors).map(place).collect(),
        sealed: Vec::new(),
        withheld: Vec::new(),
        handoffs: vec![Filed { state: handoff.state.name().to_owned(), handoff, chats: 0 }],
        effects: Vec::new(),
        damaged: Vec::new(),
        conversation,
    }
}

/// The platform holds the chat; the words that were typed during the transfer wait, and so do the team's.
fn on_the_platform() -> Case {
    let ticket = TicketRef { chat: "c7".to_owned(), label: None, url: None };
    let ended = |_| SessionState::Ended { how: Ended::Transferred, at: Timestamp(5) };
    let carrying = HandoffState::Carrying { ticket, at: Timestamp(5) };
    let mut case = case(ended, |id| Control::Platform { id }, carrying);
    let (out, inward) = (case.handoffs[0].handoff.outward(), case.handoffs[0].handoff.inward());
    case.handoffs[0].chats = 1;
    case.effects.push(effect(&case, 1, EffectKind::Forward, &out, 5, &SEALED));
    case.effects.push(effect(&case, 2, EffectKind::Fetch, &inward, 0, &SEALED));
    case
}

/// The transfer is under way.
fn on_its_way() -> Case {
    let handing = |handoff| SessionState::HandingOff { handoff };
    let mut case = case(handing, |id| Control::Handoff { id }, HandoffState::Requested);
    let lane = case.handoffs[0].handoff.lane();
    case.effects.push(effect(&case, 1, EffectKind::Handoff, &lane, 0, &[]));
    case
}

/// Breaks something.
type Break = fn(&mut Case);

#[test]
fn rows_that_are_in_order_give_no_finding() {
    for case in [on_the_platform(), on_its_way()] {
        assert_eq!(prove(&case, &HERE), []);
    }
    let mut carried = on_the_platform();
    carried.effects.clear();
    carried.handoffs[0].handoff.receipt.carried_out = 1;
    carried.sealed.push((6, SEALED.to_vec()));
    carried.conversation.last_seq = 9;
    assert_eq!(prove(&carried, &HERE), [], "places that were carried are no gap");
    let mut restored = on_its_way();
    restored.conversation.last_seq += RESTORED_GAP;
    assert_eq!(prove(&restored, &Circumstances { restores: 1, ..HERE }), []);
    assert_eq!(prove(&restored, &HERE).len(), 1, "nothing was put back, and so many places are missing");
    restored.conversation.last_seq = place_after_restore(restored.conversation.last_seq, NOW);
    assert_eq!(prove(&restored, &Circumstances { restores: 1, ..HERE }), []);
}

#[test]
fn whatever_is_broken_on_the_platforms_side_is_found_under_its_promise() {
    let cases: [(Promise, &str, Break); 22] = [
        (Promise::P1, "lists say session", |case| case.held_by = "session".to_owned()),
        (Promise::P1, "lists say that the handoff is", |case| case.handoffs[0].state = "failed".to_owned()),
        (Promise::P1, "a session runs", |case| session(case, SessionState::Active)),
        (Promise::P1, "without a session", |case| case.conversation.control = Control::Session),
        (Promise::P1, "although the chat is held by free", |case| case.conversation.control = Control::Free),
        (Promise::P1, "is missing", |case| case.handoffs.clear()),
        (Promise::P1, "names is closed", |case| close(case)),
        (Promise::P1, "latest handoff", |case| case.conversation.last_handoff = None),
        (Promise::P1, "the assistant spoke", |case| case.history[4].author = Author::Assistant),
        (Promise::P2, "is not as it was written", |case| case.damaged.push("messages (place 2)".to_owned())),
        (Promise::P2, "1 messages are missing after place 1", |case| {
            case.history.remove(1);
        }),
        (Promise::P2, "are in the history", |case| {
            case.history.remove(4);
        }),
        (Promise::P2, "0 have left and 0 wait", |case| {
            case.effects.remove(0);
        }),
        (Promise::P2, "wait for a decision", |case| withhold(case, &SEALED)),
        (Promise::P2, "is gone", |case| case.effects[1].row.sealed.clear()),
        (Promise::P3, "is taken already", |case| case.conversation.last_seq = 4),
        (Promise::P3, "and one of the team", |case| case.sealed.push((2, SEALED.to_vec()))),
        (Promise::P3, "2 chats", |case| case.handoffs[0].chats = 2),
        (Promise::P3, "was tried again", |case| {
            case.handoffs[0].handoff.replayed_as = case.conversation.last_handoff.clone();
        }),
        (Promise::P3, "waits twice", |case| {
            let again = Queued { head: false, ..case.effects[0].clone() };
            case.effects.push(again);
        }),
        (Promise::P5, "is not sealed", |case| case.effects[0].row.sealed = b"my card".to_vec()),
        (Promise::P5, "were kept after", |case| {
            case.history.push(Place { seq: 6, author: Author::Person, delivery: Delivery::Delivered });
            case.conversation.last_seq = 6;
        }),
    ];
    for (promise, words, break_it) in cases {
        check(on_the_platform(), promise, words, break_it);
    }
}

#[test]
fn whatever_is_broken_on_the_way_is_found_under_its_promise() {
    let cases: [(Promise, &str, Break); 10] = [
        (Promise::P1, "the session does not know", |case| session(case, SessionState::Active)),
        (Promise::P1, "names is failed", |case| {
            let reason = "no".to_owned();
            case.handoffs[0].handoff.state = HandoffState::Failed { reason, at: NOW, nobody_there: false };
        }),
        (Promise::P2, "5 messages are missing", |case| case.history.clear()),
        (Promise::P5, "team wrote during the transfer", |case| withhold(case, b"hello")),
        (Promise::P5, "team wrote at place 9", |case| case.sealed.push((9, b"hello".to_vec()))),
        (Promise::P7, "0 effects move it on", |case| case.effects.clear()),
        (Promise::P7, "nobody can take", |case| case.effects[0].head = false),
        (Promise::P7, "will be dropped", |case| case.effects[0].row.handoff = None),
        (Promise::P7, "has not accepted", |case| {
            let lane = case.handoffs[0].handoff.outward();
            let early = effect(case, 2, EffectKind::Forward, &lane, 5, &SEALED);
            case.effects.push(early);
        }),
        (Promise::P7, "more than an hour", |case| case.effects[0].ready = Timestamp(1)),
    ];
    for (promise, words, break_it) in cases {
        check(on_its_way(), promise, words, break_it);
    }
}

#[test]
fn a_reply_that_nobody_sends_is_found_where_replies_are_sent() {
    let mut case = on_its_way();
    case.history[1].delivery = Delivery::Pending;
    assert_eq!(prove(&case, &HERE), [], "on a channel of ours the person fetches it");
    let there = Circumstances { sends_replies: Some(true), ..HERE };
    assert!(prove(&case, &there).iter().any(|finding| finding.what.contains("neither sent")));
    case.effects.push(effect(&case, 3, EffectKind::Deliver, "deliver:ann", 2, &[]));
    assert_eq!(prove(&case, &there), []);
}

fn check(mut case: Case, promise: Promise, words: &str, break_it: Break) {
    break_it(&mut case);
    let found = prove(&case, &HERE);
    let fits = |finding: &Finding| finding.promise == promise && finding.what.contains(words);
    assert!(found.iter().any(fits), "{promise:?} {words:?}: {found:#?}");
}

fn session(case: &mut Case, state: SessionState) {
    if let Some(session) = &mut case.conversation.session {
        session.state = state;
    }
}

fn close(case: &mut Case) {
    let handoff = &mut case.handoffs[0].handoff;
    let ticket = handoff.state.ticket().cloned();
    if let Some(ticket) = ticket {
        handoff.state = HandoffState::Closed { ticket, reason: "done".to_owned(), at: NOW };
    }
}

fn withhold(case: &mut Case, sealed: &[u8]) {
    let handoff = case.handoffs[0].handoff.id.clone();
    case.withheld.push(Withheld { handoff, sealed: sealed.to_vec() });
}
