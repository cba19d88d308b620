//! Journeys through the fake Zendesk, over http, as a bot and its webhook see it.

#![expect(clippy::unwrap_used, reason = "a test that meets a surprise shall stop there")]

mod account;
mod faults;
mod harness;
mod live_agent;
mod messages;
mod support;
mod switchboard;
mod webhooks;
