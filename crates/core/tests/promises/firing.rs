//! An External Handoff fires: what is recorded, and what happens when it may not leave that way.

use std::time::Duration;

use handoff_core::{
    handoff::{Consented, HandoffState, Rule},
    session::{Control, Conversation, Handled, Happening, SessionState},
};
use handoff_model::{Author, ConnectionId, NodeId, Plan, Route, SessionId};
use serde_json::{Value, json};

use crate::desk::{Desk, assistant, away, conversation, effects, replies, said};
use crate::table::NOW;

#[test]
fn the_record_of_a_handoff_has_what_the_author_and_the_account_say() {
    let desk = Desk::new(away(json!({ "budget_seconds": 7, "check_availability": true,
        "options": { "tags": "vip" }, "redact": ["card_numbers"], "fallbacks": [{ "platform": "two" }] })));
    let before = desk.in_session();
    let (after, handoff) = desk.asks_for_human();
    assert_eq!((handoff.connection.as_str(), handoff.connector.as_str()), ("one", "one"));
    assert_eq!(
        (handoff.platform.as_str(), handoff.route, handoff.state),
        ("the one", Route::Bridge, HandoffState::Requested)
    );
    assert_eq!((handoff.fired_at, handoff.give_up_at), (NOW, NOW.after(Duration::from_secs(7))));
    assert_eq!(
        (handoff.settle_ms, handoff.speaks_after_transfer, handoff.check_availability),
        (30_000, true, true)
    );
    assert_eq!(
        (handoff.options, handoff.redact, handoff.fallbacks.len()),
        (json!({ "tags": "vip" }), vec![Rule::CardNumbers], 1)
    );
    assert_eq!((handoff.chat, handoff.platform_session, handoff.consent), (None, None, None));
    assert_eq!(handoff.session, before.session.unwrap().id);
    assert_eq!(
        (handoff.fired_seq, after.last_seq),
        (before.last_seq + 1, before.last_seq + 2),
        "the question, then what is told"
    );
    assert_eq!((handoff.receipt.told, handoff.receipt.told_at), (vec!["asked".to_owned()], vec![NOW]));
    assert_eq!(after.control, Control::Handoff { id: handoff.id.clone() });
    assert_eq!(after.last_handoff, Some(handoff.id.clone()));
    assert_eq!(after.session.unwrap().state, SessionState::HandingOff { handoff: handoff.id });
}

#[test]
fn options_that_are_left_out_are_an_empty_object() {
    assert_eq!(Desk::new(away(json!({}))).asks_for_human().1.options, json!({}));
}

#[test]
fn a_chat_that_lives_on_the_platform_takes_its_names_along() {
    let desk = Desk { home: Some(ConnectionId::new("one")), ..Desk::new(away(json!({}))) };
    let mut there = desk.in_session();
    there.platform_session = Some("before".to_owned());
    let Happening::Said { content, external_id, held_by_live_agent, .. } = said("human") else {
        unreachable!()
    };
    let platform_session = Some("7".to_owned());
    let handled = desk.turn(
        there,
        None,
        Happening::Said { content, external_id, platform_session, held_by_live_agent },
    );
    let handoff = &handled.changes.handoffs[0];
    assert_eq!(handoff.route, Route::Native);
    assert_eq!((handoff.chat.as_deref(), handoff.platform_session.as_deref()), (Some("ann"), Some("7")));
    let id = &conversation(&handled).id;
    let lanes =
        [("deliver", format!("deliver:{id}"), handled.replies[0].seq), ("handoff", handoff.lane(), 0)];
    assert_eq!(effects(&handled), lanes.each_ref().map(|(kind, lane, seq)| (*kind, lane.as_str(), *seq)));
}

#[test]
fn p4_what_is_asked_is_told_in_the_authors_words_or_not_at_all() {
    let desk = Desk::new(away(json!({ "texts": { "asked": "One moment" } })));
    let handled = desk.turn(desk.in_session(), None, said("human"));
    assert_eq!((replies(&handled), handled.replies[0].author), (vec!["One moment"], Author::Notice));
    let desk = Desk::new(away(json!({ "texts": { "asked": false } })));
    let handled = desk.turn(desk.in_session(), None, said("human"));
    assert_eq!(replies(&handled), [""; 0]);
    assert_eq!(handled.changes.handoffs[0].receipt.told, [""; 0]);
}

