//! The one thread that writes. Changes that arrive together share one flush to the disk.
//!
//! A change is applied within a savepoint, so that one which is refused leaves the others of its
//! group untouched. Nobody is answered before the whole group is on the disk; if it does not get
//! there, all of the group are told so, and the next group begins afresh. One that meets a damaged page is
//! taken out of its group, and the others are made once more without it.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use handoff_core::store::{Result, StoreError};
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{failure::Failure, tidy::Tidy};

/// Changes that may wait at once; who comes later waits in front of the queue.
const QUEUE: usize = 4096;

/// Changes of one group at most.
const GROUP: usize = 512;

/// How long a group waits for a change that is likely to come, because the last group had more.
const GATHER: Duration = Duration::from_micros(200);

/// The way to the writer thread.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Order>>,
    room: Arc<Semaphore>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread is asked to do.
enum Order {
    Change(Box<dyn Change>),
    Tidy(oneshot::Sender<Result<()>>),
}

/// A change whose answer waits for the disk.
trait Change: Send {
    /// Does it, perhaps once more; says why if it must be undone.
    fn apply(&mut self, db: &Connection) -> Option<Applied>;

    /// Answers, once it is known what became of the group.
    fn answer(self: Box<Self>, group: &Result<()>);
}

/// What is to be undone.
enum Applied {
    /// This change.
    Refused,
    /// The whole group, which can be made again without this change.
    Spoilt,
    /// The whole group.
    Lost(String),
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(db: Connection) -> io::Result<Self> {
        let (queue, orders) = mpsc::channel();
        let work = move || Thread { db, tidy: Tidy::new(), expected: 1 }.run(&orders);
        let thread = thread::Builder::new().name("store-writer".into()).spawn(work)?;
        Ok(Self { queue: Some(queue), room: Arc::new(Semaphore::new(QUEUE)), thread: Some(thread) })
    }

    /// Makes a change, all of it or nothing, and returns once it is on the disk.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T>
    where
        F: Fn(&Connection) -> std::result::Result<T, Failure> + Send + 'static,
        T: Send + 'static,
    {
        let room = Arc::clone(&self.room).acquire_owned().await.map_err(|_| closed())?;
        let (reply, answer) = oneshot::channel();
        self.send(Order::Change(Box::new(Write { work: Some(work), done: None, reply, _room: room })))?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Forgets what is old and empties the log.
    pub(super) async fn tidy(&self) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        self.send(Order::Tidy(reply))?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    fn send(&self, order: Order) -> Result<()> {
        self.queue.as_ref().and_then(|queue| queue.send(order).ok()).ok_or_else(closed)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("The thread that writes the database broke off");
        }
    }
}

struct Write<T, F> {
    work: Option<F>,
    done: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
    _room: OwnedSemaphorePermit,
}

impl<T, F> Change for Write<T, F>
where
    F: Fn(&Connection) -> std::result::Result<T, Failure> + Send,
    T: Send,
{
    fn apply(&mut self, db: &Connection) -> Option<Applied> {
        let work = self.work.as_ref()?;
        // A fault of ours in one change must not end the thread on which all others rely.
        let done = catch_unwind(AssertUnwindSafe(|| work(db)))
            .unwrap_or_else(|_| Err(Failure::broken("a change broke off")));
        let undo = match &done {
            Ok(_) => None,
            Err(Failure::Refused(_)) => Some(Applied::Refused),
            Err(Failure::Page(_)) => Some(Applied::Spoilt),
            Err(Failure::Lost(why)) => Some(Applied::Lost(why.clone())),
        };
        if matches!(undo, Some(Applied::Spoilt)) {
            self.work = None;
        }
        self.done = Some(done.map_err(StoreError::from));
        undo
    }

    fn answer(self: Box<Self>, group: &Result<()>) {
        let done = match (group, self.done) {
            (Ok(()), Some(done)) => done,
            (Ok(()), None) => Err(closed()),
            (Err(error), _) => Err(error.clone()),
        };
        // Who asked may have gone; the change stands all the same.
        let _gone = self.reply.send(done);
    }
}

struct Thread {
    db: Connection,
    tidy: Tidy,
    /// Changes that the last group had.
    expected: usize,
}

