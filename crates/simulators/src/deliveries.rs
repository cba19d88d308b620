//! Requests the platform makes to us: webhooks and events, in order, retried, and spoiled on request.
//!
//! A platform says what to send, where, and how stubbornly ([`Policy`]); a single
//! worker makes the first try of each delivery in order, later tries run beside it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

use crate::clock::Clock;

/// However fast the clock, the receiver is given this much real time to answer:
/// a fast clock shall not turn a working receiver into a failing one.
const LEAST_PATIENCE: Duration = Duration::from_secs(2);
/// How long a first try may keep the next delivery waiting, in real time.
const TURN: Duration = Duration::from_millis(500);

/// How stubbornly a platform delivers. All durations are simulated.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The wait before the second try, the third, and so on.
    pub spacing: Vec<Duration>,
    /// No answer for this long is a failed try.
    pub time_limit: Duration,
    /// Statuses after which the platform does not try again.
    pub gives_up_on: fn(u16) -> bool,
}

/// What is sent.
#[derive(Debug, Clone)]
pub enum Payload {
    /// A ready body.
    Text { content_type: &'static str, body: String },
    /// One JSON item of a batch: `envelope` with `items` under `key`. Waiting neighbours with an
    /// equal envelope travel together, at most `limit` at once.
    Batch { envelope: Value, key: &'static str, items: Vec<Value>, limit: usize },
}

/// One request to make.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// What it is about, for people: an event's name.
    pub label: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub payload: Payload,
    pub policy: Policy,
}

/// What to do to the next deliveries. Numbers add up with those still pending.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// The next so many are made twice.
    pub duplicate: u32,
    /// The next so many are never made.
    pub drop: u32,
    /// The next two change places; the first waits for the second to exist.
    pub reorder: bool,
    /// Real milliseconds by which the next deliveries are late, overtaken by those behind.
    pub delay_ms: u64,
    /// How many are late; 1 if absent and `delay_ms` is not 0.
    pub delay_times: u32,
}

impl Faults {
    fn are_none(&self) -> bool {
        self.duplicate == 0 && self.drop == 0 && !self.reorder && self.delay_times == 0
    }
}

#[derive(Debug, Clone, Serialize)]
struct Try {
    at_ms: i64,
    status: Option<u16>,
    error: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    Queued,
    /// Travels as part of another delivery.
    Merged,
    Sending,
    Retrying,
    Delivered,
    Failed,
    Dropped,
}

#[derive(Debug, Clone)]
struct Record {
    n: usize,
    delivery: Delivery,
    standing: Standing,
    tries: Vec<Try>,
    /// The delivery this one repeats or travels with.
    of: Option<usize>,
}

#[derive(Debug, Default)]
struct Inner {
    last: usize,
    records: Vec<Record>,
    queue: VecDeque<usize>,
    faults: Faults,
}

/// A request on its way to us.
#[derive(Debug, Clone)]
pub struct Parcel {
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub content_type: &'static str,
    pub body: String,
    /// How long the platform waits for an answer.
    pub time_limit: Duration,
}

/// How requests leave the platform; gives the status that they were answered with, or what went wrong.
pub type Outlet = Arc<dyn Fn(Parcel) -> BoxFuture<'static, Result<u16, String>> + Send + Sync>;

/// Over the network.
///
/// # Errors
///
/// When no http client can be made.
pub fn over_http() -> anyhow::Result<Outlet> {
    // Fails only when a provider is installed already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build()?;
    Ok(Arc::new(move |parcel| {
        let limit = parcel.time_limit.max(LEAST_PATIENCE);
        let mut request =
            client.post(&parcel.target).timeout(limit).header("content-type", parcel.content_type);
        for (name, value) in &parcel.headers {
            request = request.header(name, value);
        }
        Box::pin(async move {
            let answer = request.body(parcel.body).send().await;
            answer.map(|answer| answer.status().as_u16()).map_err(|why| why.without_url().to_string())
        })
    }))
}

/// The outgoing deliveries of one simulator. Cheap to clone.
#[derive(Clone)]
pub struct Deliveries {
    inner: Arc<Mutex<Inner>>,
    wake: Arc<Notify>,
    held: watch::Sender<bool>,
    outlet: Outlet,
    clock: Clock,
    revision: watch::Sender<u64>,
}

impl Deliveries {
    /// An empty queue with its worker running; needs a runtime.
    pub fn new(clock: Clock, revision: watch::Sender<u64>, outlet: Outlet) -> Self {
        let inner = Arc::default();
        let this =
            Self { inner, wake: Arc::default(), held: watch::Sender::new(false), outlet, clock, revision };
        tokio::spawn(this.clone().work());
        this
    }

