//! One loaded connector at work: its lane, its accounts, and how its calls went.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc as ready,
    },
    time::{Duration, Instant},
};

use handoff_model::{
    Timestamp,
    connector::{ConnectorError, Manifest},
};
use parking_lot::{Mutex, RwLock};
use serde_json::Value;
use tracing::error;

use super::{
    Options, World,
    account::Account,
    answer::{self, MAX_PAYLOAD, Outcome},
    lane::{Crew, Job, Lane},
    load::Image,
    report::{ConnectorStatus, LastError},
};
use crate::world::{Call, CallError};

/// Calls before a share of errors says anything.
const ENOUGH_CALLS: u64 = 20;
/// A share of errors, of a hundred, that is many for a new generation.
const MANY_ERRORS: u64 = 50;
/// A share of errors, of a hundred, that is few for the one before.
const FEW_ERRORS: u64 = 10;
/// Threads that one connector may have. Those beyond the first hang, and each of them costs a core.
const MAX_THREADS: usize = 4;

/// A connector that serves connections.
pub(super) struct Serving {
    crew: Arc<Crew>,
    lane: RwLock<Arc<Lane>>,
    tally: Tally,
    generation: u64,
    since: Timestamp,
    began: Instant,
    /// How the generation before did; none when there was none.
    baseline: Option<Baseline>,
}

/// How a generation did, for comparison with the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Baseline {
    faults: u64,
    errors: u64,
    calls: u64,
}

impl Baseline {
    pub(super) fn of(serving: &Serving) -> Self {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let tally = &serving.tally;
        Self { faults: count(&tally.faults), errors: count(&tally.errors), calls: count(&tally.calls) }
    }

    /// Failures among so many calls, of a hundred.
    fn share(failures: u64, calls: u64) -> u64 {
        failures.saturating_mul(100) / calls.max(1)
    }
}

#[derive(Default)]
struct Tally {
    calls: AtomicU64,
    errors: AtomicU64,
    /// Failures of the connector's own making.
    faults: AtomicU64,
    hangs: AtomicU64,
    last_error: Mutex<Option<LastError>>,
}

/// How the wait for an answer ended.
enum Waited {
    Answered(Option<Outcome>),
    Hangs,
    TooLong,
}

impl Serving {
    /// Starts a connector. The second value hears when its objects are made.
    pub(super) fn start(
        image: Image,
        accounts: Vec<Arc<Account>>,
        options: &Options,
        world: World,
        generation: u64,
        baseline: Option<Baseline>,
    ) -> (Arc<Self>, ready::Receiver<()>) {
        let (allow_loopback, limits) = (options.allow_loopback_http, options.limits);
        let (since, began) = (world.clock.now(), Instant::now());
        let (threads, ends, confined) = Default::default();
        let crew = Arc::new(Crew { image, accounts, world, allow_loopback, limits, threads, ends, confined });
        let (lane, ready) = Lane::start(&crew);
        let (lane, tally) = (RwLock::new(lane), Tally::default());
        (Arc::new(Self { crew, lane, tally, generation, since, began, baseline }), ready)
    }

    /// What it runs.
    pub(super) fn image(&self) -> &Image {
        &self.crew.image
    }

    /// Counts the files that served this connector.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// How the generation before did; none when there was none.
    pub(super) fn baseline(&self) -> Option<Baseline> {
        self.baseline
    }

    /// The connections that it serves.
    pub(super) fn accounts(&self) -> &[Arc<Account>] {
        &self.crew.accounts
    }

    /// Why this generation is worse than the one before; none when it is not, when there was none, or when
    /// its probation is over.
    pub(super) fn failed_probation(&self, now: Instant) -> Option<String> {
        let before = self.baseline.filter(|_| self.on_probation(now))?;
        let done = Baseline::of(self);
        let (was, is) =
            (Baseline::share(before.faults, before.calls), Baseline::share(done.faults, done.calls));
        if done.faults > 0 && (before.faults == 0 || is > was * 2) {
            let text = self.tally.last_error.lock().as_ref().map_or(String::new(), |last| last.text.clone());
            return Some(format!("{} of its {} calls broke off: {text}", done.faults, done.calls));
        }
        let (was, is) =
            (Baseline::share(before.errors, before.calls), Baseline::share(done.errors, done.calls));
        let worse = done.calls >= ENOUGH_CALLS && is >= MANY_ERRORS && was < FEW_ERRORS;
        worse.then(|| format!("{is} % of its {} calls failed, and {was} % before", done.calls))
    }

    fn on_probation(&self, now: Instant) -> bool {
        self.baseline.is_some() && now.duration_since(self.began) < self.crew.limits.probation
    }

    /// What the connector says about itself.
    pub(super) fn manifest(&self) -> &Arc<Manifest> {
        &self.crew.image.manifest
    }

    /// Performs a verb for an account.
    pub(super) async fn call(&self, account: &Arc<Account>, call: Call) -> Result<Value, CallError> {
        let verb = call.verb;
        let done = self.perform(account, call).await;
        self.tally.count(&done, verb, self.crew.world.clock.now());
        done
    }

