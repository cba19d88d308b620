//! The connector against a simulated account: whole handoffs, with every step going wrong in turn.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod account;
mod carrying;
mod crashes;
mod events;
mod faults;
mod refusals;
mod stage;
mod tickets;
mod whole;
