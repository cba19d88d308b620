//! The command line: what operators and authors are told when something is wrong.

mod assistants;
mod configuration;
mod conformance;
mod doctor;
mod expressions;
mod reading;

use anyhow::Result;
use handoff_tests::{
    server::{Server, Told},
    setup::Setup,
};

/// A server that does not run, with the connector `loopback`.
fn quiet() -> Result<Server> {
    Server::prepare(Setup::new()?.with_loopback(false).with_plugins(&["loopback"]))
}

/// Asserts that a command failed as wrong input does: exit code 1, one readable complaint with these
/// words, and no sign of a crash.
fn complains(told: &Told, words: &[&str], context: &str) {
    let said = format!("{}{}", told.out, told.err);
    assert_eq!(told.code, Some(1), "{context}: {told:?}");
    for word in words {
        assert!(said.contains(word), "{context}: {word:?} is missing in {said}");
    }
    assert!(!said.contains("panicked") && !said.contains("RUST_BACKTRACE"), "{context}: {said}");
}
