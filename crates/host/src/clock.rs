//! The world's time and the world's chance.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use handoff_core::world::{Chance, Clock};
use handoff_model::Timestamp;

/// 2026-01-01 00:00 UTC, in seconds since 1970. From here a faster clock runs away from the world's, so that
/// it shows the same time again after a restart.
const ANCHOR: u64 = 1_767_225_600;

/// The world's time, or for tests a multiple of it.
pub(crate) struct WorldClock {
    factor: u32,
}

impl WorldClock {
    pub(crate) fn new(factor: u32) -> Self {
        Self { factor: factor.max(1) }
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
        Timestamp(i64::try_from(shown.as_millis()).unwrap_or(i64::MAX))
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
