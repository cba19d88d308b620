//! What is kept of a handoff: where it stands, what left, what the person was told, and where a chat may go at all.

use handoff_core::handoff::{
    Handoff, HandoffState, Hashed, Leaves, Outcome, Receipt, Refusal, Target, Targets, Texts,
};
use handoff_model::{ConnectionId, ConnectorId, Plan, Route};
use serde_json::{Value, json};

use crate::table::{NOW, handoff, in_doubt, ticket, transferring};

fn texts(written: Value) -> Texts {
    serde_json::from_value(written).unwrap()
}

#[test]
fn p4_each_outcome_has_words_of_its_own_that_fit_the_route() {
    let said = |outcome, route| Texts::default().say(outcome, route).unwrap().to_owned();
    let words = [
        (Outcome::Asked, Route::Bridge, "I am asking our team"),
        (Outcome::Asked, Route::Native, "I am asking our team"),
        (Outcome::Asked, Route::Ticket, "writing this down"),
        (Outcome::Accepted, Route::Bridge, "has your chat now."),
        (Outcome::Accepted, Route::Ticket, "will get back to you"),
        (Outcome::Queued, Route::Native, "in the queue"),
        (Outcome::Queued, Route::Ticket, "will get back to you"),
        (Outcome::Delayed, Route::Ticket, "longer than it should"),
        (Outcome::FallenBack, Route::Bridge, "another one"),
        (Outcome::NobodyThere, Route::Bridge, "Nobody of our team"),
        (Outcome::Failed, Route::Bridge, "could not reach"),
        (Outcome::Closed, Route::Bridge, "closed this chat"),
    ];
    for (outcome, route, part) in words {
        assert!(said(outcome, route).contains(part), "{outcome:?} by {route:?}: {}", said(outcome, route));
    }
    assert!(!said(Outcome::Accepted, Route::Bridge).contains("queue"));
}

#[test]
fn p4_an_author_writes_words_for_an_outcome_or_declares_its_silence() {
    for outcome in Outcome::ALL {
        let name = outcome.name();
        assert_eq!(json!(outcome), json!(name));
        let own = texts(json!({ name: "our words" }));
        assert_eq!(own.say(outcome, Route::Ticket), Some("our words"));
        assert_eq!(own.written().collect::<Vec<_>>(), [(name, "our words")]);
        let silent = texts(json!({ name: false }));
        assert_eq!(silent.say(outcome, Route::Bridge), None, "{name}");
        assert_eq!((silent.written().count(), json!(silent)), (0, json!({ name: false })));
        let mut chosen = Texts::default();
        chosen.choose(outcome, own.chosen(outcome).cloned());
        assert_eq!(chosen, own);
    }
    assert!(serde_json::from_value::<Texts>(json!({ "asked": true })).is_err(), "true says nothing");
}

#[test]
fn a_receipt_keeps_fifty_remarks_and_none_twice_in_a_row() {
    let mut receipt = Receipt::default();
    ["a", "a", "b", "a"].iter().for_each(|remark| receipt.remark(*remark));
    assert_eq!(receipt.remarks, ["a", "b", "a"]);
    (0..60).for_each(|n| receipt.remark(n.to_string()));
    assert_eq!((receipt.remarks.len(), receipt.remarks[49].as_str()), (50, "46"));
}

#[test]
fn a_receipt_keeps_the_hashes_of_a_thousand_messages_one_by_one() {
    let hashes =
        |many: u64| (1..=many).map(|seq| Hashed { seq, sha256: format!("{seq:x}") }).collect::<Vec<_>>();
    for (many, kept) in [(1, 1), (1_000, 1_000), (1_001, 0)] {
        let mut receipt = Receipt::default();
        receipt.left(hashes(many), "whole".to_owned(), NOW);
        assert_eq!((receipt.messages.len(), receipt.transcript_messages), (kept, many));
        assert_eq!((receipt.transcript_sha256.as_deref(), receipt.left_at), (Some("whole"), Some(NOW)));
    }
}

/// Times are missing where a record is older than they are.
#[test]
fn p4_the_statement_says_what_was_told_and_when_as_far_as_it_is_known() {
    let mut subject = handoff(HandoffState::Carrying { ticket: ticket(), at: NOW }, Route::Bridge);
    subject.receipt.tell("asked", NOW);
    subject.receipt.told.push("accepted".to_owned());
    let bytes = subject.statement();
    assert_eq!(bytes.last(), Some(&b'\n'));
    let facts: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(facts["told"], json!([{ "what": "asked", "at": NOW }, { "what": "accepted", "at": null }]));
    assert_eq!((&facts["state"], &facts["to"]["route"]), (&json!("carrying"), &json!("bridge")));
    assert_eq!((&facts["to"]["idempotency_key"], &facts["format"]), (&json!("h1"), &json!(1)));
}

#[test]
fn lanes_are_of_one_handoff_and_one_direction() {
    let subject = handoff(HandoffState::Requested, Route::Bridge);
    assert_eq!([subject.lane(), subject.outward(), subject.inward()], ["handoff:h1", "out:h1", "in:h1"]);
}

