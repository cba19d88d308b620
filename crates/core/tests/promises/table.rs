//! The table of a handoff, row by row: what belongs to a state, and what does not.

use std::time::Duration;

use handoff_core::handoff::{Effect, Event, Handoff, HandoffState, Outcome, Receipt, Texts, step};
use handoff_model::{
    ConnectionId, ConnectorId, ConversationId, HandoffId, NodeId, Route, SessionId, TicketRef, Timestamp,
    connector::{ConnectorError, Found, Transferred},
};
use serde_json::{Value, json};

pub(crate) const NOW: Timestamp = Timestamp(1_790_000_000_000);

pub(crate) fn handoff(state: HandoffState, route: Route) -> Handoff {
    let settles_at = match &state {
        HandoffState::InDoubt { since, .. } => since.after(Duration::from_secs(30)),
        _ => Timestamp(0),
    };
    Handoff {
        id: HandoffId::new("h1"),
        version: 1,
        conversation: ConversationId::new("c1"),
        session: SessionId::new("c1-1"),
        node: NodeId::new("away"),
        connection: ConnectionId::new("fake"),
        connector: ConnectorId::new("fake"),
        platform: "Fake".to_owned(),
        route,
        chat: None,
        platform_session: None,
        options: Value::Null,
        texts: Texts::default(),
        state,
        fired_at: NOW,
        give_up_at: NOW.after(Duration::from_secs(60)),
        settle_ms: 30_000,
        attempts: 1,
        fired_seq: 3,
        transcript_until: Some(3),
        checkpoint: None,
        told_delayed: false,
        held: false,
        unseen: false,
        settles_at,
        perhaps_carried_until: 0,
        speaks_after_transfer: false,
        check_availability: false,
        consent: None,
        redact: Vec::new(),
        fallbacks: Vec::new(),
        replay_of: None,
        replayed_as: None,
        receipt: Receipt::default(),
    }
}

pub(crate) fn transferring() -> HandoffState {
    HandoffState::Transferring { attempt: 1, since: NOW, deadline: NOW.after(Duration::from_secs(45)) }
}

pub(crate) fn in_doubt() -> HandoffState {
    HandoffState::InDoubt {
        attempt: 1,
        since: NOW,
        look_at: NOW,
        looks: 0,
        cause: "lost".to_owned(),
        dead_letter: false,
    }
}

pub(crate) fn ticket() -> TicketRef {
    TicketRef { chat: "z1".to_owned(), label: None, url: None }
}

fn taken() -> Transferred {
    Transferred { ticket: ticket(), queued: false, remarks: Vec::new() }
}

pub(crate) fn answered(answer: Result<Transferred, ConnectorError>) -> Event {
    Event::Answered { attempt: 1, answer }
}

/// A look that began so many seconds after [`NOW`].
fn looked(found: Result<Found, ConnectorError>, seconds: u64) -> Event {
    Event::Looked { began: NOW.after(Duration::from_secs(seconds)), found }
}

/// The state after an event, `None` when the event does not belong to the state.
fn check(before: HandoffState, event: Event, seconds: u64, after: Option<&str>) {
    let subject = handoff(before, Route::Bridge);
    let now = NOW.after(Duration::from_secs(seconds));
    let result = step(&subject, event.clone(), now, 7);
    let found = result.as_ref().ok().map(|transition| transition.handoff.state.name());
    assert_eq!(found, after, "{event:?} in {}", subject.state.name());
}

