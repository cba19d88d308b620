//! Tells a connector at work from one that keeps its thread for itself.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use handoff_model::ConnectorId;
use tracing::warn;

/// A connector that keeps its thread longer than this at a time delays its other calls.
const SLOW: Duration = Duration::from_millis(200);

/// Counts when a connector takes and gives back its thread: odd while it has it.
#[derive(Debug, Default)]
pub(super) struct Pulse(AtomicU64);

impl Pulse {
    /// Runs code of the connector.
    pub(super) fn during<T>(&self, connector: &ConnectorId, work: impl FnOnce() -> T) -> T {
        let _beat = Beat::new(self, connector);
        work()
    }
}

struct Beat<'a> {
    pulse: &'a Pulse,
    connector: &'a ConnectorId,
    since: Instant,
}

impl<'a> Beat<'a> {
    fn new(pulse: &'a Pulse, connector: &'a ConnectorId) -> Self {
        pulse.0.fetch_add(1, Ordering::SeqCst);
        Self { pulse, connector, since: Instant::now() }
    }
}

impl Drop for Beat<'_> {
    fn drop(&mut self) {
        self.pulse.0.fetch_add(1, Ordering::SeqCst);
        let (took, connector) = (self.since.elapsed(), self.connector);
        if took > SLOW {
            warn!(%connector, ms = took.as_millis(), "Connector {connector} kept its thread for {} ms", took.as_millis());
        }
    }
}

/// How long the same beat has been seen. Only the watcher's own time counts: when the whole process
/// was stopped, nobody hung.
#[derive(Debug, Default)]
pub(super) struct Stillness {
    beat: u64,
    lasted: Duration,
}

impl Stillness {
    pub(super) fn look(&mut self, pulse: &Pulse, passed: Duration) -> Duration {
        let beat = pulse.0.load(Ordering::SeqCst);
        let busy = beat % 2 == 1;
        self.lasted = if busy && beat == self.beat { self.lasted + passed } else { Duration::ZERO };
        self.beat = beat;
        self.lasted
    }
}

/// A future of the connector, under watch.
pub(super) struct Watched<F> {
    pub(super) inner: Pin<Box<F>>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) connector: ConnectorId,
}

impl<F: Future> Future for Watched<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        this.pulse.during(&this.connector, || this.inner.as_mut().poll(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_unbroken_beat_adds_up() {
        let (pulse, id, tick) = (Pulse::default(), ConnectorId::new("x"), Duration::from_millis(50));
        let mut stillness = Stillness::default();
        assert_eq!(stillness.look(&pulse, tick), Duration::ZERO, "idle");
        pulse.during(&id, || {
            assert_eq!(stillness.look(&pulse, tick), Duration::ZERO, "seen for the first time");
            assert_eq!(stillness.look(&pulse, tick), tick);
            assert_eq!(stillness.look(&pulse, tick), tick * 2);
        });
        pulse.during(&id, || assert_eq!(stillness.look(&pulse, tick), Duration::ZERO, "another beat"));
        assert_eq!(stillness.look(&pulse, tick), Duration::ZERO, "idle again");
    }
}
