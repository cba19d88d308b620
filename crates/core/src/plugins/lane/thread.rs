//! The thread of a lane: makes the connectors and takes job after job.

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{Arc, OnceLock, mpsc as ready},
};

use futures::FutureExt;
use handoff_abi::{Plugin, abi_stable::std_types::RResult};
use handoff_model::ConnectionId;
use tokio::sync::{Semaphore, mpsc, watch};
use tracing::{error, level_filters::LevelFilter};

use super::{
    Crew, Job,
    pulse::{Pulse, Watched},
};
use crate::plugins::{
    account::Account,
    answer::Outcome,
    host::{Shared, host},
};

/// A connector object, or why there is none.
type Seat = Result<Arc<Plugin>, String>;

/// Runs until the lane is given up or nobody can hand in jobs any more.
pub(super) fn run(
    crew: &Crew,
    jobs: mpsc::Receiver<Job>,
    stop: watch::Receiver<bool>,
    pulse: Arc<Pulse>,
    made: ready::Sender<()>,
) {
    let id = &crew.image.manifest.id;
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            error!(connector = %id, "No runtime for connector {id}: {error}");
            return;
        }
    };
    runtime.block_on(serve(crew, jobs, stop, pulse, made));
    runtime.shutdown_background();
}

async fn serve(
    crew: &Crew,
    mut jobs: mpsc::Receiver<Job>,
    mut stop: watch::Receiver<bool>,
    pulse: Arc<Pulse>,
    made: ready::Sender<()>,
) {
    let seats = seats(crew, &stop, &pulse);
    // Nobody listens when a lane replaces another.
    let _ = made.send(());
    let room = Arc::new(Semaphore::new(crew.limits.at_once.max(1)));
    loop {
        let next = async {
            let permit = room.clone().acquire_owned().await.ok()?;
            jobs.recv().await.map(|job| (permit, job))
        };
        let next = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => None,
            next = next => next,
        };
        let Some((permit, job)) = next else { return };
        let seat = seats.get(&job.connection).cloned();
        let inner = Box::pin(async move {
            perform(job, seat.unwrap_or_else(|| Err("the connection is not configured".to_owned()))).await;
            drop(permit);
        });
        let (pulse, connector) = (pulse.clone(), crew.image.manifest.id.clone());
        // The task lives and dies with the lane's runtime; its answer goes through the job.
        drop(tokio::spawn(Watched { inner, pulse, connector }));
    }
}

/// Makes a connector for every account that can have one.
fn seats(crew: &Crew, stop: &watch::Receiver<bool>, pulse: &Pulse) -> HashMap<ConnectionId, Seat> {
    let shared = Arc::new(Shared {
        world: crew.world.clone(),
        http: OnceLock::new(),
        allow_loopback: crew.allow_loopback,
        abandoned: stop.clone(),
    });
    let accounts = crew.accounts.iter().take_while(|_| !*stop.borrow());
    accounts.map(|account| (account.id.clone(), seat(crew, account, &shared, pulse))).collect()
}

fn seat(crew: &Crew, account: &Arc<Account>, shared: &Arc<Shared>, pulse: &Pulse) -> Seat {
    if !account.begin_birth() {
        return Err(account.problems().join("; "));
    }
    let host = host(account.clone(), shared.clone());
    let made = pulse.during(&account.connector, || {
        let plugin = crew.image.create(account.settings.clone(), host)?;
        // A connector that knows no log levels logs as it likes; the host drops what it does not want.
        drop(plugin.control("log_level".into(), level().as_bytes().to_vec().into()));
        Ok(Arc::new(plugin))
    });
    account.end_birth(made.as_ref().err().map(String::as_str));
    made
}

/// The level down to which the host logs, as a word.
fn level() -> String {
    LevelFilter::current().to_string()
}

async fn perform(mut job: Job, seat: Seat) {
    if !job.begin() {
        return;
    }
    let (verb, payload) = (job.verb, std::mem::take(&mut job.payload));
    let work = async move {
        match seat {
            Ok(plugin) => match plugin.invoke(verb.into(), payload.into()).await {
                RResult::ROk(answer) => Outcome::Answered(answer.into_vec()),
                RResult::RErr(error) => Outcome::Failed { code: error.code, body: error.body.into_vec() },
            },
            Err(problem) => Outcome::NoConnector(problem),
        }
    };
    let work = AssertUnwindSafe(work).catch_unwind();
    let outcome = tokio::select! {
        biased;
        // Nobody waits any more: the call is dropped where it stands.
        () = job.answer.closed() => return,
        outcome = work => outcome.unwrap_or_else(|payload| Outcome::Panicked(text(&*payload))),
    };
    // The caller may have left this very moment.
    drop(job.answer.send(outcome));
}

fn text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("the connector panicked: {}", text.unwrap_or("no message"))
}
