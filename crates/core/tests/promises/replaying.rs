//! A dead letter is tried again: on which terms, and when not.

use std::time::Duration;

use handoff_core::{
    handoff::{Consented, Handoff, HandoffState, Refusal, consent::Asked},
    session::{Control, Conversation, Repair, ReplayRefusal, SessionState},
};
use handoff_model::{ConnectionId, ConnectorId, HandoffId, NodeId, Route, SessionId};
use serde_json::{Value, json};

use crate::desk::{Desk, away, conversation, effects, replies};
use crate::table::{NOW, handoff, transferring};

fn desk() -> Desk {
    let now = NOW.after(Duration::from_secs(600));
    Desk { now, ..Desk::new(away(json!({}))) }
}

/// It went to *one*, and failed on the way.
fn dead_letter(route: Route) -> Handoff {
    let state = HandoffState::Failed { reason: "no".to_owned(), at: NOW, nobody_there: false };
    Handoff {
        connection: ConnectionId::new("one"),
        connector: ConnectorId::new("one"),
        options: json!({ "group": 7, "tags": "vip" }),
        version: 4,
        attempts: 4,
        settle_ms: 1,
        fired_seq: 1,
        held: true,
        unseen: true,
        perhaps_carried_until: 5,
        replay_of: Some(HandoffId::new("h0")),
        checkpoint: Some(json!(1)),
        told_delayed: true,
        check_availability: true,
        ..handoff(state, route)
    }
}

fn tried(failed: &Handoff, repair: &Repair) -> Result<Handoff, ReplayRefusal> {
    let desk = desk();
    let (handled, id) = desk.replays(desk.in_session(), failed, repair)?;
    Ok(handled.changes.handoffs.into_iter().find(|handoff| handoff.id == id).unwrap())
}

#[test]
fn p7_a_dead_letter_is_tried_again_as_a_new_handoff_with_the_history_until_now() {
    let desk = desk();
    let chat = desk.in_session();
    let mut failed = dead_letter(Route::Bridge);
    failed.receipt.tell("failed", NOW);
    let (handled, id) = desk.replays(chat.clone(), &failed, &Repair::default()).unwrap();
    let [next, old] = &handled.changes.handoffs[..] else { panic!("both are kept") };
    assert_eq!((&next.id, &old.id, &old.replayed_as), (&id, &failed.id, &Some(id.clone())));
    assert_eq!(*old, Handoff { replayed_as: Some(id.clone()), ..failed.clone() });
    assert_eq!((next.state.clone(), next.version, next.attempts), (HandoffState::Requested, 0, 0));
    assert_eq!(
        (next.connection.as_str(), next.connector.as_str(), next.platform.as_str()),
        ("one", "one", "the one")
    );
    assert_eq!((next.route, next.settle_ms, next.speaks_after_transfer), (Route::Bridge, 30_000, true));
    assert_eq!((next.fired_at, next.give_up_at), (desk.now, desk.now.after(Duration::from_secs(60))));
    assert_eq!((next.fired_seq, next.transcript_until, &next.checkpoint), (chat.last_seq, None, &None));
    assert_eq!((next.told_delayed, next.check_availability, &next.options), (false, false, &failed.options));
    assert_eq!((next.may_be_there(), &next.replayed_as), (false, &None));
    assert_eq!((&next.replay_of, &next.receipt.told), (&Some(failed.id.clone()), &vec!["asked".to_owned()]));
    let after = conversation(&handled);
    let session = after.session.unwrap();
    assert_eq!(
        (&session.id, session.state),
        (&next.session, SessionState::HandingOff { handoff: id.clone() })
    );
    assert_eq!((after.control, after.last_handoff), (Control::Handoff { id: id.clone() }, Some(id)));
    assert_eq!(effects(&handled), [("handoff", next.lane().as_str(), 0)]);
    assert_eq!(replies(&handled), ["I am asking our team to take over this chat."]);
    let (_, again) = desk.replays(chat, &failed, &Repair::default()).unwrap();
    assert_eq!(again, next.id, "the same dead letter gives the same handoff");
}

#[test]
fn an_operator_may_change_where_it_goes_for_how_long_and_with_what() {
    let failed = dead_letter(Route::Bridge);
    let other = Repair { platform: Some(ConnectorId::new("two")), ..Repair::default() };
    let next = tried(&failed, &other).unwrap();
    assert_eq!((next.connection.as_str(), next.connector.as_str()), ("two", "two"));
    let named = Repair { connection: Some(ConnectionId::new("two")), ..Repair::default() };
    let none = Refusal::NoConnection(ConnectorId::new("one"));
    assert_eq!(
        tried(&failed, &named),
        Err(ReplayRefusal::Target(none)),
        "that is no account of this platform"
    );
    let longer = Repair { budget_seconds: Some(900), ..Repair::default() };
    let next = tried(&failed, &longer).unwrap();
    assert_eq!(next.give_up_at.since(next.fired_at), Duration::from_secs(900));
    let patch = Repair { options: Some(json!({ "group": null, "line": 2 })), ..Repair::default() };
    assert_eq!(tried(&failed, &patch).unwrap().options, json!({ "tags": "vip", "line": 2 }));
}

