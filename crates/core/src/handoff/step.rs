//! The table of a handoff: what may happen in which state, and what follows.
//!
//! Production, simulation and model checker all call [`step`]; there is no second copy of the table.

use std::time::Duration;

use handoff_model::{
    Route, Timestamp,
    connector::{Advice, ConnectorError, Found, Transferred},
};
use serde_json::Value;

use super::{Handoff, HandoffState as State, Outcome};

/// Longest time for one attempt.
pub const ATTEMPT: Duration = Duration::from_secs(45);
/// How long earlier replies may hold a transfer back.
pub const REPLIES_FIRST: Duration = Duration::from_secs(5);
/// After this long in doubt an operator has to decide.
pub const DEAD_LETTER: Duration = Duration::from_secs(24 * 60 * 60);
/// Longest pause between two attempts.
const LONGEST_PAUSE_MS: u64 = 8_000;
/// Longest pause between two looks, once the budget is spent.
const LONGEST_LOOK_MS: u64 = 60_000;

/// Something that happened to a handoff.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A node holds the work, and earlier replies are out of the way. `until` is the last message so far.
    Begin {
        /// The last message accepted so far.
        until: u64,
    },
    /// Before the first attempt the platform said that no live agent is there.
    NobodyThere,
    /// A step of the running attempt is done for good.
    StepDone {
        /// The attempt that says so.
        attempt: u32,
        /// What it left.
        checkpoint: Value,
    },
    /// The running attempt ended.
    Answered {
        /// The attempt that says so.
        attempt: u32,
        /// What it gave.
        answer: Result<Transferred, ConnectorError>,
    },
    /// The node that ran the attempt is gone, and its answer with it.
    NodeLost,
    /// A look at the platform.
    Looked {
        /// When it began. What was not there then may have come since, so this is the time that counts.
        began: Timestamp,
        /// What it found.
        found: Result<Found, ConnectorError>,
    },
    /// The platform closed the chat that was carried.
    Closed {
        /// Why, in a word.
        reason: String,
    },
    /// What is kept here was put back from a backup at this time: what was done since the backup is not known.
    Restored {
        /// When it was put back. Whoever worked on the data before has stopped by then.
        at: Timestamp,
        /// The last message in the backup. What was typed up to it may have been carried since.
        until: u64,
    },
    /// An operator wants what may be on the platform looked up or finished now.
    LookNow,
    /// An operator gives up what may be on the platform, having looked for themselves.
    GiveUp {
        /// Why.
        reason: String,
    },
}

/// What follows from a transition, in the same transaction.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Make the platform's call.
    CallTransfer,
    /// Come back at this time.
    Wake(Timestamp),
    /// Tell the person.
    Tell(Outcome),
    /// End the session, seal, release the tail.
    HandOver,
    /// Give the conversation back to the assistant.
    GiveBack,
    /// Take back what the attempts left behind.
    Withdraw,
    /// Free the conversation: the next message starts a new session.
    SetFree,
    /// Call an operator.
    Alert(String),
}

/// What became of a handoff.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// The handoff afterwards, its version not yet raised.
    pub handoff: Handoff,
    /// What follows.
    pub effects: Vec<Effect>,
}

/// An event that does not belong to the state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a handoff that is {from} cannot take the event {event}")]
pub struct InvalidTransition {
    /// The state's name.
    pub from: &'static str,
    /// The event's name.
    pub event: &'static str,
}

