//! How long a handoff waits between attempts and looks, and whom it tells when.

use std::time::Duration;

use handoff_core::handoff::{Effect, Event, Handoff, HandoffState, Outcome, step};
use handoff_model::{
    Route, Timestamp,
    connector::{ConnectorError, Found},
};
use serde_json::json;

use crate::table::{NOW, answered, handoff, in_doubt, transferring};

fn unknown() -> Result<Found, ConnectorError> {
    Ok(Found::Unknown { detail: "?".to_owned() })
}

fn looks(subject: &Handoff, now: Timestamp, found: Result<Found, ConnectorError>) -> (Handoff, Vec<Effect>) {
    let done = step(subject, Event::Looked { began: now, found }, now, 77).unwrap();
    (done.handoff, done.effects)
}

/// Until the next look, in milliseconds.
fn until_look(subject: &Handoff, now: Timestamp) -> u128 {
    let HandoffState::InDoubt { look_at, .. } = &subject.state else { panic!("not in doubt") };
    look_at.since(now).as_millis()
}

fn later(seconds: u64) -> Timestamp {
    NOW.after(Duration::from_secs(seconds))
}

#[test]
fn looks_come_with_growing_pauses_up_to_a_minute() {
    let mut subject = handoff(in_doubt(), Route::Bridge);
    let mut pauses = Vec::new();
    for _ in 0..9 {
        subject = looks(&subject, NOW, unknown()).0;
        pauses.push(until_look(&subject, NOW));
    }
    assert_eq!(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
}

#[test]
fn a_platform_that_asks_to_wait_is_looked_at_after_that_and_a_little_spread() {
    let limited = Err(ConnectorError::RateLimited { after_ms: 7_000, detail: "slow".to_owned() });
    assert_eq!(until_look(&looks(&handoff(in_doubt(), Route::Bridge), NOW, limited).0, NOW), 7_077);
    let absent = Ok(Found::Absent { safe_now: false });
    assert_eq!(until_look(&looks(&handoff(in_doubt(), Route::Bridge), NOW, absent).0, NOW), 1_000);
}

#[test]
fn p4_the_delay_is_told_once_the_budget_is_spent_and_once_only() {
    let told = |effects: &[Effect]| effects.contains(&Effect::Tell(Outcome::Delayed));
    let alarmed = |effects: &[Effect]| effects.iter().any(|effect| matches!(effect, Effect::Alert(_)));
    let subject = handoff(in_doubt(), Route::Bridge);
    let (subject, effects) = looks(&subject, later(60), unknown());
    assert!(!told(&effects) && !alarmed(&effects), "within the budget");
    let (subject, effects) = looks(&subject, later(61), unknown());
    assert!(told(&effects) && alarmed(&effects));
    let (_, effects) = looks(&subject, later(62), unknown());
    assert!(!told(&effects) && !alarmed(&effects), "a second time");
}

#[test]
fn after_a_day_in_doubt_an_operator_is_asked_to_decide_and_once_only() {
    let mut subject = handoff(in_doubt(), Route::Bridge);
    subject.told_delayed = true;
    let day = 24 * 60 * 60;
    for (seconds, asked) in [(day, false), (day + 1, true), (day + 2, false)] {
        let (next, effects) = looks(&subject, later(seconds), unknown());
        let asks = effects.iter().any(|effect| matches!(effect, Effect::Alert(_)));
        assert_eq!(asks, asked, "after {seconds} s");
        subject = next;
    }
    assert!(matches!(subject.state, HandoffState::InDoubt { dead_letter: true, .. }));
}

#[test]
fn attempts_come_after_1_2_4_and_8_seconds_and_a_little_spread() {
    let down = || Err(ConnectorError::Unavailable { detail: "down".to_owned() });
    for (attempt, base) in [(1, 1_000), (2, 2_000), (3, 4_000), (4, 8_000), (5, 8_000), (40, 8_000)] {
        let mut subject = handoff(transferring(), Route::Bridge);
        let HandoffState::Transferring { attempt: current, .. } = &mut subject.state else { unreachable!() };
        *current = attempt;
        for chance in [0, 1, u64::MAX] {
            let answered = Event::Answered { attempt, answer: down() };
            let after = step(&subject, answered, NOW, chance).unwrap().handoff;
            let HandoffState::Waiting { until, .. } = after.state else { panic!("{:?}", after.state) };
            let pause = until.since(NOW).as_millis();
            assert!(
                (base..=base + base / 2).contains(&pause),
                "attempt {attempt}: {pause} ms, not about {base}"
            );
        }
    }
}

#[test]
fn what_a_platform_asks_to_wait_is_waited_within_the_budget() {
    let limited =
        |after_ms| answered(Err(ConnectorError::RateLimited { after_ms, detail: "slow".to_owned() }));
    let subject = handoff(transferring(), Route::Bridge);
    let after = step(&subject, limited(60_000), NOW, 0).unwrap().handoff;
    assert!(matches!(after.state, HandoffState::Waiting { until, .. } if until == later(60)), "the very end");
    let after = step(&subject, limited(60_000), NOW, 1).unwrap().handoff;
    assert!(matches!(after.state, HandoffState::Failed { .. }), "a moment too late");
}

#[test]
fn p1_what_the_platform_holds_is_finished_and_its_delay_is_told_once() {
    let held =
        || Ok(Found::Partly { checkpoint: json!({ "step": 5 }), safe_now: false, held: true, unseen: false });
    let told = |effects: &[Effect]| effects.contains(&Effect::Tell(Outcome::Delayed));
    let subject = handoff(in_doubt(), Route::Bridge);
    assert!(!told(&looks(&subject, later(60), held()).1), "within the budget");
    let (next, effects) = looks(&subject, later(61), held());
    assert!(told(&effects) && next.held && next.told_delayed);
    let again = Handoff { state: in_doubt(), ..next };
    assert!(!told(&looks(&again, later(62), held()).1), "a second time");
    let (next, _) = looks(&again, later(99), Ok(Found::Absent { safe_now: true }));
    assert_eq!(next.state.name(), "in_doubt", "what was held and is not shown any more is looked at again");
}

/// A person waits, and nothing more than this attempt may be left.
#[test]
fn what_is_surely_not_there_is_tried_again_soon_also_after_the_delay_was_told() {
    let doubted = Handoff { attempts: 2, ..handoff(in_doubt(), Route::Bridge) };
    let told = looks(&doubted, later(61), unknown()).0;
    assert!(told.told_delayed);
    let pause = |found| match looks(&told, later(70), Ok(found)).0.state {
        HandoffState::Waiting { until, .. } => until.since(later(70)).as_millis(),
        other => panic!("{other:?}"),
    };
    assert_eq!(pause(Found::Absent { safe_now: false }), 1_077);
    let finishing = Found::Partly { checkpoint: json!(1), safe_now: true, held: false, unseen: true };
    assert_eq!(pause(finishing), 60_000, "what cannot fail is tried for as long as it takes");
}

#[test]
fn one_more_attempt_is_made_after_a_doubt_that_outlasted_the_budget() {
    let absent = |safe_now| Ok(Found::Absent { safe_now });
    let subject = handoff(in_doubt(), Route::Bridge);
    // Budget 60 s, settle time 30 s, an attempt 45 s.
    for (seconds, settled, state) in [(135, true, "waiting"), (136, true, "failed"), (136, false, "in_doubt")]
    {
        let began = if settled { later(seconds) } else { NOW };
        let looked = Event::Looked { began, found: absent(!settled) };
        let after = step(&subject, looked, later(seconds), 0).unwrap().handoff;
        assert_eq!(after.state.name(), state, "after {seconds} s, settled: {settled}");
    }
}