    async fn perform(&self, account: &Arc<Account>, call: Call) -> Result<Value, CallError> {
        let problems = account.problems();
        if !problems.is_empty() {
            return Err(CallError::NotBegun(problems.join("; ")));
        }
        let open = account.begin(call.verb, call.checkpoints);
        let payload = payload(open.id(), &call.request)?;
        let lane = self.lane.read().clone();
        let (job, mut ticket) = Job::new(account.id.clone(), call.verb, payload);
        lane.submit(job).map_err(|reason| CallError::NotBegun(reason.to_owned()))?;
        let waited = tokio::select! {
            biased;
            outcome = &mut ticket.answer => Waited::Answered(outcome.ok()),
            () = lane.until_abandoned() => Waited::Hangs,
            () = self.crew.world.clock.sleep(call.deadline) => Waited::TooLong,
        };
        let reason = match waited {
            Waited::Answered(Some(outcome)) => return self.read(outcome, call.verb, account),
            Waited::Answered(None) => "its thread has ended".to_owned(),
            Waited::Hangs => "it hangs".to_owned(),
            Waited::TooLong => format!("it did not answer within {} ms", call.deadline.as_millis()),
        };
        Err(if ticket.cancel() { CallError::NotBegun(reason) } else { CallError::Lost(reason) })
    }

    fn read(&self, outcome: Outcome, verb: &str, account: &Account) -> Result<Value, CallError> {
        // Panics that the SDK caught were logged when its guard reported them.
        let panicked = matches!(outcome, Outcome::Panicked(_));
        let broke = panicked || matches!(outcome, Outcome::Failed { code: 500, .. });
        let answered = matches!(outcome, Outcome::Answered(_));
        let read = answer::read(outcome, verb, &account.secrets);
        if broke || (answered && read.is_err()) {
            self.tally.faults.fetch_add(1, Ordering::Relaxed);
        }
        if let (true, Err(problem)) = (panicked, &read) {
            let (connector, connection) = (&account.connector, &account.id);
            error!(%connector, %connection, verb, "Connector {connector} failed in {verb}: {problem}");
        }
        read
    }

    /// Gives up a lane that hangs and starts a new one, told how much time has passed since the last
    /// look. While too many threads hang, none is started.
    pub(super) fn tend(&self, passed: Duration) {
        let lane = self.lane.read().clone();
        let busy = lane.busy_for(passed);
        if !lane.is_abandoned() && busy >= self.crew.limits.hangs_after {
            self.give_up(&lane, busy);
        }
        if lane.is_over() && self.crew.threads.load(Ordering::SeqCst) < MAX_THREADS {
            *self.lane.write() = Lane::start(&self.crew).0;
        }
    }

    fn give_up(&self, lane: &Lane, busy: Duration) {
        for account in &self.crew.accounts {
            account.lane_hangs();
        }
        lane.abandon();
        self.tally.hangs.fetch_add(1, Ordering::Relaxed);
        self.tally.faults.fetch_add(1, Ordering::Relaxed);
        let (connector, threads) = (&self.manifest().id, self.crew.threads.load(Ordering::SeqCst));
        let text = format!("it kept its thread for {} ms", busy.as_millis());
        error!(
            %connector, threads,
            "Connector {connector} hangs: {text}. Its calls are given up, and the thread may keep a core busy \
             until the server is restarted"
        );
        self.tally.fail(self.crew.world.clock.now(), text);
    }

    pub(super) fn status(&self) -> ConnectorStatus {
        let (image, tally) = (&self.crew.image, &self.tally);
        ConnectorStatus {
            id: image.manifest.id.clone(),
            name: image.manifest.name.clone(),
            version: image.manifest.version.clone(),
            file: image.file.clone(),
            sha256: image.sha256.clone(),
            manifest: image.manifest.clone(),
            generation: self.generation,
            since: self.since,
            on_probation: self.on_probation(Instant::now()),
            trust: image.standing,
            mode: image.mode(),
            confined: self.crew.confined.load(Ordering::Relaxed),
            ends: self.crew.ends.load(Ordering::Relaxed),
            faults: tally.faults.load(Ordering::Relaxed),
            calls: tally.calls.load(Ordering::Relaxed),
            errors: tally.errors.load(Ordering::Relaxed),
            hangs: tally.hangs.load(Ordering::Relaxed),
            last_error: tally.last_error.lock().clone(),
            connections: self.crew.accounts.iter().map(|account| account.status()).collect(),
        }
    }
}

impl Tally {
    fn count(&self, done: &Result<Value, CallError>, verb: &str, now: Timestamp) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let Err(error) = done else { return };
        // What strangers send, what is not offered and who took over say nothing about the connector.
        let expected = matches!(
            error,
            CallError::Connector(
                ConnectorError::Unverified { .. }
                    | ConnectorError::Unreadable { .. }
                    | ConnectorError::Unsupported { .. }
                    | ConnectorError::Superseded
            )
        );
        if !expected {
            self.errors.fetch_add(1, Ordering::Relaxed);
            self.fail(now, format!("{verb}: {error}"));
        }
    }

    fn fail(&self, at: Timestamp, text: String) {
        *self.last_error.lock() = Some(LastError { at, text });
    }
}

/// What crosses the edge for a call.
pub(super) fn payload(call: &str, request: &Value) -> Result<Vec<u8>, CallError> {
    let payload = serde_json::json!({ "call": call, "request": request }).to_string().into_bytes();
    if payload.len() > MAX_PAYLOAD {
        return Err(CallError::NotBegun("the request is larger than 16 MiB".to_owned()));
    }
    Ok(payload)
}
