//! Chance: every draw of a run comes from here, in the order in which things happen.

use std::{ops::Range, sync::Arc, time::Duration};

use handoff_core::world::Chance;
use parking_lot::Mutex;
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};

/// Draws from a seed. Clones draw from the same one.
#[derive(Clone)]
pub(crate) struct Dice(Arc<Mutex<StdRng>>);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    pub(crate) fn within(&self, range: Range<u64>) -> u64 {
        self.0.lock().random_range(range)
    }

    /// A duration of so many milliseconds.
    pub(crate) fn ms(&self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.within(range))
    }

    /// True in so many cases of a thousand.
    pub(crate) fn per_mille(&self, share: u64) -> bool {
        self.within(0..1000) < share
    }

    pub(crate) fn pick<T: Clone>(&self, choices: &[T]) -> T {
        choices[self.within(0..choices.len() as u64) as usize].clone()
    }
}

impl Chance for Dice {
    fn next(&self) -> u64 {
        self.0.lock().next_u64()
    }
}
