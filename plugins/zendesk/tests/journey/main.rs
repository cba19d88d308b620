//! The connector against a simulated account: whole handoffs, with every step going wrong in turn.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod account;
mod campaign;
mod carrying;
mod crashes;
mod events;
mod faults;
mod native;
mod refusals;
mod schemas;
mod stage;
mod team;
mod tickets;
mod whole;