/// A dead letter from the start never had an account; another platform's is of no use.
#[test]
fn it_goes_to_the_same_account_unless_there_was_none() {
    let mut desk = desk();
    let mut second = desk.targets.targets[0].clone();
    second.connection = ConnectionId::new("one-b");
    desk.targets.targets.push(second);
    let goes = |failed: &Handoff, repair: &Repair| {
        let (handled, _) = desk.replays(desk.in_session(), failed, repair)?;
        Ok::<_, ReplayRefusal>(handled.changes.handoffs[0].connection.to_string())
    };
    let failed = Handoff { connection: ConnectionId::new("one-b"), ..dead_letter(Route::Bridge) };
    assert_eq!(goes(&failed, &Repair::default()), Ok("one-b".to_owned()));
    let nowhere = Handoff { connection: ConnectionId::new(""), ..dead_letter(Route::Bridge) };
    let several = Refusal::Ambiguous(ConnectorId::new("one"));
    assert_eq!(goes(&nowhere, &Repair::default()), Err(ReplayRefusal::Target(several)));
    let named = Repair { connection: Some(ConnectionId::new("one")), ..Repair::default() };
    assert_eq!(goes(&nowhere, &named), Ok("one".to_owned()));
}

#[test]
fn a_ticket_is_tried_again_as_a_ticket_and_a_native_chat_where_it_lives() {
    assert_eq!(tried(&dead_letter(Route::Ticket), &Repair::default()).unwrap().route, Route::Ticket);
    let desk = Desk { home: Some(ConnectionId::new("one")), ..desk() };
    let chat = Conversation { platform_session: Some("8".to_owned()), ..desk.in_session() };
    let sessions = |chat_id: Option<&str>| {
        let failed = Handoff { chat: chat_id.map(str::to_owned), ..dead_letter(Route::Native) };
        let (handled, _) = desk.replays(chat.clone(), &failed, &Repair::default()).unwrap();
        let next = &handled.changes.handoffs[0];
        (next.route, next.platform_session.clone())
    };
    assert_eq!(sessions(Some("ann")), (Route::Native, Some("8".to_owned())));
    assert_eq!(sessions(None), (Route::Native, None));
    let elsewhere = tried(&dead_letter(Route::Native), &Repair::default()).unwrap();
    assert_eq!(elsewhere.route, Route::Bridge, "it lives on a channel of ours");
}

#[test]
fn p1_p3_what_did_not_fail_was_tried_again_or_is_elsewhere_is_not_tried_again() {
    let desk = desk();
    let chat = desk.in_session();
    let refused = |chat: &Conversation, failed: &Handoff| {
        desk.replays(chat.clone(), failed, &Repair::default()).unwrap_err()
    };
    let undecided = handoff(transferring(), Route::Bridge);
    assert_eq!(refused(&chat, &undecided), ReplayRefusal::NotFailed { state: "transferring" });
    let failed = dead_letter(Route::Bridge);
    let again = HandoffId::new("h2");
    let tried = Handoff { replayed_as: Some(again.clone()), ..failed.clone() };
    assert_eq!(refused(&chat, &tried), ReplayRefusal::Replayed(again.clone()));
    let holders = [
        (Control::Free, "free"),
        (Control::Platform { id: again.clone() }, "platform"),
        (Control::Handoff { id: again.clone() }, "handoff"),
    ];
    for (control, held_by) in holders {
        let elsewhere = Conversation { control, ..chat.clone() };
        assert_eq!(refused(&elsewhere, &failed), ReplayRefusal::Elsewhere { held_by });
    }
    let mut mute = chat;
    mute.session.as_mut().unwrap().state = SessionState::HandingOff { handoff: again };
    assert_eq!(refused(&mute, &failed), ReplayRefusal::Elsewhere { held_by: "session" });
    let none = Conversation { session: None, ..mute };
    assert_eq!(refused(&none, &failed), ReplayRefusal::Elsewhere { held_by: "session" });
}

fn answer(node: &str, given: bool) -> Consented {
    let node = NodeId::new(node);
    Consented { node, question: "May I?".to_owned(), answer: None, given, seq: 1, at: NOW }
}

/// The last word on this very question counts.
#[test]
fn a_person_who_said_no_since_or_is_being_asked_is_not_given_away() {
    let desk = desk();
    let wanted = |failed: &Handoff, consents: Vec<Consented>, asked: Option<&str>| {
        let mut chat = Conversation { consents, ..desk.in_session() };
        let asked = asked.map(|node| Asked { node: NodeId::new(node), times: 1 });
        chat.session.as_mut().unwrap().asked = asked;
        match desk.replays(chat, failed, &Repair::default()) {
            Ok(_) => true,
            Err(refusal) => {
                assert_eq!(refusal, ReplayRefusal::NotWanted);
                false
            }
        }
    };
    let free = dead_letter(Route::Bridge);
    let asked = Handoff { consent: Some(answer("away", true)), ..free.clone() };
    let (yes, no, other) = (answer("away", true), answer("away", false), answer("other", false));
    assert!(wanted(&asked, vec![], None), "earlier answers are not kept for ever");
    assert!(wanted(&asked, vec![no.clone(), yes.clone(), other], None));
    assert!(!wanted(&asked, vec![yes.clone(), no.clone()], None));
    assert!(!wanted(&asked, vec![yes.clone()], Some("away")));
    assert!(wanted(&asked, vec![yes], Some("other")));
    assert!(wanted(&free, vec![no], Some("away")), "it does not ask");
}

#[test]
fn it_belongs_to_the_session_that_runs_now_and_says_what_is_asked_only_if_the_author_does() {
    let desk = desk();
    let mut chat = desk.in_session();
    chat.session.as_mut().unwrap().id = SessionId::new("later");
    let silent: Value = json!({ "asked": false });
    let failed = Handoff { texts: serde_json::from_value(silent).unwrap(), ..dead_letter(Route::Bridge) };
    let (handled, _) = desk.replays(chat, &failed, &Repair::default()).unwrap();
    assert_eq!((handled.changes.handoffs[0].session.as_str(), handled.replies.len()), ("later", 0));
    assert_eq!(handled.changes.handoffs[0].receipt.told, [""; 0]);
}
