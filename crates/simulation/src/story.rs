//! What happened: counted, and hashed, so that two runs of one seed can be compared; and what went against a promise.

use std::{
    collections::VecDeque,
    fmt::Display,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use handoff_core::world::Clock;
use handoff_model::Timestamp;
use parking_lot::Mutex;

use crate::time::Time;

/// Lines that are kept for whoever wants to know what led to a violation.
const LAST: usize = 60;

/// The story of a run. Clones are the same story.
#[derive(Clone)]
pub(crate) struct Story {
    time: Time,
    told: Arc<Mutex<Told>>,
}

#[derive(Default)]
struct Told {
    hasher: DefaultHasher,
    events: u64,
    faults: u64,
    lines: VecDeque<String>,
    loud: bool,
    violations: Vec<String>,
}

impl Story {
    /// With `loud`, every event is printed.
    pub(crate) fn new(time: Time, loud: bool) -> Self {
        Self { time, told: Arc::new(Mutex::new(Told { loud, ..Told::default() })) }
    }

    /// What the machine's clock says.
    pub(crate) fn now(&self) -> Timestamp {
        self.time.now()
    }

    /// Something happened.
    pub(crate) fn tell(&self, what: impl Display) {
        let line = format!("{:>10.3} {what}", self.time.passed().as_secs_f64());
        let mut told = self.told.lock();
        line.hash(&mut told.hasher);
        told.events += 1;
        if told.loud {
            handoff_tests::note(&line);
        }
        if told.lines.len() >= LAST {
            told.lines.pop_front();
        }
        told.lines.push_back(line);
    }

    /// Something was made to go wrong.
    pub(crate) fn fault(&self, what: impl Display) {
        self.tell(format_args!("FAULT {what}"));
        self.told.lock().faults += 1;
    }

    /// Something is not as promised. The first few are kept.
    pub(crate) fn violates(&self, promise: &str, what: impl Display) {
        self.tell(format_args!("VIOLATION of {promise}: {what}"));
        let mut told = self.told.lock();
        if told.violations.len() < 5 {
            told.violations.push(format!("{promise}: {what}"));
        }
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        self.told.lock().violations.clone()
    }

    pub(crate) fn last_lines(&self) -> Vec<String> {
        self.told.lock().lines.iter().cloned().collect()
    }

    /// Events, faults, and the hash of everything.
    pub(crate) fn sums(&self) -> (u64, u64, u64) {
        let told = self.told.lock();
        (told.events, told.faults, told.hasher.finish())
    }
}
