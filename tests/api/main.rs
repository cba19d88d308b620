//! The HTTP API: what clients are answered when something is wrong, and when the disk is full.

mod access;
mod disk;
mod messages;

use anyhow::Result;
use handoff_tests::{server::Server, setup::Setup, web::Answer};

/// A running server with the connector `loopback`.
async fn serving() -> Result<Server> {
    Server::start(Setup::new()?.with_loopback(false).with_plugins(&["loopback"])).await
}

/// Asserts that an answer is a problem document with this status and a sentence with this word.
fn problem(answer: &Answer, status: u16, word: &str, context: &str) {
    let text = answer.text();
    assert_eq!(answer.status, status, "{context}: {text}");
    assert_eq!(answer.media_type, "application/problem+json", "{context}: {text}");
    let document = answer.json();
    assert_eq!(document["status"], status, "{context}: {text}");
    for member in ["type", "title", "detail"] {
        assert!(document[member].as_str().is_some_and(|text| !text.is_empty()), "{context}: {text}");
    }
    let said = document["detail"].as_str().unwrap_or_default();
    assert!(said.contains(word), "{context}: {word:?} is missing in {said:?}");
    assert!(said.ends_with('.'), "{context}: no sentence: {said:?}");
}
