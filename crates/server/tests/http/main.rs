//! The server's edges over a real runtime and a real store; only the platform is made up.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod admin;
mod channel;
mod events;
mod refusals;
mod support;
mod upkeep;
mod webchat;
mod webhooks;
