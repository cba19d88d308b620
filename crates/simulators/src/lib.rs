//! Fake live-agent platforms, written from the platforms' public documentation.
//!
//! They speak plain http on a loopback port, answer as the real platforms do, and
//! fail on request. Nothing here is derived from a connector: a connector that
//! misreads the documentation must not find the same misreading in its simulator.
//!
//! Read [`control`] first (what a test can ask of any simulator), then [`faults`]
//! and [`deliveries`], then one platform.

pub mod bitrix24;
pub mod clock;
pub mod control;
pub mod deliveries;
pub mod faults;
pub mod journal;
pub mod zendesk;
