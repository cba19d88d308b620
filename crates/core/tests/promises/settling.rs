//! What a handoff's transitions do to the conversation.

use std::time::Duration;

use handoff_core::{
    handoff::{Effect, Event, Handoff, HandoffState, Outcome, Receipt},
    session::{Control, Conversation, Ended, FromTeam, Handled, SessionState},
};
use handoff_model::{
    Author, ConnectionId, HandoffId, Message, Route,
    connector::{ConnectorError, Transferred},
};
use serde_json::{Value, json};

use crate::desk::{Desk, away, conversation, effects, message, replies, team, unsealed};
use crate::table::{NOW, ticket};

/// A handoff that is under way, and its chat.
fn under_way(desk: &Desk) -> (Conversation, Handoff) {
    let (chat, asked) = desk.asks_for_human();
    let until = chat.last_seq;
    let handled = desk.settles(chat.clone(), &asked, Event::Begin { until }, &[], Vec::new());
    (chat, handled.changes.handoffs[0].clone())
}

fn accepted() -> Event {
    let answer = Ok(Transferred { ticket: ticket(), queued: false, remarks: vec!["by hand".to_owned()] });
    Event::Answered { attempt: 1, answer }
}

fn refused() -> Event {
    Event::Answered { attempt: 1, answer: Err(ConnectorError::Refused { detail: "no".to_owned() }) }
}

fn desk(fields: Value) -> Desk {
    Desk::new(away(fields))
}

/// On the platform's own channel.
fn native(fields: Value) -> Desk {
    Desk { home: Some(ConnectionId::new("one")), ..desk(fields) }
}

/// Typed before the transcript ended, while the transfer ran, and said by us.
fn later(until: u64) -> Vec<Message> {
    vec![
        message(until, Author::Person, "in the transcript"),
        message(until + 1, Author::Person, "after it"),
        message(until + 2, Author::Notice, "delayed"),
        message(until + 3, Author::Person, "and more"),
    ]
}

fn of_kind<'a>(handled: &'a Handled, kind: &str) -> Vec<(&'a str, u64)> {
    effects(handled).into_iter().filter(|(of, ..)| *of == kind).map(|(_, lane, seq)| (lane, seq)).collect()
}

#[test]
fn p2_what_was_typed_while_the_transfer_ran_follows_it_by_every_route_but_the_native() {
    for (desk, route, carried) in [
        (desk(json!({})), Route::Bridge, true),
        (desk(json!({ "route": "ticket" })), Route::Ticket, true),
        (native(json!({})), Route::Native, false),
    ] {
        let (chat, subject) = under_way(&desk);
        assert_eq!(subject.route, route);
        let until = subject.transcript_until.unwrap();
        let handled = desk.settles(chat, &subject, accepted(), &later(until), Vec::new());
        let handoff = &handled.changes.handoffs[0];
        assert_eq!(handoff.receipt.tail_messages, 2);
        let lane = handoff.outward();
        let tail = [(lane.as_str(), until + 1), (lane.as_str(), until + 3)];
        assert_eq!(of_kind(&handled, "forward"), if carried { tail.to_vec() } else { vec![] });
        if carried {
            assert_eq!(unsealed(&handled.changes.effects[0].sealed)["text"], "after it");
        }
        assert_eq!(handled.changes.chats, [(subject.connection.clone(), ticket().chat, subject.id.clone())]);
        let after = conversation(&handled);
        let holder = Control::Platform { id: subject.id.clone() };
        assert_eq!(after.control, if route == Route::Ticket { Control::Free } else { holder });
        let ended = SessionState::Ended { how: Ended::Transferred, at: NOW };
        assert_eq!(after.session.unwrap().state, ended);
    }
}

