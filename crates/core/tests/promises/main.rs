//! The promises, over the plain functions: whatever happens in whatever order, they hold after every event.
//!
//! A little world applies what turns and handoffs decide, with no store, clock or platform around them.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod attempts;
mod desk;
mod firing;
mod pauses;
mod record;
mod replaying;
mod settling;
mod table;
mod turning;
mod world;

use proptest::prelude::*;
use world::{Happens, World};

fn anything() -> impl Strategy<Value = Happens> {
    prop_oneof![
        6 => (0..4_u8).prop_map(Happens::PersonWrites),
        2 => Just(Happens::AsksForHuman),
        3 => Just(Happens::AttemptBegins),
        2 => Just(Happens::PlatformAccepts),
        2 => Just(Happens::PlatformAcceptsQueued),
        1 => Just(Happens::PlatformRefuses),
        2 => Just(Happens::AnswerLost),
        1 => Just(Happens::RateLimited),
        1 => Just(Happens::ServerRestarts),
        2 => Just(Happens::FoundThere),
        1 => Just(Happens::FoundHalf),
        1 => Just(Happens::FoundNothing),
        1 => Just(Happens::FindFails),
        2 => Just(Happens::TeamWrites),
        1 => Just(Happens::TeamCloses),
        2 => (1..120_u16).prop_map(Happens::TimePasses),
        1 => Just(Happens::PersonOpens),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_promises_hold_after_every_event_on_a_bridge(events in prop::collection::vec(anything(), 1..60)) {
        let mut world = World::bridge();
        for event in events {
            world.happens(&event);
            world.check();
        }
    }

    #[test]
    fn the_promises_hold_after_every_event_on_the_native_route(events in prop::collection::vec(anything(), 1..60)) {
        let mut world = World::native();
        for event in events {
            world.happens(&event);
            world.check();
        }
    }
}

fn after(events: &[Happens]) -> World {
    let mut world = World::bridge();
    for event in events {
        world.happens(event);
        world.check();
    }
    world
}

#[test]
fn p1_one_holder_while_a_transfer_is_undecided_nobody_answers() {
    let world = after(&[
        Happens::AsksForHuman,
        Happens::PersonWrites(1),
        Happens::AttemptBegins,
        Happens::PersonWrites(2),
    ]);
    assert_eq!(world.holder(), "nobody");
    assert_eq!(world.notices(), ["asked"]);
}

#[test]
fn p2_nothing_lost_words_typed_during_the_transfer_follow_it_in_order() {
    let world = after(&[
        Happens::PersonWrites(0),
        Happens::AsksForHuman,
        Happens::AttemptBegins,
        Happens::PersonWrites(1),
        Happens::PersonWrites(2),
        Happens::PlatformAccepts,
        Happens::PersonWrites(3),
    ]);
    assert_eq!(world.transcript(), ["words 0", "a human please"]);
    assert_eq!(world.forwarded(), ["words 1", "words 2", "words 3"]);
}

#[test]
fn p2_nothing_lost_when_the_handoff_fails_the_assistant_is_offered_the_words() {
    let world = after(&[
        Happens::AsksForHuman,
        Happens::AttemptBegins,
        Happens::PersonWrites(1),
        Happens::PersonWrites(2),
        Happens::PlatformRefuses,
    ]);
    assert_eq!(world.holder(), "assistant");
    let said = world.assistant_said();
    assert_eq!(said[said.len() - 3..], ["sorry", "echo words 1", "echo words 2"]);
}

/// What the team writes in the moment of the decision is committed before it and shown by it, or begins anew after it: one
/// of the two has to notice the other, and what both change is the conversation.
#[test]
fn p2_nothing_lost_what_the_team_writes_collides_with_the_decision() {
    let mut world = World::bridge();
    for event in [Happens::PersonOpens, Happens::AsksForHuman, Happens::AttemptBegins] {
        world.happens(&event);
    }
    assert_eq!(world.holder(), "nobody");
    let before = world.commits_to_conversation();
    world.happens(&Happens::TeamWrites);
    assert_eq!(world.commits_to_conversation(), before + 1);
}

#[test]
fn p3_nothing_doubled_a_lost_answer_is_looked_up_before_it_is_asked_again() {
    let mut world = after(&[Happens::AsksForHuman, Happens::AttemptBegins, Happens::AnswerLost]);
    assert_eq!(world.state(), "in_doubt");
    world.happens(&Happens::AttemptBegins);
    assert_eq!(world.state(), "in_doubt", "no attempt begins while the last one is in doubt");
    world.happens(&Happens::FoundNothing);
    assert_eq!(world.state(), "in_doubt", "not there is not final before the platform has settled");
    world.happens(&Happens::TimePasses(31));
    world.happens(&Happens::FoundNothing);
    assert_eq!(world.state(), "waiting");
}

#[test]
fn p4_the_truth_nobody_is_told_of_a_transfer_before_it_is_accepted() {
    let mut world =
        after(&[Happens::AsksForHuman, Happens::AttemptBegins, Happens::AnswerLost, Happens::TimePasses(90)]);
    world.happens(&Happens::FindFails);
    assert_eq!(world.notices(), ["asked", "delayed"]);
    world.happens(&Happens::FindFails);
    assert_eq!(world.notices(), ["asked", "delayed"], "delayed is said once");
    world.happens(&Happens::FoundThere);
    assert_eq!(world.notices(), ["asked", "delayed", "accepted"]);
}

#[test]
fn p5_sealed_what_follows_acceptance_is_not_in_the_history() {
    let world = after(&[
        Happens::AsksForHuman,
        Happens::AttemptBegins,
        Happens::TeamWrites,
        Happens::PlatformAccepts,
        Happens::PersonWrites(3),
        Happens::TeamWrites,
    ]);
    assert!(!world.history().contains(&"words 3".to_owned()));
    assert!(!world.history().iter().any(|text| text.starts_with("team")));
    assert_eq!(
        world.shown_from_team(),
        ["team 1", "team 2"],
        "in order, also what came before the acceptance"
    );
}

#[test]
fn p6_mute_the_assistant_says_nothing_from_the_moment_the_action_fires() {
    let mut world = after(&[Happens::AsksForHuman]);
    let before = world.assistant_said();
    for event in [Happens::PersonOpens, Happens::PersonWrites(1), Happens::AttemptBegins, Happens::TeamWrites]
    {
        world.happens(&event);
    }
    world.happens(&Happens::PlatformAccepts);
    world.happens(&Happens::PersonWrites(2));
    assert_eq!(world.assistant_said(), before);
}

#[test]
fn p7_survives_a_restart_during_the_call_leaves_the_handoff_in_doubt_and_goes_on() {
    let mut world = after(&[Happens::AsksForHuman, Happens::AttemptBegins, Happens::ServerRestarts]);
    assert_eq!(world.state(), "in_doubt");
    world.happens(&Happens::FoundHalf);
    world.happens(&Happens::TimePasses(31));
    world.happens(&Happens::FoundHalf);
    world.happens(&Happens::AttemptBegins);
    assert_eq!(world.checkpoint(), Some(serde_json::json!({ "step": 1 })));
    world.happens(&Happens::PlatformAccepts);
    assert_eq!(world.state(), "carrying");
}

#[test]
fn a_chat_that_the_team_closed_is_nobodys_also_when_it_is_closed_again() {
    let mut world = after(&[Happens::AsksForHuman, Happens::AttemptBegins, Happens::PlatformAccepts]);
    for _ in 0..2 {
        world.happens(&Happens::TeamCloses);
        assert_eq!((world.state(), world.holder()), ("closed", "nobody"));
    }
}

/// Sessions of a platform are numbers, or else words that are only the same or not.
#[test]
fn p6_on_the_platforms_own_channel_only_a_later_session_brings_the_assistant_back() {
    for (session, holder) in [("7", "platform"), ("6", "platform"), ("10", "assistant"), ("x", "assistant")] {
        let mut world = World::native();
        let gone = [Happens::AsksForHuman, Happens::AttemptBegins, Happens::PlatformAccepts];
        gone.iter().for_each(|event| world.happens(event));
        world.opens_in(Some(session));
        assert_eq!(world.holder(), holder, "session {session} after 7");
    }
    let mut world = World::native();
    [Happens::AsksForHuman, Happens::AttemptBegins, Happens::PlatformAccepts]
        .iter()
        .for_each(|event| world.happens(event));
    world.opens_in(None);
    assert_eq!(world.holder(), "platform", "no session says nothing");
}

/// An event may be read before control passes and arrive after it: it was true then, and is not any more.
#[test]
fn p6_what_was_seen_before_the_platform_had_the_chat_does_not_bring_the_assistant_back() {
    let mut world = World::native();
    [Happens::AsksForHuman, Happens::AttemptBegins].iter().for_each(|event| world.happens(event));
    let before = world.now();
    [Happens::TimePasses(1), Happens::PlatformAccepts].iter().for_each(|event| world.happens(event));
    let since = world.now();
    for (seen, holder) in [(before, "platform"), (since, "assistant")] {
        world.opens_as_seen("10", seen);
        assert_eq!(world.holder(), holder);
    }
}

#[test]
fn expressions_read_the_channel_the_person_and_the_assistant() {
    let mut world = World::bridge();
    world.writes("who am i");
    assert_eq!(world.assistant_said(), ["web en a A ann"]);
}