#[test]
fn every_row_of_the_table_leads_where_it_says() {
    let refused = || ConnectorError::Refused { detail: "no".into() };
    let lost = || ConnectorError::Lost { detail: "gone".into() };
    let limited = |after_ms| ConnectorError::RateLimited { after_ms, detail: "slow".into() };
    let down = || ConnectorError::Unavailable { detail: "down".into() };
    let locked = || ConnectorError::Unauthorised { detail: "key".into() };
    let waiting = || HandoffState::Waiting { until: NOW, why: "x".into() };
    let half =
        |safe_now| Found::Partly { checkpoint: json!({ "step": 2 }), safe_now, held: false, unseen: false };
    let held =
        || Found::Partly { checkpoint: json!({ "step": 5 }), safe_now: false, held: true, unseen: false };
    check(HandoffState::Requested, Event::Begin { until: 5 }, 0, Some("transferring"));
    check(waiting(), Event::Begin { until: 5 }, 0, Some("transferring"));
    check(transferring(), answered(Ok(taken())), 1, Some("carrying"));
    check(transferring(), answered(Err(refused())), 1, Some("failed"));
    check(transferring(), answered(Err(locked())), 1, Some("failed"));
    check(transferring(), answered(Err(limited(2_000))), 1, Some("waiting"));
    check(transferring(), answered(Err(limited(90_000))), 1, Some("failed"));
    check(transferring(), answered(Err(down())), 1, Some("waiting"));
    check(transferring(), answered(Err(down())), 61, Some("failed"));
    check(transferring(), answered(Err(lost())), 1, Some("in_doubt"));
    check(transferring(), answered(Err(ConnectorError::Superseded)), 1, Some("in_doubt"));
    check(transferring(), Event::NodeLost, 1, Some("in_doubt"));
    check(in_doubt(), looked(Ok(Found::There(taken())), 1), 1, Some("carrying"));
    check(in_doubt(), looked(Ok(half(true)), 1), 1, Some("waiting"));
    check(in_doubt(), looked(Ok(half(false)), 1), 1, Some("in_doubt"));
    check(in_doubt(), looked(Ok(half(false)), 31), 31, Some("waiting"));
    check(in_doubt(), looked(Ok(Found::Absent { safe_now: true }), 1), 1, Some("waiting"));
    check(in_doubt(), looked(Ok(Found::Absent { safe_now: false }), 1), 1, Some("in_doubt"));
    check(in_doubt(), looked(Ok(Found::Absent { safe_now: false }), 31), 31, Some("waiting"));
    check(in_doubt(), looked(Ok(Found::Absent { safe_now: false }), 61), 61, Some("waiting"));
    check(in_doubt(), looked(Ok(Found::Absent { safe_now: false }), 136), 136, Some("failed"));
    check(in_doubt(), looked(Ok(half(false)), 136), 136, Some("failed"));
    check(in_doubt(), looked(Ok(held()), 1), 1, Some("waiting"));
    check(in_doubt(), looked(Ok(held()), 100_000), 100_000, Some("waiting"));
    check(in_doubt(), looked(Ok(Found::Unknown { detail: "?".into() }), 99), 99, Some("in_doubt"));
    check(in_doubt(), looked(Err(refused()), 99), 99, Some("in_doubt"));
    check(in_doubt(), Event::GiveUp { reason: "looked".into() }, 1, Some("failed"));
    check(in_doubt(), Event::LookNow, 1, Some("in_doubt"));
    let restored = || Event::Restored { at: NOW, until: 4 };
    for undecided in [HandoffState::Requested, waiting(), transferring(), in_doubt()] {
        check(undecided, restored(), 1, Some("in_doubt"));
    }
    let carrying = HandoffState::Carrying { ticket: ticket(), at: NOW };
    check(carrying, Event::Closed { reason: "closed".into() }, 1, Some("closed"));
}

#[test]
fn after_a_restore_nothing_is_asked_before_the_settle_time_that_began_with_it() {
    let begun =
        step(&handoff(HandoffState::Requested, Route::Bridge), Event::Begin { until: 3 }, NOW, 0).unwrap();
    let put_back = NOW.after(Duration::from_secs(100));
    let doubted =
        step(&begun.handoff, Event::Restored { at: put_back, until: 9 }, put_back, 0).unwrap().handoff;
    assert_eq!(doubted.perhaps_carried_until, 9);
    let absent = |at| Event::Looked { began: at, found: Ok(Found::Absent { safe_now: false }) };
    let at = put_back.after(Duration::from_secs(29));
    let early = step(&doubted, absent(at), at, 0).unwrap();
    assert_eq!(early.handoff.state.name(), "in_doubt");
    let at = put_back.after(Duration::from_secs(30));
    let settled = step(&doubted, absent(at), at, 0).unwrap();
    assert_ne!(settled.handoff.state.name(), "in_doubt");
}