/// A message of the team that comes before the acceptance is shown after the text that tells of it.
#[test]
fn p5_what_was_withheld_is_shown_once_the_chat_is_theirs() {
    let desk = desk(json!({}));
    let (chat, subject) = under_way(&desk);
    let withheld = vec![team("one"), FromTeam::Notice { text: "two".to_owned() }];
    let waiting = Event::Answered {
        attempt: 1,
        answer: Err(ConnectorError::Unavailable { detail: "down".to_owned() }),
    };
    let undecided = desk.settles(chat.clone(), &subject, waiting, &[], withheld.clone());
    assert_eq!((of_kind(&undecided, "fetch").len(), &undecided.changes.drop_withheld), (0, &None));
    let handled = desk.settles(chat.clone(), &subject, accepted(), &[], withheld);
    let lane = subject.inward();
    assert_eq!(of_kind(&handled, "fetch"), [(lane.as_str(), 0), (lane.as_str(), 0)]);
    assert_eq!(handled.changes.drop_withheld, Some(subject.id.clone()));
    assert_eq!(desk.settles(chat.clone(), &subject, accepted(), &[], vec![]).changes.drop_withheld, None);
    let closed = vec![FromTeam::Closed { reason: "solved".to_owned() }];
    let over = desk.settles(chat, &subject, accepted(), &[], closed);
    let [handoff] = &over.changes.handoffs[..] else { panic!("one state is kept") };
    assert_eq!((handoff.state.name(), conversation(&over).control), ("closed", Control::Free));
    assert_eq!(handoff.receipt.told, ["asked", "accepted", "closed"]);
}

#[test]
fn p4_where_we_may_not_speak_or_shall_not_nothing_is_said_and_the_receipt_says_so() {
    let told = |desk: &Desk| {
        let (chat, mut subject) = under_way(desk);
        subject.speaks_after_transfer = desk.home.is_none();
        let handled = desk.settles(chat, &subject, accepted(), &[], Vec::new());
        (handled.replies.len(), handled.changes.handoffs[0].receipt.told[1].clone())
    };
    assert_eq!(told(&desk(json!({}))), (1, "accepted".to_owned()));
    let silent = desk(json!({ "texts": { "accepted": false } }));
    assert_eq!(told(&silent), (0, "accepted: silence, as the author chose".to_owned()));
    assert_eq!(told(&native(json!({}))), (0, "accepted: by the platform's own words".to_owned()));
    // Before the transfer the chat is ours, and afterwards where the platform lets us speak.
    let desk = native(json!({}));
    let (chat, mut subject) = under_way(&desk);
    let tells = |subject: &Handoff, outcome| {
        replies(&desk.does(chat.clone(), subject, vec![Effect::Tell(outcome)])).len()
    };
    assert_eq!((tells(&subject, Outcome::Accepted), tells(&subject, Outcome::Queued)), (1, 1));
    subject.speaks_after_transfer = false;
    assert_eq!((tells(&subject, Outcome::Accepted), tells(&subject, Outcome::Queued)), (0, 0));
    assert_eq!(tells(&subject, Outcome::Delayed), 1);
}

#[test]
fn an_operator_is_called_by_a_note_and_what_was_left_is_withdrawn_in_a_lane_of_its_own() {
    let desk = desk(json!({}));
    let (chat, subject) = under_way(&desk);
    let doing = vec![Effect::Alert("look".to_owned()), Effect::Withdraw, Effect::Wake(NOW)];
    let handled = desk.does(chat, &subject, doing);
    assert_eq!(handled.notes, [format!("handoff {}: look", subject.id)]);
    assert_eq!(effects(&handled), [("withdraw", format!("withdraw:{}", subject.id).as_str(), 0)]);
}

#[test]
fn p2_after_a_failure_the_assistant_is_offered_what_was_typed_since_the_action_fired() {
    let desk = desk(json!({ "texts": { "failed": "no luck" } }));
    let (chat, subject) = under_way(&desk);
    let handled = desk.settles(chat, &subject, refused(), &later(subject.fired_seq), vec![team("lost")]);
    assert_eq!(replies(&handled), ["no luck", "sorry", "echo after it", "echo and more"]);
    assert_eq!(handled.changes.drop_withheld, Some(subject.id.clone()));
    assert_eq!(of_kind(&handled, "fetch"), []);
    let after = conversation(&handled);
    assert_eq!((after.control, after.session.unwrap().state), (Control::Session, SessionState::Active));
}