/// Every state with its name, whether it is undecided, and whether the platform has the chat or had it.
fn states() -> [(HandoffState, &'static str, bool, bool); 8] {
    let failed = HandoffState::Failed { reason: "no".into(), at: NOW, nobody_there: false };
    let closed = HandoffState::Closed { ticket: ticket(), reason: "over".into(), at: NOW };
    [
        (HandoffState::Requested, "requested", true, false),
        (HandoffState::Waiting { until: NOW, why: "x".into() }, "waiting", true, false),
        (transferring(), "transferring", true, false),
        (in_doubt(), "in_doubt", true, false),
        (HandoffState::Accepted { ticket: ticket(), at: NOW }, "accepted", false, true),
        (HandoffState::Carrying { ticket: ticket(), at: NOW }, "carrying", false, true),
        (closed, "closed", false, true),
        (failed, "failed", false, false),
    ]
}

#[test]
fn p1_a_state_is_undecided_accepted_or_neither() {
    let names = states().map(|(state, ..)| state.name());
    assert_eq!(names, HandoffState::NAMES);
    for (state, name, undecided, accepted) in states() {
        assert_eq!((state.is_undecided(), state.is_accepted()), (undecided, accepted), "{name}");
        assert_eq!(state.ticket().is_some(), accepted, "{name}");
        let has_it = accepted && name != "closed";
        assert_eq!(state.taken_at(), has_it.then_some(NOW), "{name}");
    }
}

#[test]
fn a_chat_is_asked_after_nobody_only_before_its_first_attempt_and_where_the_author_wants_it() {
    for (state, name, ..) in states() {
        let subject = Handoff { check_availability: true, ..handoff(state, Route::Native) };
        assert_eq!(subject.asks_who_is_there(), name == "requested", "{name}");
    }
    assert!(!handoff(HandoffState::Requested, Route::Native).asks_who_is_there());
}

fn target(connection: &str, connector: &str) -> Target {
    Target {
        connection: ConnectionId::new(connection),
        connector: ConnectorId::new(connector),
        name: format!("the {connector}"),
        routes: vec![Route::Bridge, Route::Native],
        settle_ms: 0,
        speaks_after_transfer: false,
    }
}

#[test]
fn an_account_is_chosen_when_it_is_the_only_one_that_fits_and_the_plan_allows_it() {
    let (one, two) = (ConnectorId::new("one"), ConnectorId::new("two"));
    let mut targets = Targets {
        plan: Some(Plan::Pro),
        lowest: [(two.clone(), Plan::Total)].into(),
        targets: vec![target("a", "one"), target("b", "one"), target("c", "two")],
        missing: vec![ConnectorId::new("three")],
    };
    let chosen = |targets: &Targets, platform: &ConnectorId, connection: Option<&str>| {
        let connection = connection.map(ConnectionId::new);
        targets.choose(platform, connection.as_ref()).map(|target| target.connection.to_string())
    };
    assert_eq!(chosen(&targets, &one, None), Err(Refusal::Ambiguous(one.clone())));
    assert_eq!(chosen(&targets, &one, Some("b")), Ok("b".to_owned()));
    assert_eq!(chosen(&targets, &one, Some("c")), Err(Refusal::NoConnection(one.clone())));
    let (three, four) = (ConnectorId::new("three"), ConnectorId::new("four"));
    assert_eq!(chosen(&targets, &three, None), Err(Refusal::NotLoaded(three)));
    assert_eq!(chosen(&targets, &four, None), Err(Refusal::NoConnection(four)));
    let refused = |has| Refusal::Plan { platform: "the two".to_owned(), needed: Plan::Total, has };
    assert_eq!(chosen(&targets, &two, None), Err(refused(Plan::Pro)));
    targets.plan = None;
    assert_eq!(chosen(&targets, &two, None), Err(refused(Plan::Free)));
    for plan in [Plan::Total, Plan::Enterprise] {
        targets.plan = Some(plan);
        assert_eq!(chosen(&targets, &two, None), Ok("c".to_owned()));
    }
}

#[test]
fn a_chat_leaves_by_the_route_that_fits_where_it_lives_and_what_the_account_takes() {
    let (home, elsewhere) = (ConnectionId::new("a"), ConnectionId::new("z"));
    let mut account = target("a", "one");
    assert_eq!(account.route(Some(&home), Leaves::Chat), Ok(Route::Native));
    assert_eq!(account.route(Some(&elsewhere), Leaves::Chat), Ok(Route::Bridge));
    assert_eq!(account.route(None, Leaves::Chat), Ok(Route::Bridge));
    assert_eq!(account.route(None, Leaves::Ticket), Err(Refusal::NoTickets("the one".to_owned())));
    account.routes = vec![Route::Ticket];
    assert_eq!(account.route(Some(&home), Leaves::Ticket), Ok(Route::Ticket));
    assert_eq!(account.route(None, Leaves::Chat), Err(Refusal::NoRoute("the one".to_owned())));
}
