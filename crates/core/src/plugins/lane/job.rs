//! One call on its way through a lane.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use handoff_model::ConnectionId;
use tokio::sync::oneshot;

use crate::plugins::answer::Outcome;

const WAITING: u8 = 0;
const BEGUN: u8 = 1;
const CANCELLED: u8 = 2;

/// A call that waits for its turn.
pub(in crate::plugins) struct Job {
    pub(super) connection: ConnectionId,
    pub(super) verb: &'static str,
    pub(super) payload: Vec<u8>,
    pub(super) answer: oneshot::Sender<Outcome>,
    progress: Arc<AtomicU8>,
}

/// What the caller keeps of a job. Dropping it cancels the call.
pub(in crate::plugins) struct Ticket {
    /// Where the answer comes.
    pub(in crate::plugins) answer: oneshot::Receiver<Outcome>,
    progress: Arc<AtomicU8>,
}

impl Job {
    pub(in crate::plugins) fn new(
        connection: ConnectionId,
        verb: &'static str,
        payload: Vec<u8>,
    ) -> (Self, Ticket) {
        let (sender, answer) = oneshot::channel();
        let progress = Arc::new(AtomicU8::new(WAITING));
        let ticket = Ticket { answer, progress: progress.clone() };
        (Self { connection, verb, payload, answer: sender, progress }, ticket)
    }

    /// The job's turn has come; false when the caller gave it up before.
    pub(super) fn begin(&self) -> bool {
        let taken = self.progress.compare_exchange(WAITING, BEGUN, Ordering::SeqCst, Ordering::SeqCst);
        taken.is_ok() && !self.answer.is_closed()
    }
}

impl Ticket {
    /// Gives the job up; true when its turn had not come, and now never will.
    pub(in crate::plugins) fn cancel(&self) -> bool {
        self.progress.compare_exchange(WAITING, CANCELLED, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}
