//! One end of the socket between the server and a worker. Both ends are alike: each asks, answers, tells,
//! and takes an ask back when nobody waits for its answer.

use std::{
    any::Any,
    collections::HashMap,
    io,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};

use futures::{FutureExt, future::BoxFuture};
use handoff_abi::{AbiError, Reply, abi_stable::std_types::RResult};
use parking_lot::Mutex;
use serde_json::json;
use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::UnixStream,
    sync::{mpsc, oneshot},
    task::AbortHandle,
};

use super::frame::{Frame, Kind};
use crate::plugins::answer::MAX_PAYLOAD;

/// Asks of the other side that are under way at once; further ones are refused.
const MAX_ASKS: usize = 1024;
/// Notes that wait to be written; further ones are dropped.
const MAX_NOTES: usize = 1024;
/// Largest note, in bytes.
const MAX_NOTE: usize = 128 * 1024;
/// Written at once, in bytes.
const BATCH: usize = 256 * 1024;

/// Answers the other side's asks and takes what it tells.
pub(super) trait Answers: Send + Sync + 'static {
    /// Performs what is asked of a seat.
    fn ask(&self, seat: u32, name: &str, body: Vec<u8>) -> BoxFuture<'static, Reply>;

    /// Takes what was told in a seat's name.
    fn told(&self, seat: u32, number: u64, name: &str, body: Vec<u8>);
}

/// The server's time in milliseconds since 1970, for the frames that it writes.
pub(super) type Time = Arc<dyn Fn() -> u64 + Send + Sync>;

/// One end.
pub(super) struct Peer {
    outgoing: mpsc::UnboundedSender<Frame>,
    next: AtomicU64,
    /// Who waits for answers; none when the other side is gone, then with the reason.
    waiting: Mutex<Result<HashMap<u64, oneshot::Sender<Reply>>, String>>,
    heard: AtomicU64,
    notes: AtomicUsize,
    /// The other side's time when it last wrote, and ours then.
    now: Mutex<(u64, Instant)>,
}

/// What is written, in order.
pub(super) type Outgoing = mpsc::UnboundedReceiver<Frame>;

impl Peer {
    pub(super) fn new() -> (Arc<Self>, Outgoing) {
        let (outgoing, written) = mpsc::unbounded_channel();
        let peer = Self {
            outgoing,
            next: AtomicU64::new(1),
            waiting: Mutex::new(Ok(HashMap::new())),
            heard: AtomicU64::new(0),
            notes: AtomicUsize::new(0),
            now: Mutex::new((0, Instant::now())),
        };
        (Arc::new(peer), written)
    }

