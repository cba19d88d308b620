//! The server's end: starts a worker, makes connectors in it, and does for them what the host does.

use std::{
    collections::HashMap,
    io,
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream as Pair, process::CommandExt},
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use handoff_abi::{
    Host, Plugin, PluginApi, PluginApi_TO, Reply,
    abi_stable::{
        sabi_trait::TD_Opaque,
        std_types::{RBox, RResult, RString, RVec},
    },
    async_ffi::FutureExt as _,
};
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::{
    net::UnixStream,
    sync::watch,
    time::{MissedTickBehavior, interval, timeout},
};
use tracing::debug;

use super::{
    CREATE, HELLO,
    peer::{Answers, Peer, Time, failed},
};
use crate::{plugins::answer, world::Clock};

/// What a worker is started with.
#[derive(Debug, Clone)]
pub(in crate::plugins) struct Recipe {
    /// The program, called as `PROGRAM connector-worker FILE`.
    pub(in crate::plugins) program: PathBuf,
    /// The copy of the plugin file in the private store.
    pub(in crate::plugins) file: PathBuf,
}

/// What a worker says first.
#[derive(Debug, Deserialize)]
struct Hello {
    /// Whether the kernel keeps it from files, sockets and programs.
    confined: bool,
}

/// A process that runs the connectors of one lane. Ended when this is dropped.
pub(in crate::plugins) struct Worker {
    peer: Arc<Peer>,
    hosts: Arc<Hosts>,
    child: Arc<Mutex<Child>>,
    patience: Duration,
    /// Whether the kernel confines it.
    pub(in crate::plugins) confined: bool,
    ended: watch::Receiver<Option<String>>,
}

impl Worker {
    /// Starts one and waits until it has opened the file.
    pub(in crate::plugins) async fn start(
        recipe: &Recipe,
        clock: Arc<dyn Clock>,
        patience: Duration,
    ) -> Result<Self, String> {
        let (child, stream) = spawn(recipe).map_err(|error| format!("no process for it: {error}"))?;
        let (peer, outgoing) = Peer::new();
        let (hosts, child) = (Arc::new(Hosts::default()), Arc::new(Mutex::new(child)));
        let time: Time = Arc::new(move || u64::try_from(clock.now().0).unwrap_or(0));
        let (end, ended) = watch::channel(None);
        let life = Life { peer: peer.clone(), child: child.clone(), hung: Arc::default() };
        let (watched, answers) = (life.clone(), hosts.clone());
        tokio::spawn(async move {
            let served = peer_until_gone(&watched, stream, outgoing, time, answers).await;
            end.send_replace(Some(served));
        });
        tokio::spawn(life.watch(patience));
        let mut worker = Self { peer, hosts, child, patience, confined: false, ended };
        let said = worker.ask(HELLO, 0, Vec::new()).await?;
        worker.confined = serde_json::from_slice::<Hello>(&said).is_ok_and(|hello| hello.confined);
        Ok(worker)
    }

    /// Makes a connector at a seat of its own.
    pub(in crate::plugins) async fn create(
        &self,
        seat: u32,
        settings: Vec<u8>,
        host: Host,
    ) -> Result<Plugin, String> {
        self.hosts.0.lock().insert(seat, host);
        self.ask(CREATE, seat, settings).await?;
        let remote = Remote { peer: self.peer.clone(), seat };
        Ok(PluginApi_TO::from_ptr(RBox::new(remote), TD_Opaque))
    }

    /// Whether its process has not ended.
    pub(in crate::plugins) fn is_there(&self) -> bool {
        self.ended.borrow().is_none()
    }

    /// Id of the process.
    pub(in crate::plugins) fn id(&self) -> u32 {
        self.child.lock().id()
    }

    /// Tells the connector at a seat something small.
    pub(in crate::plugins) fn control(&self, seat: u32, verb: &str, body: Vec<u8>) {
        self.peer.tell(seat, 0, verb, body);
    }

    /// Waits until the process is gone; how it ended.
    pub(in crate::plugins) async fn until_gone(&self) -> String {
        let mut ended = self.ended.clone();
        let reason = ended.wait_for(Option::is_some).await;
        reason.ok().and_then(|reason| reason.clone()).unwrap_or_else(|| "its process is gone".to_owned())
    }

