//! The thread of a lane: makes the connectors and takes job after job.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::Ordering, mpsc as ready},
    time::Duration,
};

use futures::FutureExt;
use handoff_abi::abi_stable::std_types::RResult;
use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::Instant,
};
use tracing::error;

use super::{
    Crew, Job,
    pulse::{Pulse, Watched},
    sitting::{Restarts, Seat, Sitting, Standby},
};
use crate::plugins::answer::Outcome;

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
    let room = Arc::new(Semaphore::new(crew.limits.at_once.max(1)));
    let (mut restarts, mut standby) = (Restarts::new(), Standby::default());
    let mut paused: Option<(Duration, String)> = None;
    loop {
        let sitting = match paused.take() {
            None => Sitting::begin(crew, &stop, &pulse, &mut standby).await,
            Some((pause, reason)) => Sitting::pause(crew, pause, &reason),
        };
        // Nobody listens when a lane replaces another.
        let _ = made.send(());
        let ended = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            ended = sitting.until_over() => ended,
            () = take_jobs(crew, &mut jobs, &sitting, &room, &pulse) => return,
        };
        if let Some(reason) = ended {
            let pause = restarts.pause(Instant::now());
            report_end(crew, &reason, pause);
            paused = (!pause.is_zero()).then_some((pause, reason));
        }
    }
}

fn report_end(crew: &Crew, reason: &str, pause: Duration) {
    crew.ends.fetch_add(1, Ordering::Relaxed);
    let id = &crew.image.manifest.id;
    error!(
        connector = %id,
        "Connector {id} lost its process: {reason}. What became of its calls under way is not known and will be \
         looked up. It is started again in {} ms",
        pause.as_millis()
    );
}

/// Takes job after job, as many at once as there is room for, until nobody can hand in jobs any more.
async fn take_jobs(
    crew: &Crew,
    jobs: &mut mpsc::Receiver<Job>,
    sitting: &Sitting,
    room: &Arc<Semaphore>,
    pulse: &Arc<Pulse>,
) {
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        let Some(job) = jobs.recv().await else { return };
        let seat = sitting.seats.get(&job.connection).cloned();
        let inner = Box::pin(async move {
            perform(job, seat.unwrap_or_else(|| Err("the connection is not configured".to_owned()))).await;
            drop(permit);
        });
        let (pulse, connector) = (pulse.clone(), crew.image.manifest.id.clone());
        // The task lives and dies with the lane's runtime; its answer goes through the job.
        drop(tokio::spawn(Watched { inner, pulse, connector }));
    }
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
