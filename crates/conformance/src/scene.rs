//! What surrounds a connector while one case is tried: its platform with a fault in the way, a gate at every
//! call of the host, and a record of everything that was said.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::{BoxFuture, pending};
use handoff_core::world::Checkpoints;
use handoff_model::connector::ConnectorError;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::watch;

use crate::{
    fault::{Fault, Reply},
    mask::Masks,
    scenario::{Kept, Platform, Request},
    stage::Trouble,
};

/// Lines of an exchange that are kept.
const MOST_LINES: usize = 2000;
/// How long a slow answer takes, as people's clocks go.
const SLOW: Duration = Duration::from_millis(100);

/// The surroundings of one case.
pub(crate) struct Scene {
    pub(crate) platform: Arc<dyn Platform>,
    pub(crate) masks: Arc<Masks>,
    lines: Mutex<Vec<String>>,
    /// What goes wrong, and at which request, counted from 0.
    fault: Mutex<Option<(usize, Fault)>>,
    requests: AtomicUsize,
    gate: Gate,
    kept: Mutex<BTreeMap<String, (Value, u64)>>,
    left: Mutex<Vec<Value>>,
    superseded_from: AtomicUsize,
    slept_ms: AtomicU64,
    /// Answers and checkpoints as they came, and whether they are errors.
    said: Mutex<Vec<(bool, String)>>,
    silent: AtomicBool,
    /// Requests that had been sent when somebody else took over.
    sent_when_superseded: Mutex<Option<usize>>,
}

/// Counts the points at which a connector waits for its host, and stops it at one of them for ever.
struct Gate {
    passed: AtomicUsize,
    stop_at: AtomicUsize,
    stopped: watch::Sender<bool>,
}

impl Scene {
    pub(crate) fn new(platform: Arc<dyn Platform>, masks: Arc<Masks>) -> Self {
        let gate = Gate {
            passed: AtomicUsize::new(0),
            stop_at: AtomicUsize::new(usize::MAX),
            stopped: watch::Sender::new(false),
        };
        Self {
            platform,
            masks,
            lines: Mutex::default(),
            fault: Mutex::default(),
            requests: AtomicUsize::new(0),
            gate,
            kept: Mutex::default(),
            left: Mutex::default(),
            superseded_from: AtomicUsize::new(usize::MAX),
            slept_ms: AtomicU64::new(0),
            said: Mutex::default(),
            silent: AtomicBool::new(false),
            sent_when_superseded: Mutex::default(),
        }
    }

    /// Writes down a line of the exchange, without secrets and not too long.
    pub(crate) fn note(&self, line: impl AsRef<str>) {
        let mut lines = self.lines.lock();
        // A platform that is played for long is not written down for ever.
        if lines.len() < MOST_LINES {
            lines.push(self.masks.line(line.as_ref()));
        }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().clone()
    }

    /// Something goes wrong at the `n`-th request from now on, counted from 0.
    pub(crate) fn break_at(&self, n: usize, fault: Fault) {
        *self.fault.lock() = Some((self.requests() + n, fault));
    }

    /// Nothing goes wrong any more.
    pub(crate) fn mend(&self) {
        *self.fault.lock() = None;
        self.gate.stop_at.store(usize::MAX, Ordering::SeqCst);
    }

    /// Requests so far.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// Points passed so far at which the connector waited for its host.
    pub(crate) fn passed(&self) -> usize {
        self.gate.passed.load(Ordering::SeqCst)
    }

    /// Stops the connector for ever at the `n`-th such point from now on, counted from 0.
    pub(crate) fn stop_at(&self, n: usize) {
        self.gate.stop_at.store(self.passed() + n, Ordering::SeqCst);
    }

    /// Waits until the connector was stopped.
    pub(crate) async fn until_stopped(&self) {
        // The sender lives as long as this borrow.
        drop(self.gate.stopped.subscribe().wait_for(|stopped| *stopped).await);
    }

    /// From the `n`-th checkpoint on, counted from 0, somebody else holds the handoff.
    pub(crate) fn supersede_from(&self, n: usize) {
        self.superseded_from.store(n, Ordering::SeqCst);
    }

    /// Checkpoints left so far.
    pub(crate) fn left(&self) -> Vec<Value> {
        self.left.lock().clone()
    }

    /// How long the connector has slept, in milliseconds of the kit's clock.
    pub(crate) fn slept_ms(&self) -> u64 {
        self.slept_ms.load(Ordering::SeqCst)
    }

