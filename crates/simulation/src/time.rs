//! Time: the runtime's own, which stands still while anybody has something to do.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use futures::future::BoxFuture;
use handoff_core::world::Clock;
use handoff_model::Timestamp;
use tokio::time::Instant;

/// When every run begins, in milliseconds since the Unix epoch.
pub(crate) const BEGAN: i64 = 1_790_000_000_000;

/// The clock of the server's machine. Clones are the same clock.
#[derive(Clone)]
pub(crate) struct Time {
    began: Instant,
    /// How much the machine's clock was set, in milliseconds.
    set: Arc<AtomicI64>,
}

impl Time {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), set: Arc::default() }
    }

    /// Somebody sets the clock.
    pub(crate) fn jump(&self, milliseconds: i64) {
        self.set.fetch_add(milliseconds, Ordering::SeqCst);
    }

    /// What has really passed.
    pub(crate) fn passed(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Clock for Time {
    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.passed().as_millis()).unwrap_or(i64::MAX);
        Timestamp(BEGAN + passed + self.set.load(Ordering::SeqCst))
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(wait))
    }
}