fn asked_on(plan: Plan, fields: Value) -> (Desk, Handled) {
    let mut desk = Desk::new(away(fields));
    desk.targets.plan = Some(plan);
    desk.targets.lowest = [(handoff_model::ConnectorId::new("one"), Plan::Enterprise)].into();
    let handled = desk.turn(desk.in_session(), None, said("human"));
    (desk, handled)
}

#[test]
fn p7_a_handoff_that_may_not_leave_is_a_dead_letter_and_the_assistant_goes_on() {
    for (leaves, route) in [("chat", Route::Bridge), ("ticket", Route::Ticket)] {
        let (_, handled) = asked_on(Plan::Pro, json!({ "route": leaves, "texts": { "failed": "no way" } }));
        assert_eq!(replies(&handled), ["no way", "sorry"]);
        let [handoff] = &handled.changes.handoffs[..] else { panic!("one handoff is kept") };
        let reason = "the one needs the Enterprise plan; this workspace has Pro";
        assert_eq!(
            handoff.state,
            HandoffState::Failed { reason: reason.into(), at: NOW, nobody_there: false }
        );
        assert_eq!(
            (&handoff.receipt.remarks, &handoff.receipt.told),
            (&vec![reason.to_owned()], &vec!["failed".to_owned()])
        );
        assert_eq!(
            (handoff.route, handoff.connection.as_str(), handoff.platform.as_str()),
            (route, "", "one")
        );
        assert_eq!((handoff.settle_ms, handoff.speaks_after_transfer), (0, false));
        assert!(handled.notes.iter().any(|note| note == &format!("away: {reason}")));
        let after = conversation(&handled);
        assert_eq!((&after.control, &after.last_handoff), (&Control::Session, &Some(handoff.id.clone())));
        assert_eq!(effects(&handled), []);
    }
}

#[test]
fn the_first_way_that_is_open_is_taken_with_those_after_it_and_the_others_are_noted() {
    let ways = json!([{ "platform": "none" }, { "platform": "two", "route": "ticket", "budget_seconds": 9, "options": { "n": 1 } }, { "platform": "one" }]);
    let (_, handled) = asked_on(Plan::Pro, json!({ "fallbacks": ways }));
    let [handoff] = &handled.changes.handoffs[..] else { panic!("one handoff is kept") };
    let to = (handoff.connection.as_str(), handoff.connector.as_str(), handoff.route);
    assert_eq!(to, ("two", "two", Route::Ticket));
    assert_eq!(
        (&handoff.options, handoff.give_up_at),
        (&json!({ "n": 1 }), NOW.after(Duration::from_secs(9)))
    );
    let left: Vec<_> = handoff.fallbacks.iter().map(|way| way.platform.as_str()).collect();
    assert_eq!(left, ["one"]);
    assert_eq!(handoff.receipt.remarks, ["the one needs the Enterprise plan; this workspace has Pro"]);
}

/// A handoff whose failing fires the next, so deep.
fn nested(deep: usize) -> Value {
    let mut inner = json!([{ "id": "end", "action": "send_message", "texts": ["end"] }]);
    for n in (0..deep).rev() {
        inner = json!([{ "id": format!("n{n}"), "action": "external_handoff", "platform": "none",
            "texts": { "failed": false }, "when_handoff_fails": inner }]);
    }
    inner
}