    /// Queues deliveries, together and in order.
    pub fn push(&self, deliveries: impl IntoIterator<Item = Delivery>) {
        let mut inner = self.inner.lock();
        for delivery in deliveries {
            let n = inner.add(delivery, None);
            inner.queue.push_back(n);
        }
        drop(inner);
        self.nudge();
    }

    /// Stops (`true`) or resumes all deliveries and their retries.
    pub fn hold(&self, held: bool) {
        self.held.send_replace(held);
        self.nudge();
    }

    /// Spoils the next deliveries.
    pub fn fault(&self, more: Faults) {
        let mut inner = self.inner.lock();
        let faults = &mut inner.faults;
        faults.duplicate += more.duplicate;
        faults.drop += more.drop;
        faults.reorder |= more.reorder;
        if more.delay_ms > 0 {
            faults.delay_ms = more.delay_ms;
            faults.delay_times += more.delay_times.max(1);
        }
    }

    /// Spoils nothing further; a delivery waiting for its successor goes.
    pub fn clear_faults(&self) {
        self.inner.lock().faults = Faults::default();
        self.nudge();
    }

    /// Makes an earlier delivery once more, with the same body. Returns the new delivery's number.
    pub fn redeliver(&self, n: usize) -> Option<usize> {
        let mut inner = self.inner.lock();
        let delivery = inner.records.iter().find(|record| record.n == n)?.delivery.clone();
        let again = inner.add(delivery, Some(n));
        inner.queue.push_back(again);
        drop(inner);
        self.nudge();
        Some(again)
    }

    /// Forgets all deliveries, also those being retried, and all faults; not held any more.
    pub fn reset(&self) {
        let mut inner = self.inner.lock();
        *inner = Inner { last: inner.last, ..Inner::default() };
        drop(inner);
        self.hold(false);
    }

    /// Every delivery with its tries, as the control routes show them.
    pub fn shown(&self) -> Value {
        let inner = self.inner.lock();
        let deliveries: Vec<Value> = inner.records.iter().map(Record::shown).collect();
        json!({ "deliveries": deliveries, "held": *self.held.borrow(), "faults": inner.faults })
    }

    fn nudge(&self) {
        self.wake.notify_one();
        self.revision.send_modify(|revision| *revision += 1);
    }

    async fn work(self) {
        loop {
            self.wake.notified().await;
            while let Some((n, late)) = self.next() {
                let job = tokio::spawn(self.clone().deliver(n, late));
                if late.is_zero() {
                    // A slow receiver delays its neighbours a little, but never stops them.
                    let _ = tokio::time::timeout(TURN, self.first_try_over(n, job)).await;
                }
            }
        }
    }

    async fn first_try_over(&self, n: usize, job: tokio::task::JoinHandle<()>) {
        let mut revision = self.revision.subscribe();
        while !job.is_finished() && self.tries(n) == 0 && revision.changed().await.is_ok() {}
    }

    fn tries(&self, n: usize) -> usize {
        self.inner.lock().record(n).map_or(1, |record| record.tries.len())
    }

    /// The next delivery to make and its lateness, after faults and merging.
    fn next(&self) -> Option<(usize, Duration)> {
        if *self.held.borrow() {
            return None;
        }
        let mut inner = self.inner.lock();
        if inner.faults.are_none() {
            let n = inner.queue.pop_front()?;
            inner.merge_neighbours(n);
            return Some((n, Duration::ZERO));
        }
        inner.next_spoiled()
    }

    async fn deliver(self, n: usize, late: Duration) {
        tokio::time::sleep(late).await;
        let Some(delivery) = self.inner.lock().record(n).map(|record| record.delivery.clone()) else {
            return;
        };
        let mut waits = delivery.policy.spacing.iter();
        loop {
            self.stand(n, Standing::Sending);
            let outcome = self.send(&delivery).await;
            let status = outcome.status;
            let standing = match status {
                Some(200..=299) => Standing::Delivered,
                Some(status) if (delivery.policy.gives_up_on)(status) => Standing::Failed,
                _ if waits.len() == 0 => Standing::Failed,
                _ => Standing::Retrying,
            };
            if !self.tried(n, outcome, standing) || standing != Standing::Retrying {
                return;
            }
            self.clock.sleep(waits.next().copied().unwrap_or_default()).await;
            // The sender lives in `self`: waiting ends by a release only.
            let _ = self.held.subscribe().wait_for(|held| !held).await;
        }
    }

