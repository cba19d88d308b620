//! A lane: one thread with a runtime of its own, on which one connector runs.
//!
//! Whatever a connector does to its thread, no other thread waits for it. A lane whose connector
//! keeps the thread busy is given up, and a new lane with new connector objects takes its place.

mod job;
mod pulse;
mod sitting;
mod thread;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        mpsc as ready,
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};
use tracing::error;

use self::pulse::{Pulse, Stillness};
use super::{Limits, World, account::Account, load::Image};

pub(super) use job::Job;

/// How long a lane must have existed before it is replaced because its thread ended: when threads
/// cannot be had, trying again at once does not help.
const REPLACED_AFTER: Duration = Duration::from_secs(1);

/// What a lane runs.
pub(super) struct Crew {
    pub(super) image: Image,
    pub(super) accounts: Vec<Arc<Account>>,
    pub(super) world: World,
    pub(super) allow_loopback: bool,
    pub(super) limits: Limits,
    /// Threads of this connector that have not ended, with those that hang.
    pub(super) threads: AtomicUsize,
    /// Processes of this connector that ended.
    pub(super) ends: AtomicU64,
    /// Whether the kernel confines its process.
    pub(super) confined: AtomicBool,
}

/// The near end of a lane.
pub(super) struct Lane {
    queue: mpsc::Sender<Job>,
    abandoned: watch::Sender<bool>,
    pulse: Arc<Pulse>,
    stillness: Mutex<Stillness>,
    since: Instant,
}

impl Lane {
    /// Starts a lane. The second value hears when its connectors are made.
    pub(super) fn start(crew: &Arc<Crew>) -> (Arc<Self>, ready::Receiver<()>) {
        let (queue, jobs) = mpsc::channel(crew.limits.queue.max(1));
        let (abandoned, stop) = watch::channel(false);
        let (made, ready) = ready::channel();
        let pulse = Arc::new(Pulse::default());
        let id = &crew.image.manifest.id;
        let body = {
            let (crew, pulse) = (crew.clone(), pulse.clone());
            move || {
                let counted = Counted::new(crew);
                thread::run(&counted.0, jobs, stop, pulse, made);
            }
        };
        // Without a thread the queue has no far end, and every call is answered accordingly.
        if let Err(error) = std::thread::Builder::new().name(format!("connector-{id}")).spawn(body) {
            error!(connector = %id, "No thread for connector {id}: {error}");
        }
        let (stillness, since) = (Mutex::default(), Instant::now());
        (Arc::new(Self { queue, abandoned, pulse, stillness, since }), ready)
    }

    /// Hands a job in; the reason when the lane does not take it.
    pub(super) fn submit(&self, job: Job) -> Result<(), &'static str> {
        if self.is_abandoned() {
            return Err("it hangs; restart the server if that does not pass");
        }
        self.queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => "too many calls wait for it",
            mpsc::error::TrySendError::Closed(_) => "its thread has ended and is being started anew",
        })
    }

    /// Waits until the lane is given up.
    pub(super) async fn until_abandoned(&self) {
        // The sender lives as long as this borrow, so the wait cannot fail.
        let _ = self.abandoned.subscribe().wait_for(|abandoned| *abandoned).await;
    }

    /// Whether the lane was given up.
    pub(super) fn is_abandoned(&self) -> bool {
        *self.abandoned.borrow()
    }

    /// Whether another lane should take this one's place.
    pub(super) fn is_over(&self) -> bool {
        self.is_abandoned() || (self.queue.is_closed() && self.since.elapsed() >= REPLACED_AFTER)
    }

    /// Gives the lane up: whoever waits for an answer stops waiting, and the thread ends when it can.
    pub(super) fn abandon(&self) {
        self.abandoned.send_replace(true);
    }

    /// How long the connector has kept the thread to itself without a break, told that `passed` has
    /// gone by since the last look.
    pub(super) fn busy_for(&self, passed: Duration) -> Duration {
        self.stillness.lock().look(&self.pulse, passed)
    }
}

/// Counts a thread for as long as it runs.
struct Counted(Arc<Crew>);

impl Counted {
    fn new(crew: Arc<Crew>) -> Self {
        crew.threads.fetch_add(1, Ordering::SeqCst);
        Self(crew)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.threads.fetch_sub(1, Ordering::SeqCst);
    }
}
