//! The connectors of a lane, from their making until their process ends.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use handoff_abi::Plugin;
use handoff_model::ConnectionId;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep_until},
};
use tracing::{debug, error, level_filters::LevelFilter, warn};

use super::{Crew, pulse::Pulse};
use crate::plugins::{
    account::Account,
    host::{Shared, host},
    load::{Code, create},
    worker::{Recipe, Worker},
};

/// A process that lived longer than this was no false start.
const WELL: Duration = Duration::from_millis(500);
/// Pause before the third process in a row; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A connector object, or why there is none.
pub(super) type Seat = Result<Arc<Plugin>, String>;

/// The connectors that sit on a lane.
pub(super) struct Sitting {
    pub(super) seats: HashMap<ConnectionId, Seat>,
    worker: Option<Worker>,
    /// When another one is to be tried; none while this one can work.
    until: Option<Instant>,
}

impl Sitting {
    /// Makes a connector for every account that can have one.
    pub(super) async fn begin(
        crew: &Crew,
        stop: &watch::Receiver<bool>,
        pulse: &Pulse,
        standby: &mut Standby,
    ) -> Self {
        match &crew.image.code {
            Code::Here(_) => {
                let shared = shared(crew, stop);
                let accounts = crew.accounts.iter().take_while(|_| !*stop.borrow());
                let seats = accounts
                    .map(|account| (account.id.clone(), here(crew, account, &shared, pulse)))
                    .collect();
                Self { seats, worker: None, until: None }
            }
            Code::Apart(recipe) => apart(crew, recipe, stop, standby).await,
        }
    }

    /// Nobody sits here until the pause is over.
    pub(super) fn pause(crew: &Crew, pause: Duration, reason: &str) -> Self {
        let problem = format!("{reason}; it is started again in {} ms", pause.as_millis());
        let seats = crew.accounts.iter().map(|account| (account.id.clone(), Err(problem.clone())));
        Self { seats: seats.collect(), worker: None, until: Some(Instant::now() + pause) }
    }

    /// Waits until these connectors cannot work any more; why, when their process ended.
    pub(super) async fn until_over(&self) -> Option<String> {
        match (&self.worker, self.until) {
            (Some(worker), _) => Some(worker.until_gone().await),
            (None, Some(until)) => {
                sleep_until(until).await;
                None
            }
            (None, None) => std::future::pending().await,
        }
    }
}

/// The process that takes over when the one at work ends. It has opened the file and made no connector yet.
#[derive(Default)]
pub(super) struct Standby(Option<JoinHandle<Result<Worker, String>>>);

impl Standby {
    /// The process that stands by, if it still does. One that is on its way is waited for: another one that
    /// begins now would take longer.
    async fn take(&mut self) -> Option<Worker> {
        let worker = self.0.take()?.await.ok()?;
        worker.inspect_err(|problem| debug!("Nobody stands by: {problem}")).ok().filter(Worker::is_there)
    }

    /// Starts the next one, behind what the lane has to do.
    fn prepare(&mut self, crew: &Crew, recipe: &Recipe) {
        let (recipe, clock, patience) = (recipe.clone(), crew.world.clock.clone(), crew.limits.hangs_after);
        self.0 = Some(tokio::spawn(async move { Worker::start(&recipe, clock, patience).await }));
    }
}

/// How long to wait before the next process: not at all after one that was well, longer and longer after
/// some that were not.
pub(super) struct Restarts {
    in_a_row: u32,
    since: Instant,
}

impl Restarts {
    pub(super) fn new() -> Self {
        Self { in_a_row: 0, since: Instant::now() }
    }

    /// A process ended.
    pub(super) fn pause(&mut self, now: Instant) -> Duration {
        let well = now.saturating_duration_since(self.since) >= WELL;
        self.in_a_row = if well { 1 } else { self.in_a_row.saturating_add(1) };
        let pause = match self.in_a_row {
            ..=1 => Duration::ZERO,
            more => FIRST_PAUSE.saturating_mul(1 << (more - 2).min(16)).min(LONGEST_PAUSE),
        };
        self.since = now + pause;
        pause
    }
}

fn shared(crew: &Crew, stop: &watch::Receiver<bool>) -> Arc<Shared> {
    Arc::new(Shared {
        world: crew.world.clone(),
        http: std::sync::OnceLock::new(),
        allow_loopback: crew.allow_loopback,
        abandoned: stop.clone(),
    })
}

fn here(crew: &Crew, account: &Arc<Account>, shared: &Arc<Shared>, pulse: &Pulse) -> Seat {
    let Code::Here(module) = &crew.image.code else { return Err("its code is not here".to_owned()) };
    if !account.begin_birth() {
        return Err(account.problems().join("; "));
    }
    let host = host(account.clone(), shared.clone());
    let made = pulse.during(&account.connector, || {
        let plugin = create(module, account.settings.clone(), host)?;
        // A connector that knows no log levels logs as it likes; the host drops what it does not want.
        drop(plugin.control("log_level".into(), level().into_bytes().into()));
        Ok(Arc::new(plugin))
    });
    account.end_birth(made.as_ref().err().map(String::as_str));
    made
}

async fn apart(crew: &Crew, recipe: &Recipe, stop: &watch::Receiver<bool>, standby: &mut Standby) -> Sitting {
    let id = &crew.image.manifest.id;
    let worker = match standby.take().await {
        Some(ready) => Ok(ready),
        None => Worker::start(recipe, crew.world.clock.clone(), crew.limits.hangs_after).await,
    };
    let worker = match worker {
        Ok(worker) => worker,
        Err(problem) => {
            error!(connector = %id, "The worker of connector {id} could not be started: {problem}");
            return Sitting::pause(
                crew,
                LONGEST_PAUSE,
                &format!("its worker could not be started: {problem}"),
            );
        }
    };
    if !worker.confined {
        warn!(connector = %id, "The kernel does not confine the worker of connector {id}");
    }
    crew.confined.store(worker.confined, Ordering::Relaxed);
    let shared = shared(crew, stop);
    let mut seats = HashMap::new();
    for (number, account) in (0_u32..).zip(&crew.accounts) {
        seats.insert(account.id.clone(), remote(&worker, number, account, &shared).await);
    }
    if crew.limits.standby {
        standby.prepare(crew, recipe);
    }
    Sitting { seats, worker: Some(worker), until: None }
}

async fn remote(worker: &Worker, number: u32, account: &Arc<Account>, shared: &Arc<Shared>) -> Seat {
    if !account.begin_birth() {
        return Err(account.problems().join("; "));
    }
    let host = host(account.clone(), shared.clone());
    let made = worker.create(number, account.settings.clone(), host).await;
    if made.is_ok() {
        worker.control(number, "log_level", level().into_bytes());
    }
    account.end_birth(made.as_ref().err().map(String::as_str));
    made.map(Arc::new)
}

/// The level down to which the host logs, as a word.
fn level() -> String {
    LevelFilter::current().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_ends_again_and_again_is_started_ever_more_rarely() {
        let (mut restarts, now) = (Restarts::new(), Instant::now());
        let pauses: Vec<_> = (0..12).map(|_| restarts.pause(now).as_millis()).collect();
        assert_eq!(pauses[..5], [0, 100, 200, 400, 800]);
        assert_eq!(pauses[11], 30_000);
        assert_eq!(restarts.pause(now + WELL + LONGEST_PAUSE), Duration::ZERO, "the last one was well");
    }
}
