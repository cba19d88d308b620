//! Makes connectors and drops them again in a worker, to see what stays behind. For the conformance kit.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use handoff_model::connector::Manifest;
use tokio::sync::watch;

use super::{
    ConnectionSetup, World,
    account::{Account, Lasting},
    capability::{http::governor::Governor, measure::Measures},
    host::{Shared, host},
    worker::{Recipe, Worker},
};

/// How long a worker may take for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// How the memory of a worker grew.
#[derive(Debug, Clone, Copy)]
pub struct Growth {
    /// Bytes that it had before.
    pub before: u64,
    /// Bytes that it had afterwards.
    pub after: u64,
}

/// Lets a worker open `file`, and makes the connector of a connection there so many times, each in place of the
/// one before, which is dropped. Counts after as many to warm up.
///
/// # Errors
/// What went wrong, in plain words; also when the worker ended.
pub async fn make_and_drop(
    program: &Path,
    file: &Path,
    manifest: &Manifest,
    connection: &ConnectionSetup,
    world: World,
    times: u32,
) -> Result<Growth, String> {
    let recipe = Recipe { program: program.to_owned(), file: file.to_owned() };
    let worker = Worker::start(&recipe, world.clock.clone(), PATIENCE).await?;
    let governor = Governor::new(connection.id.clone(), None, world.clock.clone());
    let account = Arc::new(Account::new(
        connection,
        manifest,
        Lasting { governor: Arc::new(governor), measures: Measures::default() },
    ));
    // The sender is kept: without it the host would take the lane for given up.
    let (_going_on, abandoned) = watch::channel(false);
    let shared = Arc::new(Shared { world, http: OnceLock::new(), allow_loopback: true, abandoned });
    let made = async |times: u32| {
        for _ in 0..times {
            worker.create(0, account.settings.clone(), host(account.clone(), shared.clone())).await?;
        }
        resident(worker.id()).ok_or_else(|| "its process is gone".to_owned())
    };
    let before = made(times).await?;
    Ok(Growth { before, after: made(times).await? })
}

/// Bytes of memory that a process has.
fn resident(process: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}