/// What an attempt may be told after which none follows: for good, or because it is to wait beyond its time.
fn that_end_it() -> [ConnectorError; 3] {
    [
        ConnectorError::Refused { detail: "no".into() },
        ConnectorError::Unauthorised { detail: "who are you".into() },
        ConnectorError::RateLimited { after_ms: 90_000, detail: "slow".into() },
    ]
}

/// Under way when the backup was made, and put back when all time for it is over.
fn put_back(transcript_until: Option<u64>) -> Handoff {
    let subject = Handoff { transcript_until, ..handoff(HandoffState::Requested, Route::Bridge) };
    step(&subject, Event::Restored { at: NOW, until: 9 }, NOW, 0).unwrap().handoff
}

/// Its acceptance may have been told since the backup, and live agents may have the chat.
#[test]
fn p4_what_may_have_been_accepted_before_a_restore_is_not_declared_failed() {
    let late = NOW.after(Duration::from_secs(9_999));
    let at = |subject: &Handoff, event| step(subject, event, late, 0).unwrap();
    let half = || Ok(Found::Partly { checkpoint: json!(1), safe_now: false, held: false, unseen: false });
    let doubted = put_back(None);
    let going_on = at(&doubted, looked(half(), 9_999));
    assert_eq!(going_on.handoff.state.name(), "waiting");
    assert!(going_on.effects.contains(&Effect::Tell(Outcome::Delayed)));
    let asking = at(&going_on.handoff, Event::Begin { until: 20 }).handoff;
    for error in that_end_it() {
        let answer = Event::Answered { attempt: asking.attempts, answer: Err(error) };
        assert_eq!(at(&asking, answer.clone()).handoff.state.name(), "in_doubt", "{answer:?}");
    }
    // What is surely not there never was accepted, and what was not put back may fail.
    let absent = at(&doubted, looked(Ok(Found::Absent { safe_now: false }), 9_999)).handoff;
    assert_eq!((absent.state.name(), absent.is_from_backup()), ("failed", false));
    let early = at(&doubted, looked(half(), 29)).handoff;
    assert_eq!(early.state.name(), "in_doubt", "a lost call may still be under way");
    check(in_doubt(), looked(half(), 9_999), 9_999, Some("failed"));
}

/// Its acceptance was lost, or its first words were, and the platform does not show which. Giving the chat back would
/// let two answer the person.
#[test]
fn p1_what_live_agents_may_have_out_of_our_sight_does_not_fail_by_itself() {
    let late = NOW.after(Duration::from_secs(9_999));
    let at = |subject: &Handoff, event| step(subject, event, late, 0).unwrap();
    let half = |unseen| {
        looked(Ok(Found::Partly { checkpoint: json!(1), safe_now: true, held: false, unseen }), 99_999)
    };
    let going_on = at(&handoff(in_doubt(), Route::Bridge), half(true));
    assert!(going_on.effects.contains(&Effect::Tell(Outcome::Delayed)), "its time was over long ago");
    let asking = at(&going_on.handoff, Event::Begin { until: 20 }).handoff;
    for error in that_end_it() {
        let refused = at(&asking, Event::Answered { attempt: asking.attempts, answer: Err(error) }).handoff;
        assert_eq!(refused.state.name(), "in_doubt");
        // A place that is known can be looked into and taken back, and what is surely not there as well.
        let seen = at(&refused, half(false)).handoff;
        assert_eq!(seen.state.name(), "failed");
        let absent = at(&refused, looked(Ok(Found::Absent { safe_now: false }), 99_999)).handoff;
        assert_eq!((absent.state.name(), absent.unseen), ("failed", false));
    }
}