#[test]
fn one_turn_fires_three_handoffs_at_most_and_no_one_twice() {
    let desk = Desk::new(nested(3));
    let handled = desk.turn(desk.in_session(), None, said("human"));
    assert_eq!((handled.changes.handoffs.len(), replies(&handled)), (3, vec!["end"]));
    let desk = Desk::new(nested(4));
    let handled = desk.turn(desk.in_session(), None, said("human"));
    assert_eq!((handled.changes.handoffs.len(), replies(&handled)), (3, vec![]));
    assert!(handled.notes.iter().any(|note| note == "n3: too many handoffs in one turn"));
    let mut ids: Vec<_> = handled.changes.handoffs.iter().map(|handoff| handoff.id.clone()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

fn consented(n: u64) -> Consented {
    let (node, question) = (NodeId::new("away"), format!("question {n}"));
    Consented { node, question, answer: None, given: false, seq: n, at: NOW }
}

#[test]
fn a_conversation_keeps_the_last_twenty_answers_and_a_handoff_the_one_it_fired_on() {
    let desk = Desk::new(away(json!({ "consent": { "question": "May I?" } })));
    for (before, first) in [(19, 1), (20, 2)] {
        let mut open = conversation(&desk.turn(desk.in_session(), None, said("human")));
        open.consents = (1..=before).map(consented).collect();
        let handled = desk.turn(open, None, said("yes"));
        let kept = conversation(&handled).consents;
        assert_eq!((kept.len(), kept[0].seq), (20, first));
        let last = kept.last().unwrap();
        assert_eq!(
            (last.question.as_str(), last.given, last.seq, last.at),
            ("May I?", true, handled.seq, NOW)
        );
        assert_eq!(handled.changes.handoffs[0].consent.as_ref(), Some(last));
    }
}

#[test]
fn a_session_stays_on_the_version_it_began_with() {
    let version = |says: &str| assistant(json!([{ "id": "x", "action": "send_message", "texts": [says] }]));
    let mut desk = Desk::new(json!([]));
    desk.published = Some((1, version("first")));
    let session = desk.in_session();
    desk.running = Some(version("first"));
    desk.published = Some((2, version("second")));
    assert_eq!(replies(&desk.turn(session.clone(), None, said("human"))), ["first"]);
    desk.published = None;
    assert_eq!(replies(&desk.turn(session.clone(), None, said("human"))), ["first"]);
    desk.running = None;
    let handled = desk.turn(session.clone(), None, said("human"));
    assert_eq!(
        (handled.replies.len(), handled.notes),
        (0, vec!["version 1 of the assistant is missing".to_owned()])
    );
    desk.published = Some((1, version("first")));
    assert_eq!(replies(&desk.turn(session, None, said("human"))), ["first"], "it is the published one");
}

#[test]
fn where_no_assistant_is_published_the_message_is_kept_and_it_is_noted() {
    let desk = Desk { published: None, ..Desk::new(json!([])) };
    let handled = desk.turn(desk.conversation(), None, said("hi"));
    assert_eq!(handled.notes, ["no published assistant serves this channel"]);
    assert_eq!((handled.changes.messages.len(), handled.seq, handled.nothing), (1, 1, false));
    assert_eq!((conversation(&handled).control, replies(&handled)), (Control::Free, vec![]));
    let opened = desk.turn(desk.conversation(), None, Happening::Opened { platform_session: None });
    assert!(opened.changes.conversation.is_some() && opened.changes.messages.is_empty());
}

#[test]
fn a_session_begins_with_the_first_message_and_counts_from_there() {
    let desk = Desk::new(json!([]));
    let mut before = desk.conversation();
    (before.last_seq, before.sessions) = (4, 2);
    let handled = desk.turn(before, None, said("hi"));
    let Conversation { session, sessions, id, control, updated, .. } = conversation(&handled);
    let session = session.unwrap();
    assert_eq!((session.id, session.first_seq, session.assistant_version), (SessionId::nth(&id, 3), 5, 1));
    assert_eq!((session.state, session.began, sessions), (SessionState::Active, NOW, 3));
    assert_eq!((control, updated), (Control::Session, NOW));
    assert_eq!(replies(&handled), ["hello", "echo hi"]);
    let again = desk.turn(conversation(&handled), None, Happening::Opened { platform_session: None });
    assert!(again.nothing, "opened again in the same session");
}

/// Otherwise a text would be chosen anew when a turn is repeated, or always the same one.
#[test]
fn what_is_chosen_by_chance_differs_from_turn_to_turn_and_not_when_a_turn_is_repeated() {
    let desk = Desk::new(json!([{ "id": "x", "action": "send_message", "texts": ["heads", "tails"] }]));
    let mut thrown = Vec::new();
    for seq in 0..64 {
        let mut before = desk.in_session();
        before.last_seq += seq;
        let once = replies(&desk.turn(before.clone(), None, said("human")))[0].to_owned();
        assert_eq!(replies(&desk.turn(before, None, said("human"))), [once.as_str()]);
        thrown.push(once);
    }
    let heads = thrown.iter().filter(|text| *text == "heads").count();
    assert!((16..=48).contains(&heads), "{heads} of 64");
}

#[test]
fn expressions_read_the_person_and_the_last_handoff() {
    let text = "{ _customer['name'] } { _customer['email'] } { _lang } { _handoff['state'] } { _handoff['platform'] }";
    let mut desk = Desk::new(json!([{ "id": "x", "action": "send_message", "texts": [text] }]));
    let mut session = desk.in_session();
    session.person.name = Some("Ann".to_owned());
    session.person.email = Some("ann@example.com".to_owned());
    session.person.language = Some("de".to_owned());
    desk.last = Some(crate::table::handoff(crate::table::in_doubt(), Route::Bridge));
    let handled = desk.turn(session, None, said("human"));
    assert_eq!(replies(&handled), ["Ann ann@example.com de in_doubt Fake"]);
}