/// What happens to `handoff` when `event` arrives at `now`. `chance` spreads pauses.
///
/// # Errors
/// When the event does not belong to the state; nothing changes then.
pub fn step(
    handoff: &Handoff,
    event: Event,
    now: Timestamp,
    chance: u64,
) -> Result<Transition, InvalidTransition> {
    let mut next = handoff.clone();
    let effects = match (&handoff.state, event) {
        (State::Requested | State::Waiting { .. }, Event::Begin { until }) => begin(&mut next, until, now),
        (State::Requested, Event::NobodyThere) if handoff.asks_who_is_there() => nobody_there(&mut next, now),
        (State::Transferring { attempt, .. }, Event::StepDone { attempt: by, checkpoint })
            if *attempt == by =>
        {
            next.checkpoint = Some(checkpoint);
            Vec::new()
        }
        (State::Transferring { attempt, .. }, Event::Answered { attempt: by, answer }) if *attempt == by => {
            match answer {
                Ok(transferred) => accept(&mut next, transferred, now),
                Err(error) => failed_attempt(&mut next, *attempt, &error, now, chance),
            }
        }
        (State::Transferring { attempt, .. }, Event::NodeLost) => {
            doubt(&mut next, *attempt, "the server was restarted during the call", now)
        }
        (
            State::Requested | State::Waiting { .. } | State::Transferring { .. } | State::InDoubt { .. },
            Event::Restored { at, until },
        ) => {
            let attempt = next.attempts;
            // Put back again: what the platform has may be from before the first restore.
            what_it_has(&mut next);
            next.perhaps_carried_until = until;
            // It says how far an attempt had come then, and not what was asked since.
            next.checkpoint = None;
            let settles_at = at.after(Duration::from_millis(next.settle_ms));
            doubt_until(&mut next, attempt, "the data was put back from a backup", settles_at, now)
        }
        (State::InDoubt { .. }, Event::Looked { began, found }) => {
            judge(&mut next, began, found, now, chance)
        }
        (_, Event::LookNow) if handoff.awaits_decision() => go_on_now(&mut next, now),
        (_, Event::GiveUp { reason }) if handoff.awaits_decision() => fail(&mut next, reason, now),
        (State::Carrying { ticket, .. }, Event::Closed { reason }) => {
            next.state = State::Closed { ticket: ticket.clone(), reason, at: now };
            vec![Effect::Tell(Outcome::Closed), Effect::SetFree]
        }
        (state, event) => return Err(InvalidTransition { from: state.name(), event: name(&event) }),
    };
    Ok(Transition { handoff: next, effects })
}

fn begin(next: &mut Handoff, until: u64, now: Timestamp) -> Vec<Effect> {
    next.transcript_until.get_or_insert(until);
    next.attempts += 1;
    next.state = State::Transferring { attempt: next.attempts, since: now, deadline: now.after(ATTEMPT) };
    vec![Effect::CallTransfer]
}

fn accept(next: &mut Handoff, transferred: Transferred, now: Timestamp) -> Vec<Effect> {
    let Transferred { ticket, queued, remarks } = transferred;
    next.receipt.ticket = Some(ticket.clone());
    next.receipt.accepted_at = Some(now);
    remarks.into_iter().for_each(|remark| next.receipt.remark(remark));
    next.state = match next.route {
        Route::Bridge => State::Carrying { ticket, at: now },
        Route::Native | Route::Ticket => State::Accepted { ticket, at: now },
    };
    let outcome = if queued { Outcome::Queued } else { Outcome::Accepted };
    vec![Effect::HandOver, Effect::Tell(outcome)]
}

fn failed_attempt(
    next: &mut Handoff,
    attempt: u32,
    error: &ConnectorError,
    now: Timestamp,
    chance: u64,
) -> Vec<Effect> {
    next.receipt.remark(error.to_string());
    // What the platform holds cannot fail: whatever went wrong is looked into.
    let advice = if next.held { Advice::LookFirst } else { error.advice() };
    match advice {
        Advice::LookFirst => doubt(next, attempt, &error.to_string(), now),
        Advice::GiveUp | Advice::Reauthorise => end(next, error.to_string(), now),
        Advice::RetryAfter(ms) => pause(next, ms + chance % 250, error, now),
        Advice::Retry => pause(next, back_off(attempt, chance), error, now),
    }
}

/// Waits before the next attempt, if there is time for one.
fn pause(next: &mut Handoff, ms: u64, error: &ConnectorError, now: Timestamp) -> Vec<Effect> {
    let until = now.after(Duration::from_millis(ms));
    if until > next.give_up_at {
        return end(next, format!("the time for attempts is spent; last: {error}"), now);
    }
    next.state = State::Waiting { until, why: error.to_string() };
    vec![Effect::Wake(until)]
}

/// The answer to a call is lost, and it may have its effect from now on.
fn doubt(next: &mut Handoff, attempt: u32, cause: &str, now: Timestamp) -> Vec<Effect> {
    let settles_at = now.after(Duration::from_millis(next.settle_ms));
    doubt_until(next, attempt, cause, settles_at, now)
}

