//! How attempts are counted, how soon the next one begins, and what is refused in which words.

use std::time::Duration;

use handoff_core::handoff::{Effect, Event, Handoff, HandoffState, step};
use handoff_model::{
    Route,
    connector::{ConnectorError, Found},
};
use serde_json::json;

use crate::table::{NOW, answered, handoff, in_doubt, ticket, transferring};

fn waiting() -> HandoffState {
    HandoffState::Waiting { until: NOW, why: "x".to_owned() }
}

#[test]
fn p3_each_attempt_has_a_number_of_its_own_by_which_a_late_answer_is_known() {
    let mut subject = Handoff { attempts: 0, ..handoff(HandoffState::Requested, Route::Bridge) };
    for number in 1..=3 {
        subject = step(&subject, Event::Begin { until: 3 }, NOW, 0).unwrap().handoff;
        assert!(matches!(subject.state, HandoffState::Transferring { attempt, .. } if attempt == number));
        subject.state = waiting();
    }
}

#[test]
fn what_was_found_half_done_goes_on_at_once_after_the_first_attempt_and_later_after_further_ones() {
    for (attempts, pause) in [(0, 0), (1, 0), (2, 1_000), (3, 2_000), (4, 4_000), (5, 8_000)] {
        let subject = Handoff { attempts, ..handoff(in_doubt(), Route::Bridge) };
        let found = Ok(Found::Absent { safe_now: true });
        let next = step(&subject, Event::Looked { began: NOW, found }, NOW, 0).unwrap();
        let until = NOW.after(Duration::from_millis(pause));
        let HandoffState::Waiting { until: begins, .. } = next.handoff.state else { panic!("{attempts}") };
        assert_eq!((begins, next.effects), (until, vec![Effect::Wake(until)]), "after {attempts} attempts");
    }
}

/// All time is over then, and the person was told so: what may be there is finished, and not in a hurry.
#[test]
fn p1_what_cannot_fail_goes_on_once_a_minute_after_the_delay_was_told() {
    let subject = Handoff { attempts: 2, told_delayed: true, ..handoff(in_doubt(), Route::Bridge) };
    let held = Ok(Found::Partly { checkpoint: json!(5), safe_now: true, held: true, unseen: false });
    let late = NOW.after(Duration::from_secs(3_600));
    let next = step(&subject, Event::Looked { began: late, found: held }, late, 0).unwrap();
    assert_eq!(next.effects, [Effect::Wake(late.after(Duration::from_secs(60)))]);
}

/// A pause that ends with the budget is within it, also where the handoff cannot fail.
#[test]
fn p4_what_may_be_there_since_a_restore_waits_within_the_budget_and_is_looked_up_after_it() {
    let subject = Handoff { perhaps_carried_until: 9, ..handoff(transferring(), Route::Bridge) };
    for (after_ms, state) in [(60_000, "waiting"), (60_001, "in_doubt")] {
        let limited = Err(ConnectorError::RateLimited { after_ms, detail: "slow".to_owned() });
        assert_eq!(step(&subject, answered(limited), NOW, 0).unwrap().handoff.state.name(), state);
    }
}

#[test]
fn an_operator_who_wants_a_look_gets_it_now_and_the_pauses_begin_anew() {
    let later = NOW.after(Duration::from_secs(9));
    let mut subject = handoff(in_doubt(), Route::Bridge);
    let HandoffState::InDoubt { look_at, looks, .. } = &mut subject.state else { unreachable!() };
    (*look_at, *looks) = (NOW.after(Duration::from_secs(60)), 7);
    let wanted = step(&subject, Event::LookNow, later, 0).unwrap();
    assert_eq!(wanted.effects, [Effect::Wake(later)]);
    let HandoffState::InDoubt { look_at, looks, .. } = wanted.handoff.state else { panic!("in doubt") };
    assert_eq!((look_at, looks), (later, 0));
}

#[test]
fn an_event_that_does_not_belong_to_the_state_is_refused_in_plain_words() {
    let closed = HandoffState::Closed { ticket: ticket(), reason: "over".to_owned(), at: NOW };
    let subject = handoff(closed, Route::Bridge);
    let events = [
        (Event::Begin { until: 1 }, "begin"),
        (Event::NobodyThere, "nobody there"),
        (Event::StepDone { attempt: 1, checkpoint: json!(1) }, "step done"),
        (answered(Err(ConnectorError::Superseded)), "answered"),
        (Event::NodeLost, "node lost"),
        (Event::Looked { began: NOW, found: Ok(Found::Absent { safe_now: true }) }, "looked"),
        (Event::Closed { reason: "again".to_owned() }, "closed"),
        (Event::Restored { at: NOW, until: 1 }, "restored"),
        (Event::LookNow, "look now"),
        (Event::GiveUp { reason: "late".to_owned() }, "give up"),
    ];
    for (event, name) in events {
        let refusal = step(&subject, event, NOW, 0).unwrap_err();
        assert_eq!(refusal.to_string(), format!("a handoff that is closed cannot take the event {name}"));
    }
}