/// The platform lets the call be repeated at once, which says nothing of the one before.
#[test]
fn p4_a_failure_waits_for_every_call_that_was_lost() {
    let at = |seconds| NOW.after(Duration::from_secs(seconds));
    let happens = |subject: &Handoff, event, seconds| step(subject, event, at(seconds), 0).unwrap().handoff;
    let answers = |subject: &Handoff, answer, seconds| {
        happens(subject, Event::Answered { attempt: subject.attempts, answer: Err(answer) }, seconds)
    };
    let absent = Found::Absent { safe_now: true };
    let half = Found::Partly { checkpoint: json!(1), safe_now: true, held: false, unseen: false };
    let lost = || ConnectorError::Lost { detail: "gone".into() };
    for (error, found) in
        that_end_it().into_iter().flat_map(|error| [(error.clone(), &absent), (error, &half)])
    {
        let sees = |began| looked(Ok(found.clone()), began);
        let first = happens(&handoff(HandoffState::Requested, Route::Native), Event::Begin { until: 3 }, 0);
        let going_on = happens(&answers(&first, lost(), 10), sees(11), 11);
        let second = happens(&going_on, Event::Begin { until: 3 }, 12);
        let early = answers(&second, error.clone(), 39);
        assert_eq!(early.state.name(), "in_doubt", "{error}: the first call may still take effect");
        let late = answers(&second, error, 60);
        assert_eq!(late.state.name(), "in_doubt", "the first call may have taken effect since the look");
        let seen = happens(&late, looked(Ok(Found::There(taken())), 60), 61);
        assert_eq!(seen.state.name(), "accepted");
        // What was refused is not under way, so that it makes nobody wait.
        let third = happens(&happens(&early, sees(40), 40), Event::Begin { until: 3 }, 41);
        let refused = ConnectorError::Refused { detail: "no".into() };
        assert_eq!(answers(&third, refused, 42).state.name(), "failed");
    }
}

/// What cannot fail by itself would be tried for ever otherwise, and an operator could not end it.
#[test]
fn an_operator_decides_between_two_attempts_at_what_cannot_fail_by_itself() {
    let waiting = HandoffState::Waiting { until: NOW.after(Duration::from_secs(60)), why: "x".into() };
    let subject = Handoff { unseen: true, ..handoff(waiting.clone(), Route::Bridge) };
    let decided = |event| step(&subject, event, NOW, 0).unwrap();
    let now = decided(Event::LookNow);
    assert!(matches!(now.handoff.state, HandoffState::Waiting { until: NOW, .. }));
    assert_eq!(now.effects, [Effect::Wake(NOW)]);
    let given_up = decided(Event::GiveUp { reason: "not there".into() });
    assert_eq!(given_up.handoff.state.name(), "failed");
    check(waiting.clone(), Event::LookNow, 0, None);
    check(waiting, Event::GiveUp { reason: "impatient".into() }, 0, None);
}

/// It says how far an attempt had come when the backup was made, and not what was asked of the platform since.
#[test]
fn p3_a_checkpoint_of_the_backup_is_not_believed_after_a_restore() {
    for state in [transferring(), in_doubt()] {
        let subject = Handoff { checkpoint: Some(json!("nothing asked")), ..handoff(state, Route::Bridge) };
        let restored = step(&subject, Event::Restored { at: NOW, until: 9 }, NOW, 0).unwrap().handoff;
        assert_eq!(restored.checkpoint, None);
    }
}

