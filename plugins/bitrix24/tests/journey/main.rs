//! The connector against a simulated portal, with everything going wrong that can.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]
#![expect(clippy::print_stdout, reason = "a campaign says what it counted")]

mod bridging;
mod campaign;
mod leaving;
mod older_bots;
mod raw;
mod raw_bots;
mod setting_up;
mod talking;
mod world;
