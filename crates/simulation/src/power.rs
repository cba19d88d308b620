//! Whether a process runs, stands still, or is dead.
//!
//! Everything that a node does in the world passes a gate, before and after. A dead node stays in front of its gate
//! for ever; one that stands still goes on when it wakes up, with everything as it was.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// How a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Running,
    Stopped,
    Dead,
}

/// The power of one process.
#[derive(Clone)]
pub(crate) struct Power {
    standing: Arc<Mutex<Standing>>,
    /// Wakes whoever waits for another standing, in the order in which they came. (Tokio's `watch` would wake them in an
    /// order of its own chance, and a seed would not be one run.)
    changed: Arc<Notify>,
    /// Gates until it dies; none when negative.
    fuse: Arc<AtomicI64>,
    /// Times that it takes work until it stands still with it in its hands; none when negative.
    stumble: Arc<AtomicI64>,
}

/// How long a process stands still that stumbles: longer than it holds its work.
const STILL: Duration = Duration::from_secs(200);

impl Power {
    pub(crate) fn on() -> Self {
        let none = || Arc::new(AtomicI64::new(-1));
        let standing = Arc::new(Mutex::new(Standing::Running));
        Self { standing, changed: Arc::default(), fuse: none(), stumble: none() }
    }

    pub(crate) fn set(&self, standing: Standing) {
        let mut now = self.standing.lock();
        if *now != Standing::Dead && *now != standing {
            *now = standing;
            self.changed.notify_waiters();
        }
    }

    /// Waits until it stands like this.
    async fn until(&self, standing: Standing) {
        loop {
            let changed = self.changed.notified();
            if *self.standing.lock() == standing {
                return;
            }
            changed.await;
        }
    }

    /// It dies at the gate after so many others.
    pub(crate) fn light_fuse(&self, gates: u64) {
        self.fuse.store(i64::try_from(gates).unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    /// After it took work so many times, it stands still with the next in its hands, and goes on later as if nothing had
    /// been.
    pub(crate) fn stumble_after(&self, times: u64) {
        self.stumble.store(i64::try_from(times).unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    /// It took work.
    pub(crate) fn took_work(&self) {
        if self.stumble.load(Ordering::SeqCst) < 0 || self.stumble.fetch_sub(1, Ordering::SeqCst) > 0 {
            return;
        }
        self.set(Standing::Stopped);
        let power = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(STILL).await;
            power.set(Standing::Running);
        });
    }

    /// Whether it has stumbled.
    pub(crate) fn has_stumbled(&self) -> bool {
        self.stumble.load(Ordering::SeqCst) < 0
    }

    pub(crate) fn is_running(&self) -> bool {
        *self.standing.lock() == Standing::Running
    }

    /// Waits until it is dead.
    pub(crate) async fn until_dead(&self) {
        self.until(Standing::Dead).await;
    }

    /// Lets a running process pass.
    pub(crate) async fn gate(&self) {
        if self.fuse.load(Ordering::SeqCst) >= 0 && self.fuse.fetch_sub(1, Ordering::SeqCst) == 0 {
            self.set(Standing::Dead);
        }
        self.until(Standing::Running).await;
    }
}