#[test]
fn p6_what_is_offered_after_a_failure_may_fire_again_and_the_rest_waits_for_that() {
    let desk = desk(json!({}));
    let (chat, subject) = under_way(&desk);
    let typed = ["human", "too late"];
    let typed: Vec<_> =
        typed.iter().zip(1..).map(|(text, n)| message(subject.fired_seq + n, Author::Person, text)).collect();
    let handled = desk.settles(chat, &subject, refused(), &typed, Vec::new());
    assert!(!replies(&handled).contains(&"echo too late"));
    let [failed, again] = &handled.changes.handoffs[..] else { panic!("a second handoff fires") };
    assert_eq!((failed.state.name(), again.state.name()), ("failed", "requested"));
    assert_ne!(failed.id, again.id);
    assert_eq!(conversation(&handled).control, Control::Handoff { id: again.id.clone() });
}

#[test]
fn a_session_that_another_handoff_holds_is_not_given_back() {
    let desk = desk(json!({}));
    let (mut chat, subject) = under_way(&desk);
    let other = SessionState::HandingOff { handoff: HandoffId::new("other") };
    chat.session.as_mut().unwrap().state = other.clone();
    let handled = desk.settles(chat, &subject, refused(), &[], Vec::new());
    assert_eq!(conversation(&handled).session.unwrap().state, other);
    assert!(!replies(&handled).contains(&"sorry"));
}

#[test]
fn where_nobody_is_there_the_branch_for_that_is_taken() {
    let nobody = json!([{ "id": "n", "action": "send_message", "texts": ["at nine again"] }]);
    let desk = desk(json!({ "check_availability": true, "when_nobody_is_there": nobody }));
    let (chat, asked) = desk.asks_for_human();
    let handled = desk.settles(chat, &asked, Event::NobodyThere, &[], Vec::new());
    assert_eq!(replies(&handled), ["Nobody of our team is there just now.", "at nine again"]);
}

fn chain() -> Desk {
    let ways = json!([{ "platform": "none" }, { "platform": "two", "budget_seconds": 9, "options": { "n": 1 } }, { "platform": "one", "route": "ticket" }]);
    desk(json!({ "options": { "first": true }, "fallbacks": ways }))
}

#[test]
fn p3_p7_the_next_way_begins_in_the_transaction_in_which_the_first_one_failed() {
    let mut desk = chain();
    let (chat, subject) = under_way(&desk);
    desk.now = NOW.after(Duration::from_secs(3));
    let typed = later(subject.fired_seq);
    let handled = desk.settles(chat.clone(), &subject, refused(), &typed, vec![team("lost")]);
    assert_eq!(
        replies(&handled),
        ["That way is closed just now. I am trying another one to reach our team."]
    );
    let [next, first] = &handled.changes.handoffs[..] else { panic!("{:?}", handled.changes.handoffs) };
    assert_eq!((first.state.name(), &first.replayed_as), ("failed", &Some(next.id.clone())));
    assert!(first.receipt.remarks.iter().any(|remark| {
        remark == "not on this way either: no connection to the platform \"none\" is configured"
    }));
    assert_eq!(first.receipt.told, ["asked", "fallen_back"]);
    let left: Vec<_> = next.fallbacks.iter().map(|way| way.platform.as_str()).collect();
    assert_eq!(left, ["one"], "ways that were passed over are not tried again");
    let after = conversation(&handled);
    assert_eq!(after.control, Control::Handoff { id: next.id.clone() });
    assert_eq!(after.session.unwrap().state, SessionState::HandingOff { handoff: next.id.clone() });
    assert_eq!(after.last_handoff, Some(next.id.clone()));
    assert_eq!(of_kind(&handled, "handoff"), [(next.lane().as_str(), 0)]);
    assert_eq!(handled.changes.drop_withheld, Some(first.id.clone()), "of the way that failed");
    let again = desk.settles(chat, &subject, refused(), &typed, Vec::new());
    assert_eq!(again.changes.handoffs[0].id, next.id, "the same failure begins the same handoff");
}