    async fn ask(&self, name: &str, seat: u32, body: Vec<u8>) -> Result<Vec<u8>, String> {
        match timeout(self.patience, self.peer.ask(seat, name, body)).await {
            Ok(RResult::ROk(said)) => Ok(said.into_vec()),
            Ok(RResult::RErr(error)) => Err(answer::message(error.body.as_slice())),
            Err(_) => Err(format!("it did not answer within {} ms", self.patience.as_millis())),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let mut child = self.child.lock();
        // It may have ended by itself. Once it is killed waiting takes no time, and leaves no dead process in the list.
        drop(child.kill());
        drop(child.wait());
    }
}

/// One more of the same program, with one end of a socket in place of its input and nothing else.
fn spawn(recipe: &Recipe) -> io::Result<(Child, UnixStream)> {
    let (ours, theirs) = Pair::pair()?;
    ours.set_nonblocking(true)?;
    let mut command = Command::new(&recipe.program);
    command.arg0("handoff").arg("connector-worker").arg(&recipe.file).env_clear().current_dir(Path::new("/"));
    // Whoever stops the server at a terminal means the server, which ends its workers in good order.
    command.process_group(0);
    // What it says about its own end belongs into the log, as when it were in this process.
    command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::inherit());
    Ok((command.spawn()?, UnixStream::from_std(ours)?))
}

/// What is needed to end a worker and to say why.
#[derive(Clone)]
struct Life {
    peer: Arc<Peer>,
    child: Arc<Mutex<Child>>,
    hung: Arc<Mutex<bool>>,
}

impl Life {
    /// Ends a worker that is waited for and gives no sign of life. Only this thread's own time counts.
    async fn watch(self, patience: Duration) {
        let tick = (patience / 4).max(Duration::from_millis(1));
        let mut ticks = interval(tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut heard, mut silent) = (0, Duration::ZERO);
        loop {
            ticks.tick().await;
            if Arc::strong_count(&self.child) == 1 {
                return;
            }
            let now = self.peer.heard();
            silent = if now == heard && self.peer.waits() { silent + tick } else { Duration::ZERO };
            heard = now;
            if silent > patience {
                *self.hung.lock() = true;
                drop(self.child.lock().kill());
            } else if self.peer.waits() {
                self.peer.ping();
            }
        }
    }

    /// Makes sure that it is gone, and says how it ended.
    fn bury(&self) -> String {
        let mut child = self.child.lock();
        drop(child.kill());
        let status = child.wait();
        debug!("A worker ended: {status:?}");
        if *self.hung.lock() {
            return "it hung, and its process was ended".to_owned();
        }
        match status {
            Ok(status) => format!("its process ended ({})", how(status)),
            Err(error) => format!("its process is lost: {error}"),
        }
    }
}

fn how(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("signal {signal}"),
        (None, code) => format!("exit code {}", code.unwrap_or(0)),
    }
}

/// Serves until the socket ends, then tells everybody who waits.
async fn peer_until_gone(
    life: &Life,
    stream: UnixStream,
    outgoing: super::peer::Outgoing,
    time: Time,
    answers: Arc<Hosts>,
) -> String {
    let served = life.peer.serve(stream, outgoing, Some(time), answers).await;
    let mut reason = life.bury();
    if let Err(error) = served {
        reason = format!("{reason}; {error}");
    }
    life.peer.close(&reason);
    reason
}

/// The host objects of the connectors, by seat.
#[derive(Default)]
struct Hosts(Mutex<HashMap<u32, Host>>);

impl Hosts {
    fn of(&self, seat: u32) -> Option<Host> {
        self.0.lock().get(&seat).cloned()
    }
}

impl Answers for Hosts {
    fn ask(&self, seat: u32, name: &str, body: Vec<u8>) -> BoxFuture<'static, Reply> {
        match self.of(seat) {
            Some(host) => host.call(name.into(), body.into()).boxed(),
            None => futures::future::ready(failed(400, "nobody sits there")).boxed(),
        }
    }

    fn told(&self, seat: u32, number: u64, _name: &str, body: Vec<u8>) {
        if let (Some(host), Ok(kind)) = (self.of(seat), u32::try_from(number)) {
            host.emit(kind, body.into());
        }
    }
}

/// A connector in a worker, as the host sees it: like any other.
struct Remote {
    peer: Arc<Peer>,
    seat: u32,
}

impl PluginApi for Remote {
    fn invoke(&self, verb: RString, payload: RVec<u8>) -> handoff_abi::Call {
        self.peer.ask(self.seat, verb.as_str(), payload.into_vec()).into_ffi()
    }

    fn control(&self, verb: RString, payload: RVec<u8>) -> Reply {
        self.peer.tell(self.seat, 0, verb.as_str(), payload.into_vec());
        RResult::ROk(RVec::new())
    }
}
