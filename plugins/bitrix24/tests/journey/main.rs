//! The connector against a simulated portal, with everything going wrong that can.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod bridging;
mod leaving;
mod setting_up;
mod talking;
mod world;