/// In doubt from now on; nothing that was asked takes effect after `settles_at`.
fn doubt_until(
    next: &mut Handoff,
    attempt: u32,
    cause: &str,
    settles_at: Timestamp,
    now: Timestamp,
) -> Vec<Effect> {
    next.receipt.remark(format!("in doubt: {cause}"));
    next.settles_at = next.settles_at.max(settles_at);
    let cause = cause.to_owned();
    next.state = State::InDoubt { attempt, since: now, look_at: now, looks: 0, cause, dead_letter: false };
    vec![Effect::Wake(now)]
}

/// What a look at the platform means.
fn judge(
    next: &mut Handoff,
    began: Timestamp,
    looked: Result<Found, ConnectorError>,
    now: Timestamp,
    chance: u64,
) -> Vec<Effect> {
    let settled = began >= next.settles_at;
    match looked {
        Ok(Found::There(transferred)) => {
            next.receipt.remark("found on the platform after its answer was lost");
            what_it_has(next);
            accept(next, transferred, now)
        }
        Ok(Found::Partly { checkpoint, safe_now, held, unseen })
            if held || next.held || settled || safe_now =>
        {
            (next.held, next.unseen, next.checkpoint) = (held || next.held, unseen, Some(checkpoint));
            what_it_has(next);
            half_done(next, settled, now, chance)
        }
        Ok(Found::Absent { .. }) if next.held => look_again(
            next,
            0,
            Some("the platform held the chat and does not show it any more".to_owned()),
            now,
        ),
        Ok(Found::Absent { safe_now }) if settled || safe_now => {
            next.checkpoint = None;
            next.unseen = false;
            if settled {
                next.perhaps_carried_until = 0;
            }
            try_again(next, "surely not there", settled, now, chance)
        }
        Ok(Found::Partly { .. } | Found::Absent { .. }) => look_again(next, 1_000, None, now),
        Ok(Found::Unknown { detail }) => look_again(next, 0, Some(detail), now),
        Err(ConnectorError::RateLimited { after_ms, .. }) => {
            look_again(next, after_ms + chance % 250, None, now)
        }
        Err(error) => look_again(next, 0, Some(error.to_string()), now),
    }
}

/// Part of it was found, and going on from there doubles nothing.
fn half_done(next: &mut Handoff, settled: bool, now: Timestamp, chance: u64) -> Vec<Effect> {
    let why = if next.held {
        "the platform holds the chat; finishing"
    } else if next.unseen {
        "perhaps with live agents already, out of our sight; finishing"
    } else if next.is_from_backup() {
        // Before the restore the platform may have taken it, and the person may have been told so.
        "perhaps with the platform since before the restore; finishing"
    } else {
        return try_again(next, "found half done; going on from there", settled, now, chance);
    };
    finish_it(next, why, now, chance)
}

/// What the platform has from before a restore was begun after the backup, or its end would be known: all that is in
/// the backup went with it, and nothing that was said since the restore.
fn what_it_has(next: &mut Handoff) {
    if next.is_from_backup() {
        next.transcript_until.get_or_insert(next.perhaps_carried_until);
    }
}

/// The doubt is over and nothing is doubled by asking again, if there is time. A doubt that outlasted the budget,
/// because the platform needs its time to settle, does not take away the one more attempt it was waited for.
/// Going on may be safe while a lost call is still under way; failing is not. A look that is `settled` has seen what
/// became of every such call.
fn try_again(next: &mut Handoff, why: &str, settled: bool, now: Timestamp, chance: u64) -> Vec<Effect> {
    if settled {
        next.settles_at = Timestamp(0);
    }
    let grace = Duration::from_millis(next.settle_ms) + ATTEMPT;
    if now > next.give_up_at.after(grace) {
        if !settled {
            return look_again(next, 1_000, None, now);
        }
        next.receipt.remark(why);
        return fail(next, format!("{why}, but the time for attempts is spent"), now);
    }
    go_on(next, why, pause_before_next(next, chance), now)
}

/// The platform holds the chat, or may hold it: nothing but finishing is left, however long it takes. It is tried rarely
/// once all time is over.
fn finish_it(next: &mut Handoff, why: &str, now: Timestamp, chance: u64) -> Vec<Effect> {
    let late = now > next.give_up_at && !next.told_delayed;
    let pause = if next.told_delayed { LONGEST_LOOK_MS } else { pause_before_next(next, chance) };
    let mut effects = go_on(next, why, pause, now);
    if late {
        next.told_delayed = true;
        effects.push(Effect::Tell(Outcome::Delayed));
        effects.push(Effect::Alert(format!("beyond its time: {why}")));
    }
    effects
}

