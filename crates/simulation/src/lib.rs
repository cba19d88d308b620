//! The whole server, both platforms, the network and everybody who writes, in one thread, from one seed.
//!
//! The code under test is the one that ships: the runtime, the connectors, and what the host does for connectors. What
//! is an argument to them is played here: time, chance, the store's disk, the network. Time stands still while anybody
//! has something to do, and then jumps to the next thing that is due, so that an hour passes in a second. The same
//! seed gives the same run, to the last byte.
//!
//! Read [`plan`] first, which says what a seed may draw, then `play`, which plays it, `storm` and `network`, where
//! things go wrong, and `auditor` and `books`, where the promises are checked.

#![cfg(feature = "connectors")]

mod agent;
mod archive;
mod auditor;
mod books;
mod chance;
mod cluster;
mod desk;
mod flaw;
mod network;
mod person;
pub mod plan;
mod play;
mod power;
mod rows;
mod storm;
mod story;
mod switchboard;
mod time;

pub use flaw::Flaw;
pub use play::{Report, restore, simulate, stumble};
