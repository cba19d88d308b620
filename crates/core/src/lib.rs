//! The product without its edges: what an assistant is, how a chat with it goes, and how a chat leaves.
//!
//! `assistant`, `engine`, `session` and `handoff` are plain functions of their arguments, and so is `audit`, which proves
//! on stored rows what they promise. `runtime` performs what they decide, `plugins` runs connectors, `connections` says for which accounts, `store` says what is kept.

pub mod assistant;
pub mod audit;
pub mod connections;
pub mod engine;
pub mod handoff;
pub mod plugins;
pub mod runtime;
pub mod session;
pub mod store;
pub mod world;