impl Thread {
    fn run(mut self, orders: &mpsc::Receiver<Order>) {
        loop {
            match orders.recv_timeout(self.tidy.pause()) {
                Ok(Order::Change(first)) => self.group(first, orders),
                Ok(Order::Tidy(reply)) => self.tidy_all(reply),
                Err(mpsc::RecvTimeoutError::Timeout) => self.tidy.idle(&self.db),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        self.tidy.close(&self.db);
    }

    /// Applies changes as they arrive, flushes them together, then answers all.
    fn group(&mut self, first: Box<dyn Change>, orders: &mpsc::Receiver<Order>) {
        let mut group = vec![first];
        let mut tidy = None;
        let outcome = match self.begin() {
            Ok(()) => self.end(self.fill(&mut group, &mut tidy, orders)),
            Err(why) => {
                // Who waits by now would wait for the same fault once more.
                group.extend(orders.try_iter().filter_map(|order| match order {
                    Order::Change(change) => Some(change),
                    Order::Tidy(_) => None,
                }));
                Err(why)
            }
        };
        self.expected = group.len();
        self.tidy.wrote(group.len());
        let outcome = outcome.map_err(StoreError::Unavailable);
        if let Err(error) = &outcome {
            tracing::warn!(changes = group.len(), "The database did not take a group of changes: {error}");
        }
        group.into_iter().for_each(|change| change.answer(&outcome));
        match tidy {
            Some(reply) => self.tidy_all(reply),
            None => self.tidy.busy(&self.db),
        }
    }

    /// Applies the first change and all that follow soon enough.
    fn fill(
        &self,
        group: &mut Vec<Box<dyn Change>>,
        tidy: &mut Option<oneshot::Sender<Result<()>>>,
        orders: &mpsc::Receiver<Order>,
    ) -> std::result::Result<(), String> {
        let patience = Instant::now() + GATHER;
        while let Some(change) = group.last_mut() {
            if !self.apply(change.as_mut())? {
                self.without_spoilt(group)?;
            }
            match self.next(group.len(), patience, orders) {
                Some(Order::Change(change)) => group.push(change),
                Some(Order::Tidy(reply)) => {
                    *tidy = Some(reply);
                    break;
                }
                None => break,
            }
        }
        Ok(())
    }

    /// The next order for this group, if there is one or is likely to be one.
    fn next(&self, size: usize, patience: Instant, orders: &mpsc::Receiver<Order>) -> Option<Order> {
        if size >= GROUP {
            return None;
        }
        match orders.try_recv() {
            Ok(order) => Some(order),
            Err(_) if size < self.expected => {
                orders.recv_timeout(patience.saturating_duration_since(Instant::now())).ok()
            }
            Err(_) => None,
        }
    }

    /// Makes a change; false when it has spoilt the transaction for all.
    fn apply(&self, change: &mut dyn Change) -> std::result::Result<bool, String> {
        self.run_sql("SAVEPOINT one")?;
        match change.apply(&self.db) {
            None => self.run_sql("RELEASE one")?,
            Some(Applied::Lost(why)) => return Err(why),
            Some(Applied::Spoilt) => return Ok(false),
            // SQLite itself ends a transaction after some faults, and the group with it.
            Some(Applied::Refused) if self.db.is_autocommit() => {
                return Err("the transaction broke off".into());
            }
            Some(Applied::Refused) => {
                self.run_sql("ROLLBACK TO one")?;
                self.run_sql("RELEASE one")?;
            }
        }
        Ok(true)
    }

    /// Makes the group again from its beginning. What has spoilt it is done with, so that this comes to an end.
    fn without_spoilt(&self, group: &mut [Box<dyn Change>]) -> std::result::Result<(), String> {
        loop {
            self.begin()?;
            let mut spoilt = false;
            for change in &mut *group {
                spoilt = !self.apply(change.as_mut())?;
                if spoilt {
                    break;
                }
            }
            if !spoilt {
                return Ok(());
            }
        }
    }

    fn begin(&self) -> std::result::Result<(), String> {
        if !self.db.is_autocommit() {
            self.run_sql("ROLLBACK")?;
        }
        self.run_sql("BEGIN IMMEDIATE")
    }

    /// Ends the transaction: on the disk when this is `Ok`, undone when it is not.
    fn end(&self, done: std::result::Result<(), String>) -> std::result::Result<(), String> {
        let done = done.and_then(|()| self.run_sql("COMMIT"));
        if done.is_err() && !self.db.is_autocommit() {
            self.run_sql("ROLLBACK")?;
        }
        done
    }

    fn tidy_all(&mut self, reply: oneshot::Sender<Result<()>>) {
        let _gone = reply.send(self.tidy.all(&self.db).map_err(StoreError::from));
    }

    fn run_sql(&self, sql: &str) -> std::result::Result<(), String> {
        let run = self.db.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
        run.map(|_| ()).map_err(|error| error.to_string())
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".into())
}
