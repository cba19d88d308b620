//! The leaky bucket in front of the REST API.

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
}