    /// Asks the other side. Dropping the future takes the ask back.
    pub(super) fn ask(
        self: &Arc<Self>,
        seat: u32,
        name: &str,
        body: Vec<u8>,
    ) -> impl Future<Output = Reply> + Send + 'static {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let asked = match &mut *self.waiting.lock() {
            Ok(_) if body.len() > MAX_PAYLOAD => Err(failed(400, "the request is larger than 16 MiB")),
            Ok(waiting) => {
                let (answer, answered) = oneshot::channel();
                waiting.insert(id, answer);
                self.send(Frame::new(Kind::Ask, id, seat, name, body));
                Ok((answered, Asked { peer: self.clone(), id }))
            }
            Err(reason) => Err(failed(503, reason)),
        };
        async move {
            match asked {
                // The sender is dropped only after an answer was given or the end was written down.
                Ok((answered, asked)) => match answered.await {
                    Ok(reply) => reply,
                    Err(_) => failed(500, &asked.peer.gone().unwrap_or_default()),
                },
                Err(refused) => refused,
            }
        }
    }

    /// Tells the other side; dropped when too much waits already.
    pub(super) fn tell(&self, seat: u32, number: u64, name: &str, body: Vec<u8>) {
        let waiting = self.notes.load(Ordering::Relaxed);
        if body.len() <= MAX_NOTE && waiting < MAX_NOTES {
            self.notes.fetch_add(1, Ordering::Relaxed);
            self.send(Frame::new(Kind::Tell, number, seat, name, body));
        }
    }

    /// Asks for a sign of life.
    pub(super) fn ping(&self) {
        self.send(Frame::new(Kind::Ping, 0, 0, "", Vec::new()));
    }

    /// How many frames came so far.
    pub(super) fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// Whether answers are waited for.
    pub(super) fn waits(&self) -> bool {
        self.waiting.lock().as_ref().is_ok_and(|waiting| !waiting.is_empty())
    }

    /// The other side's time when it last wrote, and what has passed since.
    pub(super) fn now(&self) -> u64 {
        let (told, at) = *self.now.lock();
        told.saturating_add(u64::try_from(at.elapsed().as_millis()).unwrap_or(0))
    }

    /// The other side is gone: whoever waits is told that nobody knows what became of the call.
    pub(super) fn close(&self, reason: &str) {
        let before = std::mem::replace(&mut *self.waiting.lock(), Err(reason.to_owned()));
        for answer in before.into_iter().flat_map(HashMap::into_values) {
            // Whoever left meanwhile does not mind.
            drop(answer.send(failed(500, reason)));
        }
    }

    fn gone(&self) -> Option<String> {
        self.waiting.lock().as_ref().err().cloned()
    }

    fn send(&self, frame: Frame) {
        // Without a writer the other side is gone, and `close` tells everybody.
        drop(self.outgoing.send(frame));
    }

    /// Reads until the other side is gone.
    pub(super) async fn serve(
        self: &Arc<Self>,
        stream: UnixStream,
        outgoing: Outgoing,
        time: Option<Time>,
        answers: Arc<dyn Answers>,
    ) -> io::Result<()> {
        let (reading, writing) = stream.into_split();
        let writer = tokio::spawn(write(self.clone(), writing, outgoing, time));
        let mut reading = BufReader::with_capacity(64 * 1024, reading);
        let mut asks = Asks::default();
        let end = loop {
            match Frame::read(&mut reading).await {
                Ok(Some(frame)) => self.take(frame, &mut asks, &answers),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        writer.abort();
        end
    }

    fn take(self: &Arc<Self>, frame: Frame, asks: &mut Asks, answers: &Arc<dyn Answers>) {
        self.heard.fetch_add(1, Ordering::Relaxed);
        if frame.now > 0 {
            *self.now.lock() = (frame.now, Instant::now());
        }
        let Frame { kind, id, number, name, body, .. } = frame;
        match kind {
            Kind::Ask => self.perform(id, asks, answers, number, &name, body),
            Kind::Done => self.answered(id, RResult::ROk(body.into())),
            Kind::Failed => {
                self.answered(id, RResult::RErr(AbiError { code: number, body: body.into() }));
            }
            Kind::Cancel => asks.stop(id),
            Kind::Tell => answers.told(number, id, &name, body),
            Kind::Ping => self.send(Frame::new(Kind::Pong, 0, 0, "", Vec::new())),
            Kind::Pong => {}
        }
    }

    fn answered(&self, id: u64, reply: Reply) {
        let answer = self.waiting.lock().as_mut().ok().and_then(|waiting| waiting.remove(&id));
        // Taken back meanwhile, or never asked.
        drop(answer.map(|answer| answer.send(reply)));
    }

    fn perform(
        self: &Arc<Self>,
        id: u64,
        asks: &mut Asks,
        answers: &Arc<dyn Answers>,
        seat: u32,
        name: &str,
        body: Vec<u8>,
    ) {
        if asks.under_way() >= MAX_ASKS {
            return self.reply(id, failed(503, "too many requests at once"));
        }
        let work = AssertUnwindSafe(answers.ask(seat, name, body)).catch_unwind();
        let (peer, over) = (self.clone(), asks.over.clone());
        let task = tokio::spawn(async move {
            let reply = work.await.unwrap_or_else(|panic| failed(500, &said(&*panic)));
            over.lock().push(id);
            peer.reply(id, reply);
        });
        asks.tasks.insert(id, task.abort_handle());
    }

    fn reply(&self, id: u64, reply: Reply) {
        self.send(match reply {
            RResult::ROk(body) if body.len() > MAX_PAYLOAD => {
                return self.reply(id, failed(500, "the answer is larger than 16 MiB"));
            }
            RResult::ROk(body) => Frame::new(Kind::Done, id, 0, "", body.into_vec()),
            RResult::RErr(error) => Frame::new(Kind::Failed, id, error.code, "", error.body.into_vec()),
        });
    }
}

/// The other side's asks that are under way.
#[derive(Default)]
struct Asks {
    tasks: HashMap<u64, AbortHandle>,
    /// Those that ended by themselves since the last look.
    over: Arc<Mutex<Vec<u64>>>,
}

impl Asks {
    fn under_way(&mut self) -> usize {
        for id in self.over.lock().drain(..) {
            self.tasks.remove(&id);
        }
        self.tasks.len()
    }

    fn stop(&mut self, id: u64) {
        if let Some(task) = self.tasks.remove(&id) {
            task.abort();
        }
    }
}

impl Drop for Asks {
    fn drop(&mut self) {
        self.tasks.values().for_each(AbortHandle::abort);
    }
}

/// An ask under way. Taken back when it is dropped before its answer came.
struct Asked {
    peer: Arc<Peer>,
    id: u64,
}

impl Drop for Asked {
    fn drop(&mut self) {
        let waited = self.peer.waiting.lock().as_mut().ok().and_then(|waiting| waiting.remove(&self.id));
        if waited.is_some() {
            self.peer.send(Frame::new(Kind::Cancel, self.id, 0, "", Vec::new()));
        }
    }
}

/// Writes whatever is ready at once.
async fn write(
    peer: Arc<Peer>,
    mut stream: tokio::net::unix::OwnedWriteHalf,
    mut outgoing: Outgoing,
    time: Option<Time>,
) {
    let mut batch = Vec::new();
    while let Some(first) = outgoing.recv().await {
        let now = time.as_ref().map_or(0, |time| time());
        let mut next = Some(first);
        while let Some(mut frame) = next {
            frame.now = now;
            frame.write(&mut batch);
            if frame.kind == Kind::Tell {
                peer.notes.fetch_sub(1, Ordering::Relaxed);
            }
            next = if batch.len() < BATCH { outgoing.try_recv().ok() } else { None };
        }
        // The reader finds out as well that the other side is gone.
        if stream.write_all(&batch).await.is_err() {
            return;
        }
        batch.clear();
        batch.shrink_to(BATCH);
    }
}

/// A refusal with a text.
pub(super) fn failed(code: u32, message: &str) -> Reply {
    RResult::RErr(AbiError { code, body: json!({ "message": message }).to_string().into_bytes().into() })
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("it panicked: {}", text.unwrap_or("no message"))
}