/// At once after the first attempt, because a person is waiting; with growing pauses after further ones.
fn pause_before_next(next: &Handoff, chance: u64) -> u64 {
    if next.attempts <= 1 { 0 } else { back_off(next.attempts - 1, chance) }
}

fn go_on(next: &mut Handoff, why: &str, pause_ms: u64, now: Timestamp) -> Vec<Effect> {
    next.receipt.remark(why);
    let until = now.after(Duration::from_millis(pause_ms));
    next.state = State::Waiting { until, why: why.to_owned() };
    vec![Effect::Wake(until)]
}

/// Stays in doubt. `pause_ms` 0 lets the pause grow with the number of looks.
fn look_again(next: &mut Handoff, pause_ms: u64, detail: Option<String>, now: Timestamp) -> Vec<Effect> {
    let told = next.told_delayed;
    let spent = now > next.give_up_at;
    let State::InDoubt { since, look_at, looks, cause, dead_letter, .. } = &mut next.state else {
        return Vec::new();
    };
    *looks += 1;
    let grown = 500_u64.saturating_mul(1 << (*looks).min(12)).min(LONGEST_LOOK_MS);
    *look_at = now.after(Duration::from_millis(if pause_ms == 0 { grown } else { pause_ms }));
    if let Some(detail) = detail {
        *cause = detail;
    }
    let mut effects = vec![Effect::Wake(*look_at)];
    if spent && !told {
        effects.push(Effect::Tell(Outcome::Delayed));
        effects.push(Effect::Alert(format!("in doubt beyond its time: {cause}")));
    }
    if now.since(*since) > DEAD_LETTER && !*dead_letter {
        *dead_letter = true;
        effects.push(Effect::Alert("in doubt for a day: look on the platform and decide".to_owned()));
    }
    next.told_delayed |= spent;
    effects
}

/// Something on the platform may have changed: the pauses between looks begin anew, that between attempts is over.
fn go_on_now(next: &mut Handoff, now: Timestamp) -> Vec<Effect> {
    match &mut next.state {
        State::InDoubt { look_at, looks, .. } => (*look_at, *looks) = (now, 0),
        State::Waiting { until, .. } => *until = now,
        _ => {}
    }
    vec![Effect::Wake(now)]
}

/// No attempt follows. It fails, unless live agents have it, or may have it, or a call that was lost may have given it to them
/// since the last look, or may do so yet.
fn end(next: &mut Handoff, reason: String, now: Timestamp) -> Vec<Effect> {
    if next.may_be_there() || next.settles_at > Timestamp(0) {
        return doubt_until(next, next.attempts, &reason, now, now);
    }
    fail(next, reason, now)
}

fn fail(next: &mut Handoff, reason: String, now: Timestamp) -> Vec<Effect> {
    let left_something = next.checkpoint.is_some();
    next.receipt.remark(format!("failed: {reason}"));
    next.state = State::Failed { reason, at: now, nobody_there: false };
    let mut effects = vec![Effect::Tell(Outcome::Failed), Effect::GiveBack];
    if left_something {
        effects.push(Effect::Withdraw);
    }
    effects
}

/// The platform was not asked to take the chat, so nothing can be left there.
fn nobody_there(next: &mut Handoff, now: Timestamp) -> Vec<Effect> {
    let reason = "no live agent is there";
    next.receipt.remark(reason);
    next.state = State::Failed { reason: reason.to_owned(), at: now, nobody_there: true };
    vec![Effect::Tell(Outcome::NobodyThere), Effect::GiveBack]
}

/// 1, 2, 4, 8 seconds and no more, each up to a quarter longer.
fn back_off(attempt: u32, chance: u64) -> u64 {
    let base = 1_000_u64.saturating_mul(1 << attempt.saturating_sub(1).min(10)).min(LONGEST_PAUSE_MS);
    base + chance % (base / 4)
}

fn name(event: &Event) -> &'static str {
    match event {
        Event::Begin { .. } => "begin",
        Event::NobodyThere => "nobody there",
        Event::StepDone { .. } => "step done",
        Event::Answered { .. } => "answered",
        Event::NodeLost => "node lost",
        Event::Looked { .. } => "looked",
        Event::Closed { .. } => "closed",
        Event::Restored { .. } => "restored",
        Event::LookNow => "look now",
        Event::GiveUp { .. } => "give up",
    }
}
