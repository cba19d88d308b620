//! Simulated time: the wall clock at start, running a chosen number of times faster.
//!
//! Every wait of a simulator (retry spacing, expiry, queues) goes through here, so
//! that a test can live through fifteen minutes of redelivery in a second.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// A clock that runs `factor` times faster than the real one.
#[derive(Debug, Clone)]
pub struct Clock {
    factor: f64,
    began: Instant,
    began_ms: i64,
}

impl Clock {
    /// A clock showing the present wall time. A factor that is not a positive number counts as 1.
    pub fn new(factor: f64) -> Self {
        let factor = if factor.is_finite() && factor > 0.0 { factor } else { 1.0 };
        Self { factor, ..Self::starting(Timestamp::now().as_millisecond()) }
    }

    /// A clock that shows this many milliseconds since the Unix epoch now, and runs as the runtime's time does: where
    /// that stands still until something is due, so does this.
    pub fn starting(began_ms: i64) -> Self {
        Self { factor: 1.0, began: Instant::now(), began_ms }
    }

    /// Simulated milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> i64 {
        let elapsed = self.began.elapsed().as_secs_f64() * self.factor * 1000.0;
        self.began_ms + elapsed as i64
    }

    /// Simulated time as `YYYY-MM-DDThh:mm:ss.SSSZ`.
    pub fn now_iso(&self) -> String {
        iso(self.now_ms())
    }

    /// The real time that a simulated duration takes.
    pub fn real(&self, simulated: Duration) -> Duration {
        Duration::from_secs_f64(simulated.as_secs_f64() / self.factor)
    }

    /// Sleeps for a simulated duration.
    pub async fn sleep(&self, simulated: Duration) {
        tokio::time::sleep(self.real(simulated)).await;
    }
}

/// Milliseconds since the Unix epoch as `YYYY-MM-DDThh:mm:ss.SSSZ`.
pub fn iso(ms: i64) -> String {
    let at = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_clock_divides_waits_by_its_factor() {
        let clock = Clock::new(60.0);
        assert_eq!(clock.real(Duration::from_secs(900)), Duration::from_secs(15));
    }

    #[test]
    fn a_senseless_factor_counts_as_one() {
        assert_eq!(Clock::new(-3.0).real(Duration::from_secs(2)), Duration::from_secs(2));
    }

    #[test]
    fn time_is_written_with_milliseconds() {
        assert_eq!(iso(1_601_478_869_834), "2020-09-30T15:14:29.834Z");
    }
}