    /// Takes down how a call ended.
    pub(crate) fn answered(&self, answer: &Result<Value, Trouble>) {
        let line = match answer {
            Ok(answer) => format!("answer {answer}"),
            Err(trouble) => format!("answer: {trouble}"),
        };
        self.note(&line);
        self.said.lock().push((answer.is_err(), line));
        if matches!(answer, Err(Trouble::Silent)) {
            self.silent.store(true, Ordering::SeqCst);
        }
    }

    /// Answers and checkpoints as they came, and whether they are errors.
    pub(crate) fn said(&self) -> Vec<(bool, String)> {
        self.said.lock().clone()
    }

    /// Whether a call was never answered.
    pub(crate) fn was_silent(&self) -> bool {
        self.silent.load(Ordering::SeqCst)
    }

    /// Requests that were sent after somebody else had taken over.
    pub(crate) fn sent_since_superseded(&self) -> usize {
        self.sent_when_superseded.lock().map_or(0, |then| self.requests() - then)
    }

    /// What the connector lets the host keep.
    pub(crate) fn kept(&self) -> Kept {
        self.kept.lock().iter().map(|(key, (value, _))| (key.clone(), value.clone())).collect()
    }

    pub(crate) async fn naps(&self, wait: Duration) {
        self.pass("sleep").await;
        let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        self.slept_ms.fetch_add(ms, Ordering::SeqCst);
        self.note(format!("  sleep {ms} ms"));
    }

    pub(crate) async fn get(&self, key: &str) -> Option<(Value, u64)> {
        self.pass("kv.get").await;
        let kept = self.kept.lock().get(key).cloned();
        self.note(format!(
            "  kv.get {key}: {}",
            kept.as_ref().map_or(Value::Null, |(value, _)| value.clone())
        ));
        kept
    }

    pub(crate) async fn swap(&self, key: &str, expected: u64, value: Value) -> bool {
        self.pass("kv.cas").await;
        let swapped = {
            let mut kept = self.kept.lock();
            let version = kept.get(key).map_or(0, |(_, version)| *version);
            if version == expected {
                kept.insert(key.to_owned(), (value.clone(), version + 1));
            }
            version == expected
        };
        self.note(format!("  kv.cas {key} from version {expected}: {swapped}, {value}"));
        self.pass("kv.cas").await;
        swapped
    }

    /// Performs a request, with what is to go wrong.
    pub(crate) async fn exchange(&self, request: Request) -> Reply {
        self.pass("http.send").await;
        let number = self.requests.fetch_add(1, Ordering::SeqCst);
        let fault = self.fault.lock().as_ref().filter(|(at, _)| *at == number).map(|(_, fault)| *fault);
        self.note(format!("  {} {} {}", request.method, request.path, request.body));
        if let Some(early) = fault.and_then(Fault::instead) {
            self.note(format!("    {early} (the platform did nothing)"));
            return early;
        }
        let answer = self.platform.answer(request).await;
        self.note(format!("    {} {}", answer.status, answer.body));
        self.pass("http.send").await;
        let Some(fault) = fault else { return Reply::whole(answer) };
        if fault == Fault::Slow {
            tokio::time::sleep(SLOW).await;
        }
        let reply = fault.after(answer);
        self.note(format!("    on its way this becomes: {reply}"));
        reply
    }

    /// One point at which the connector waits for its host.
    async fn pass(&self, what: &str) {
        let number = self.gate.passed.fetch_add(1, Ordering::SeqCst);
        if number == self.gate.stop_at.load(Ordering::SeqCst) {
            self.note(format!("  {what}: no answer, and nobody waits for it any more"));
            self.gate.stopped.send_replace(true);
            pending::<()>().await;
        }
    }
}

impl Checkpoints for Scene {
    fn store(&self, checkpoint: Value) -> BoxFuture<'_, Result<(), ConnectorError>> {
        Box::pin(async move {
            self.pass("checkpoint").await;
            let superseded = {
                let mut left = self.left.lock();
                let superseded = left.len() >= self.superseded_from.load(Ordering::SeqCst);
                if !superseded {
                    left.push(checkpoint.clone());
                }
                superseded
            };
            self.said.lock().push((false, checkpoint.to_string()));
            if superseded {
                self.sent_when_superseded.lock().get_or_insert(self.requests());
            }
            let outcome = if superseded { "superseded" } else { "stored" };
            self.note(format!("  checkpoint {checkpoint}: {outcome}"));
            self.pass("checkpoint").await;
            if superseded { Err(ConnectorError::Superseded) } else { Ok(()) }
        })
    }
}