/// Whatever the first way had come to, the next one begins anew, on the terms of its own account and author.
#[test]
fn p3_the_next_way_has_nothing_of_the_attempts_before_it() {
    let mut desk = chain();
    let (chat, subject) = under_way(&desk);
    desk.now = NOW.after(Duration::from_secs(3));
    let spent = Handoff {
        version: 4,
        attempts: 4,
        checkpoint: Some(json!(1)),
        told_delayed: true,
        held: true,
        unseen: true,
        perhaps_carried_until: 5,
        settle_ms: 1,
        speaks_after_transfer: false,
        route: Route::Native,
        state: HandoffState::Failed { reason: "no".to_owned(), at: NOW, nobody_there: false },
        replay_of: Some(HandoffId::new("h0")),
        replayed_as: Some(HandoffId::new("h9")),
        ..subject
    };
    let handled = desk.does(chat, &spent, vec![Effect::Tell(Outcome::Failed), Effect::GiveBack]);
    let [next, _] = &handled.changes.handoffs[..] else { panic!("{:?}", handled.changes.handoffs) };
    let terms = (next.connection.as_str(), next.connector.as_str(), next.platform.as_str(), next.route);
    assert_eq!(terms, ("two", "two", "the two", Route::Bridge));
    assert_eq!(
        (next.settle_ms, next.speaks_after_transfer, &next.options),
        (30_000, true, &json!({ "n": 1 }))
    );
    assert_eq!((next.fired_at, next.give_up_at), (desk.now, desk.now.after(Duration::from_secs(9))));
    assert_eq!((&next.state, next.version, next.attempts), (&HandoffState::Requested, 0, 0));
    assert_eq!((next.transcript_until, &next.checkpoint), (None, &None));
    assert_eq!((next.told_delayed, next.perhaps_carried_until, next.may_be_there()), (false, 0, false));
    assert_eq!((&next.replay_of, &next.replayed_as), (&Some(spent.id.clone()), &None));
    assert_eq!(next.receipt, Receipt::default());
    assert_eq!((next.fired_seq, &next.node, &next.texts), (spent.fired_seq, &spent.node, &spent.texts));
}

#[test]
fn the_last_way_has_no_options_of_the_first_and_after_it_the_assistant_goes_on() {
    let mut desk = chain();
    let (chat, subject) = under_way(&desk);
    desk.targets.targets.retain(|target| target.connector.as_str() == "one");
    let handled = desk.settles(chat, &subject, refused(), &[], Vec::new());
    let last = handled.changes.handoffs.iter().find(|handoff| handoff.replay_of.is_some()).unwrap().clone();
    assert_eq!((last.route, &last.options, last.fallbacks.len()), (Route::Ticket, &json!({}), 0));
    let chat = conversation(&handled);
    let begun = desk.settles(chat.clone(), &last, Event::Begin { until: 9 }, &[], Vec::new());
    let over = desk.settles(chat, &begun.changes.handoffs[0], refused(), &[], Vec::new());
    assert_eq!(replies(&over), ["I could not reach our team just now.", "sorry"]);
}

#[test]
fn p1_no_next_way_begins_for_a_session_that_the_failed_one_does_not_hold() {
    let desk = chain();
    let (mut chat, subject) = under_way(&desk);
    chat.session.as_mut().unwrap().state = SessionState::Ended { how: Ended::Closed, at: NOW };
    let handled = desk.settles(chat, &subject, refused(), &[], Vec::new());
    assert_eq!(handled.changes.handoffs.len(), 1);
    assert_eq!(of_kind(&handled, "handoff"), []);
}
