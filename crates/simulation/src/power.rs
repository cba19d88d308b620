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

use tokio::sync::watch;

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
    standing: Arc<watch::Sender<Standing>>,
    /// Gates until it dies; none when negative.
    fuse: Arc<AtomicI64>,
    /// Times that it takes work until it stands still with it in its hands; none when negative.
    stumble: Arc<AtomicI64>,
}

/// How long a process stands still that stumbles: longer than it holds its work.
const STILL: Duration = Duration::from_secs(200);

impl Power {
    pub(crate) fn on() -> Self {
        let standing = Arc::new(watch::Sender::new(Standing::Running));
        Self { standing, fuse: Arc::new(AtomicI64::new(-1)), stumble: Arc::new(AtomicI64::new(-1)) }
    }

    pub(crate) fn set(&self, standing: Standing) {
        self.standing.send_if_modified(|now| {
            let changes = *now != Standing::Dead && *now != standing;
            if changes {
                *now = standing;
            }
            changes
        });
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
        *self.standing.borrow() == Standing::Running
    }

    /// Waits until it is dead.
    pub(crate) async fn until_dead(&self) {
        let mut standing = self.standing.subscribe();
        if standing.wait_for(|now| *now == Standing::Dead).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Lets a running process pass.
    pub(crate) async fn gate(&self) {
        if self.fuse.load(Ordering::SeqCst) >= 0 && self.fuse.fetch_sub(1, Ordering::SeqCst) == 0 {
            self.set(Standing::Dead);
        }
        let mut standing = self.standing.subscribe();
        if standing.wait_for(|now| *now == Standing::Running).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
