//! The stage on which whole servers are tested: the real program, the real plugin files, fake
//! platforms in processes of their own, and the persons who chat.
//!
//! A test begins with [`server::Setup`] and a platform ([`zendesk::Zendesk`], [`bitrix24::Bitrix24`]),
//! lets a [`visitor::Visitor`] speak, and looks at what live agents see. Whoever waits here waits for
//! an event, never for a duration; what never happens ends as an error that tells the story so far.
//! `cargo xtask demo` plays on the same stage.

pub mod assistants;
pub mod banking;
pub mod bitrix24;
pub mod books;
pub mod built;
pub mod caller;
pub mod chat;
pub mod debut;
pub mod platform;
pub mod process;
pub mod search;
pub mod server;
pub mod setup;
pub mod visitor;
pub mod web;
pub mod zendesk;

use std::time::Duration;

/// How long anything may take before a test gives up. Generous: two busy cores must not fail a test.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// How long one poll of a server waits for news.
pub const POLL: Duration = Duration::from_secs(10);
/// Pause between two looks at something that offers no waiting.
pub const PACE: Duration = Duration::from_millis(25);

/// Says how far a long test has come, or what it leaves out, to whoever looks at its output.
#[expect(clippy::print_stdout, reason = "tests talk to whoever runs them")]
pub fn note(text: &str) {
    println!("{text}");
}
