//! The protocol of a handoff, explored: every order of everything that can happen, within bounds.
//!
//! The functions that are explored are those of production: `handoff::step` decides, `session::settle` and
//! `session::turn` do what follows. Around them stands a little world: a person, two nodes of which either may die or
//! stand still, a network that loses and delays, a platform that commits and whose answers get lost. `world` has its
//! states, `moves` what can happen next, `flaws` breaks one rule each, to see that the checks would notice.
//!
//! `HANDOFF_MODEL=large cargo test --profile bench -p handoff-core --test model -- --nocapture` explores more.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod flaws;
mod moves;
mod world;

use std::time::Instant;

use flaws::Flaw;
use stateright::{Checker, CheckerBuilder, HasDiscoveries, Model, Property};
use world::{Bounds, Stage, State};

/// What is explored.
#[derive(Clone)]
struct Explored {
    bounds: Bounds,
    flaw: Flaw,
}

impl Model for Explored {
    type State = State;
    type Action = moves::Move;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(&self.bounds)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Self::Action>) {
        moves::possible(state, &self.bounds, self.flaw, actions);
    }

    fn next_state(&self, state: &State, action: Self::Action) -> Option<State> {
        let mut next = state.clone();
        moves::make(&mut next, action, self.flaw).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("P1 one holder", |_, state: &State| state.one_holder()),
            Property::always("P2 nothing lost", |_, state: &State| state.nothing_lost()),
            Property::always("P3 nothing doubled", |_, state: &State| state.nothing_doubled()),
            Property::always("P4 the truth", |_, state: &State| state.the_truth()),
            Property::always("P6 mute", |_, state: &State| state.mute()),
            Property::always("P7 survives", |model: &Self, state: &State| {
                state.survives(&model.bounds, model.flaw)
            }),
            Property::sometimes("a chat arrives", |_, state: &State| state.stage() == Stage::Taken),
            Property::sometimes("a chat arrives after a doubt", |_, state: &State| {
                state.stage() == Stage::Taken && state.doubts > 0
            }),
            Property::sometimes("a chat comes back", |_, state: &State| state.stage() == Stage::Failed),
            Property::sometimes("a chat is closed by the platform", |_, state: &State| {
                state.stage() == Stage::Over
            }),
            Property::sometimes("an operator decides", |_, state: &State| state.decided),
            Property::sometimes("a node that stood still wakes up too late", |_, state: &State| {
                state.late > 0
            }),
        ]
    }
}

fn builder(bounds: Bounds, flaw: Flaw) -> CheckerBuilder<Explored> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    Explored { bounds, flaw }.checker().threads(threads).finish_when(HasDiscoveries::AnyFailures)
}

/// What it finds is found on a shortest way.
fn explore(bounds: Bounds, flaw: Flaw) -> impl Checker<Explored> {
    builder(bounds, flaw).spawn_bfs().join()
}

/// In wide bounds the states of one step that wait for their turn take more memory than a machine has. One way is followed to
/// its end here before the next, and few wait.
fn explore_deep(bounds: Bounds) -> impl Checker<Explored> {
    builder(bounds, Flaw::None).spawn_dfs().join()
}

#[test]
fn the_promises_hold_in_every_order_of_everything_that_can_happen() {
    let large = std::env::var("HANDOFF_MODEL").is_ok_and(|size| size == "large");
    match large {
        true => held_widely(&told(|| explore_deep(Bounds::large()))),
        false => held_widely(&explored(Bounds::small())),
    }
}

fn held_widely(checker: &impl Checker<Explored>) {
    checker.assert_properties();
    assert!(checker.unique_state_count() > 1_000_000, "the world has become too small");
}

fn explored(bounds: Bounds) -> impl Checker<Explored> {
    told(|| explore(bounds, Flaw::None))
}

#[expect(clippy::print_stdout, reason = "what was explored belongs into the report")]
fn told<C: Checker<Explored>>(explore: impl FnOnce() -> C) -> C {
    let began = Instant::now();
    let checker = explore();
    println!(
        "{} distinct states, {} in all, depth {}, {:.0} s",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        began.elapsed().as_secs_f64()
    );
    checker
}

/// Going on before the settle time is over is another way than waiting for it.
#[test]
fn the_promises_hold_where_the_platform_knows_a_call_that_is_repeated() {
    let discovered = explored(Bounds::that_knows_repeats()).discoveries();
    let broken: Vec<_> = discovered.keys().filter(|name| name.starts_with('P')).collect();
    assert!(broken.is_empty(), "{broken:?}");
    assert!(discovered.contains_key("a chat arrives after a doubt"));
}

/// Each flaw is noticed as the break of the promise that it breaks.
fn noticed(flaw: Flaw, promise: &'static str) {
    noticed_within(Bounds { words: 2, ..Bounds::small() }, flaw, promise);
}

fn noticed_within(bounds: Bounds, flaw: Flaw, promise: &'static str) {
    let checker = explore(bounds, flaw);
    let found: Vec<_> = checker.discoveries().into_keys().filter(|name| name.starts_with('P')).collect();
    assert!(found.contains(&promise), "{flaw:?} breaks {found:?}");
}

#[test]
fn telling_before_the_acceptance_would_be_noticed() {
    noticed(Flaw::TellsFirst, "P4 the truth");
}

#[test]
fn asking_again_without_a_look_would_be_noticed() {
    noticed(Flaw::AsksWithoutLook, "P3 nothing doubled");
}

#[test]
fn a_look_from_before_the_platform_settled_taken_as_final_would_be_noticed() {
    noticed(Flaw::TrustsOldLooks, "P3 nothing doubled");
}

#[test]
fn going_on_after_another_took_over_would_be_noticed() {
    noticed(Flaw::NoFence, "P3 nothing doubled");
}

#[test]
fn answering_a_message_that_came_twice_would_be_noticed() {
    noticed(Flaw::NoDedupe, "P3 nothing doubled");
}

#[test]
fn sending_the_tail_after_newer_words_would_be_noticed() {
    noticed(Flaw::TailLast, "P2 nothing lost");
}

#[test]
fn an_assistant_that_a_late_event_wakes_would_be_noticed() {
    noticed(Flaw::LateEventUnmutes, "P1 one holder");
}

#[test]
fn forgetting_to_settle_would_be_noticed() {
    noticed(Flaw::NoSettleTime, "P3 nothing doubled");
}

#[test]
fn failing_without_a_last_look_for_a_lost_call_would_be_noticed() {
    noticed_within(Bounds::that_knows_repeats(), Flaw::FailsUnlooked, "P4 the truth");
}

#[test]
fn an_assistant_that_answers_during_the_transfer_would_be_noticed() {
    noticed(Flaw::AnswersMeanwhile, "P6 mute");
}

#[test]
fn words_that_are_not_given_back_after_a_failure_would_be_noticed() {
    noticed(Flaw::ForgetsWords, "P2 nothing lost");
}

#[test]
fn a_dead_node_whose_work_nobody_takes_over_would_be_noticed() {
    noticed(Flaw::NoTakeOver, "P7 survives");
}