/// What the platform has of it was begun after the backup, so it has all of the backup, and nothing newer.
#[test]
fn p2_what_is_said_after_a_restore_follows_what_the_platform_has() {
    let half = || Ok(Found::Partly { checkpoint: json!(1), safe_now: true, held: false, unseen: false });
    for found in [half(), Ok(Found::There(taken()))] {
        let until = |subject: &Handoff| {
            step(subject, looked(found.clone(), 40), NOW, 0).unwrap().handoff.transcript_until
        };
        assert_eq!(until(&put_back(None)), Some(9), "{found:?}");
        assert_eq!(until(&put_back(Some(3))), Some(3), "it was known in the backup");
        let again = Event::Restored { at: NOW, until: 20 };
        let twice = step(&put_back(None), again, NOW, 0).unwrap().handoff;
        assert_eq!((until(&twice), twice.perhaps_carried_until), (Some(9), 20));
    }
}

/// What is missing in a look may have come while the answer was on its way.
#[test]
fn p3_a_look_that_began_before_the_platform_settled_is_not_final_however_late_its_answer_comes() {
    let absent = || Ok(Found::Absent { safe_now: false });
    check(in_doubt(), looked(absent(), 29), 31, Some("in_doubt"));
    check(in_doubt(), looked(absent(), 30), 31, Some("waiting"));
    let half = || Ok(Found::Partly { checkpoint: json!(1), safe_now: false, held: false, unseen: false });
    check(in_doubt(), looked(half(), 29), 31, Some("in_doubt"));
}

/// Only while nobody was asked yet, and only where the author wants it: afterwards the platform may have the chat.
#[test]
fn p3_nobody_there_ends_a_handoff_that_never_began_and_no_other() {
    let asking = |state, route| Handoff { check_availability: true, ..handoff(state, route) };
    let ended = |subject: &Handoff| step(subject, Event::NobodyThere, NOW, 0).ok();
    let transition = ended(&asking(HandoffState::Requested, Route::Bridge)).unwrap();
    assert_eq!(transition.effects, [Effect::Tell(Outcome::NobodyThere), Effect::GiveBack]);
    assert!(matches!(transition.handoff.state, HandoffState::Failed { nobody_there: true, .. }));
    assert!(ended(&handoff(HandoffState::Requested, Route::Bridge)).is_none(), "nobody wanted it");
    assert!(ended(&asking(HandoffState::Requested, Route::Ticket)).is_none(), "a ticket needs nobody");
    let waiting = HandoffState::Waiting { until: NOW, why: "x".into() };
    for begun in [waiting, transferring(), in_doubt()] {
        assert!(ended(&asking(begun, Route::Bridge)).is_none());
    }
}

#[test]
fn an_event_that_does_not_belong_to_the_state_changes_nothing() {
    let accepted = || HandoffState::Accepted { ticket: ticket(), at: NOW };
    let failed = || HandoffState::Failed { reason: "no".into(), at: NOW, nobody_there: false };
    let closed = || HandoffState::Closed { ticket: ticket(), reason: "closed".into(), at: NOW };
    for state in [accepted(), failed(), closed(), HandoffState::Carrying { ticket: ticket(), at: NOW }] {
        check(state.clone(), Event::Begin { until: 5 }, 0, None);
        check(state.clone(), answered(Ok(taken())), 0, None);
        check(state.clone(), answered(Err(ConnectorError::Superseded)), 0, None);
        check(state.clone(), Event::NodeLost, 0, None);
        check(state.clone(), Event::Restored { at: NOW, until: 4 }, 0, None);
        check(state.clone(), Event::GiveUp { reason: "late".into() }, 0, None);
        check(state.clone(), Event::LookNow, 0, None);
        check(state, looked(Ok(Found::There(taken())), 0), 0, None);
    }
    check(closed(), Event::Closed { reason: "again".into() }, 0, None);
    check(HandoffState::Requested, looked(Ok(Found::There(taken())), 0), 0, None);
    check(in_doubt(), Event::Begin { until: 5 }, 0, None);
    check(transferring(), Event::Begin { until: 5 }, 0, None);
}

#[test]
fn an_attempt_that_was_superseded_can_neither_answer_nor_leave_a_checkpoint() {
    let stale = Event::Answered { attempt: 0, answer: Ok(taken()) };
    check(transferring(), stale, 1, None);
    check(transferring(), Event::StepDone { attempt: 0, checkpoint: json!(1) }, 1, None);
    check(transferring(), Event::StepDone { attempt: 1, checkpoint: json!(1) }, 1, Some("transferring"));
}

