//! The world's time and the world's chance.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use handoff_core::world::{Chance, Clock};
use handoff_model::Timestamp;

use crate::config::ClockConfig;

/// 2026-01-01 00:00 UTC, in seconds since 1970. From here a faster clock runs away from the world's, so that
/// it shows the same time again after a restart.
const ANCHOR: u64 = 1_767_225_600;

/// The world's time, or for tests a multiple of it, or another time.
pub(crate) struct WorldClock {
    factor: u32,
    ahead_ms: i64,
}

impl WorldClock {
    pub(crate) fn new(config: &ClockConfig) -> Self {
        Self { factor: config.factor.max(1), ahead_ms: config.ahead_seconds.saturating_mul(1_000) }
    }
}

impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let anchor = Duration::from_secs(ANCHOR);
        let shown = match self.factor {
            1 => now,
            factor => anchor + now.saturating_sub(anchor) * factor,
        };
        Timestamp(i64::try_from(shown.as_millis()).unwrap_or(i64::MAX).saturating_add(self.ahead_ms))
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(wait / self.factor))
    }
}

/// The system's source of chance.
pub(crate) struct WorldChance;

impl Chance for WorldChance {
    fn next(&self) -> u64 {
        getrandom::u64().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The time that a clock shows, in seconds from now.
    fn shown(factor: u32, ahead_seconds: i64) -> i64 {
        let now = |factor, ahead_seconds| WorldClock::new(&ClockConfig { factor, ahead_seconds }).now();
        (now(factor, ahead_seconds).0 - now(factor, 0).0) / 1_000
    }

    #[test]
    fn a_clock_that_is_set_shows_another_time_however_fast_it_runs() {
        for factor in [1, 20] {
            for ahead in [90, -90] {
                let off = shown(factor, ahead) - ahead;
                assert!(off.abs() <= 5, "{factor} {ahead}: {off}");
            }
        }
    }
}
