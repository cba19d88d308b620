//! The leaky bucket in front of the REST API, and what a portal's requests come to when they are held against it.

use serde::Serialize;

use super::settings::Settings;

/// How much a portal's plan allows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    /// Requests that leak away in one simulated second.
    pub(super) per_second: f64,
    /// Requests the bucket holds.
    pub(super) capacity: f64,
}

/// The documented rate of ordinary plans.
pub(super) const ORDINARY: Rate = Rate { per_second: 2.0, capacity: 50.0 };

/// The documented rate of the Enterprise plan.
pub(super) const ENTERPRISE: Rate = Rate { per_second: 5.0, capacity: 250.0 };

impl Rate {
    /// The rate of the portal's plan.
    pub(super) fn of(settings: &Settings) -> Self {
        if settings.enterprise { ENTERPRISE } else { ORDINARY }
    }
}

/// A bucket with requests in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Bucket {
    level: f64,
    at_ms: i64,
}

impl Bucket {
    /// Puts one request in, or returns false when there is no room.
    pub(super) fn pour(&mut self, rate: Rate, now_ms: i64) -> bool {
        let passed = (now_ms - self.at_ms).max(0) as f64 / 1000.0;
        self.level = (self.level - passed * rate.per_second).max(0.0);
        self.at_ms = now_ms;
        if self.level + 1.0 > rate.capacity {
            return false;
        }
        self.level += 1.0;
        true
    }

    /// How many requests are in it, as of the last one.
    pub(super) fn level(&self) -> f64 {
        self.level
    }
}

/// How near somebody came to a portal's rate.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Load {
    /// Requests in all.
    requests: usize,
    /// Most requests that were in the bucket; more than it holds, had all been let in.
    highest: f64,
    /// Requests for which there was no room.
    above: usize,
}

/// Pours requests that arrived at these times, in order, into a bucket that overflows instead of refusing.
pub(super) fn load(rate: Rate, arrivals: impl IntoIterator<Item = i64>) -> Load {
    let bottomless = Rate { capacity: f64::INFINITY, ..rate };
    let (mut bucket, mut load) = (Bucket::default(), Load::default());
    for at_ms in arrivals {
        bucket.pour(bottomless, at_ms);
        load.requests += 1;
        load.highest = load.highest.max(bucket.level());
        load.above += usize::from(bucket.level() > rate.capacity);
    }
    load
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poured(rate: Rate, bucket: &mut Bucket, times: usize, now_ms: i64) -> usize {
        (0..times).filter(|_| bucket.pour(rate, now_ms)).count()
    }

    #[test]
    fn a_full_bucket_refuses_until_it_has_leaked() {
        for (rate, at_once, in_ten_seconds) in [(ORDINARY, 50, 20), (ENTERPRISE, 250, 50)] {
            let mut bucket = Bucket::default();
            assert_eq!(poured(rate, &mut bucket, 300, 1_000_000), at_once);
            assert_eq!(poured(rate, &mut bucket, 300, 1_010_000), in_ten_seconds);
        }
    }

    #[test]
    fn whoever_comes_too_fast_is_counted_and_whoever_waits_is_not() {
        let at_once = std::iter::repeat_n(1_000_000, 53);
        assert_eq!(load(ORDINARY, at_once.clone()), Load { requests: 53, highest: 53.0, above: 3 });
        assert_eq!(load(ENTERPRISE, at_once), Load { requests: 53, highest: 53.0, above: 0 });
        let waits = (0..200).map(|n| 1_000_000 + n * 500);
        assert_eq!(load(ORDINARY, waits), Load { requests: 200, highest: 1.0, above: 0 });
    }
}