#[test]
fn acceptance_ends_the_session_before_it_tells_the_person() {
    let transition = step(&handoff(transferring(), Route::Bridge), answered(Ok(taken())), NOW, 0).unwrap();
    assert_eq!(transition.effects, [Effect::HandOver, Effect::Tell(Outcome::Accepted)]);
    let native = step(&handoff(transferring(), Route::Native), answered(Ok(taken())), NOW, 0).unwrap();
    assert_eq!(native.handoff.state.name(), "accepted");
}

#[test]
fn what_an_attempt_left_behind_is_withdrawn_when_the_handoff_fails() {
    let refused = || answered(Err(ConnectorError::Refused { detail: "no".into() }));
    let mut subject = handoff(transferring(), Route::Bridge);
    let clean = step(&subject, refused(), NOW, 0).unwrap();
    assert!(!clean.effects.contains(&Effect::Withdraw));
    subject.checkpoint = Some(json!({ "conversation": "z1" }));
    let left = step(&subject, refused(), NOW, 0).unwrap();
    assert!(left.effects.contains(&Effect::Withdraw));
}

#[test]
fn after_a_day_in_doubt_an_operator_is_called_once_and_looks_go_on() {
    let day = NOW.after(Duration::from_secs(24 * 60 * 60 + 1));
    let unknown = || looked(Ok(Found::Unknown { detail: "?".into() }), 0);
    let first = step(&handoff(in_doubt(), Route::Bridge), unknown(), day, 0).unwrap();
    let alerts =
        |effects: &[Effect]| effects.iter().filter(|effect| matches!(effect, Effect::Alert(_))).count();
    assert!(alerts(&first.effects) >= 1);
    let again = step(&first.handoff, unknown(), day.after(Duration::from_secs(60)), 0).unwrap();
    assert_eq!(alerts(&again.effects), 0);
    assert!(again.effects.iter().any(|effect| matches!(effect, Effect::Wake(_))));
}

#[test]
fn a_chat_that_the_platform_holds_is_finished_with_growing_pauses_and_never_declared_failed() {
    let held =
        || looked(Ok(Found::Partly { checkpoint: json!(5), safe_now: true, held: true, unseen: false }), 0);
    let mut subject = handoff(in_doubt(), Route::Bridge);
    subject.attempts = 9;
    let late = NOW.after(Duration::from_secs(3600));
    let first = step(&subject, held(), late, 0).unwrap();
    assert!(first.effects.contains(&Effect::Tell(Outcome::Delayed)));
    let HandoffState::Waiting { until, .. } = first.handoff.state.clone() else {
        panic!("{:?}", first.handoff.state)
    };
    assert!(until.since(late) >= Duration::from_secs(8), "no hot loop: {until:?}");
    let down = || ConnectorError::Unavailable { detail: "the plugin is not loaded".into() };
    let refused = || ConnectorError::Refused { detail: "no".into() };
    for error in [down(), refused()] {
        let running = Handoff { state: transferring(), ..first.handoff.clone() };
        let failed = step(&running, answered(Err(error)), late, 0).unwrap();
        assert_eq!(
            failed.handoff.state.name(),
            "in_doubt",
            "P1: not failed while the platform holds the chat"
        );
    }
    let doubtful = Handoff { state: in_doubt(), ..first.handoff.clone() };
    let gone = looked(Ok(Found::Absent { safe_now: true }), 3600);
    assert_eq!(
        step(&doubtful, gone, late, 0).unwrap().handoff.state.name(),
        "in_doubt",
        "P3: no second conversation"
    );
    let again = step(&Handoff { state: in_doubt(), ..first.handoff }, held(), late, 0).unwrap();
    assert!(!again.effects.contains(&Effect::Tell(Outcome::Delayed)), "delayed is said once");
}