    async fn send(&self, delivery: &Delivery) -> Try {
        let at_ms = self.clock.now_ms();
        let (content_type, body) = delivery.payload.to_body();
        let parcel = Parcel {
            target: delivery.target.clone(),
            headers: delivery.headers.clone(),
            content_type,
            body,
            time_limit: self.clock.real(delivery.policy.time_limit),
        };
        match (self.outlet)(parcel).await {
            Ok(status) => Try { at_ms, status: Some(status), error: None },
            Err(why) => Try { at_ms, status: None, error: Some(why) },
        }
    }

    fn stand(&self, n: usize, standing: Standing) {
        if let Some(record) = self.inner.lock().record(n) {
            record.standing = standing;
        }
    }

    /// Records a try; false when the delivery was forgotten meanwhile.
    fn tried(&self, n: usize, outcome: Try, standing: Standing) -> bool {
        let mut inner = self.inner.lock();
        let Some(record) = inner.record(n) else { return false };
        record.tries.push(outcome);
        record.standing = standing;
        drop(inner);
        self.revision.send_modify(|revision| *revision += 1);
        true
    }
}

impl Inner {
    fn add(&mut self, delivery: Delivery, of: Option<usize>) -> usize {
        self.last += 1;
        let n = self.last;
        self.records.push(Record { n, delivery, standing: Standing::Queued, tries: Vec::new(), of });
        n
    }

    fn record(&mut self, n: usize) -> Option<&mut Record> {
        self.records.iter_mut().find(|record| record.n == n)
    }

    /// Takes the waiting successors of `n` along that may travel in the same batch.
    fn merge_neighbours(&mut self, n: usize) {
        while let Some(&neighbour) = self.queue.front() {
            let Some(theirs) = self.record(neighbour).map(|record| record.delivery.clone()) else { return };
            let Some(ours) = self.record(n) else { return };
            if !ours.delivery.absorb(&theirs) {
                return;
            }
            self.queue.pop_front();
            if let Some(merged) = self.record(neighbour) {
                merged.standing = Standing::Merged;
                merged.of = Some(n);
            }
        }
    }

    fn next_spoiled(&mut self) -> Option<(usize, Duration)> {
        if self.faults.reorder {
            if self.queue.len() < 2 {
                return None;
            }
            self.queue.swap(0, 1);
            self.faults.reorder = false;
        }
        loop {
            let n = self.queue.pop_front()?;
            if self.record(n).is_some_and(|record| record.of.is_some()) {
                return Some((n, Duration::ZERO));
            }
            if self.faults.drop > 0 {
                self.faults.drop -= 1;
                if let Some(record) = self.record(n) {
                    record.standing = Standing::Dropped;
                }
                continue;
            }
            if self.faults.duplicate > 0 {
                self.faults.duplicate -= 1;
                self.repeat(n);
            }
            let late = self.faults.delay_times > 0;
            self.faults.delay_times -= u32::from(late);
            let late = if late { Duration::from_millis(self.faults.delay_ms) } else { Duration::ZERO };
            return Some((n, late));
        }
    }

    /// Puts a copy of delivery `n` into the records, to be sent right after it.
    fn repeat(&mut self, n: usize) {
        let Some(delivery) = self.record(n).map(|record| record.delivery.clone()) else { return };
        let copy = self.add(delivery, Some(n));
        self.queue.push_front(copy);
    }
}

impl Delivery {
    /// Takes another delivery's items into this batch, if both may travel together.
    fn absorb(&mut self, other: &Self) -> bool {
        let same_way = self.target == other.target && self.headers == other.headers;
        match (&mut self.payload, &other.payload) {
            (
                Payload::Batch { envelope, items, limit, .. },
                Payload::Batch { envelope: theirs, items: more, .. },
            ) if same_way && envelope == theirs && items.len() + more.len() <= *limit => {
                items.extend(more.iter().cloned());
                true
            }
            _ => false,
        }
    }
}

impl Payload {
    fn to_body(&self) -> (&'static str, String) {
        match self {
            Self::Text { content_type, body } => (content_type, body.clone()),
            Self::Batch { envelope, key, items, .. } => {
                let mut body = envelope.clone();
                body[key] = json!(items);
                ("application/json", body.to_string())
            }
        }
    }
}

impl Record {
    fn shown(&self) -> Value {
        let (content_type, text) = self.delivery.payload.to_body();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        let headers: serde_json::Map<String, Value> =
            self.delivery.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        json!({
            "n": self.n, "label": self.delivery.label, "target": self.delivery.target, "headers": headers,
            "content_type": content_type, "body": body, "state": self.standing, "of": self.of,
            "attempts": self.tries,
        })
    }
}
