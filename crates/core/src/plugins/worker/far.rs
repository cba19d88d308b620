//! The worker's end: opens the plugin file, makes its connectors, and asks the server for everything else.

use std::{collections::HashMap, ffi::CStr, io, os::unix::net::UnixStream as Pair, path::Path, sync::Arc};

use futures::{FutureExt, future::BoxFuture};
use handoff_abi::{
    Call, HostApi, HostApi_TO, ModuleRef, Plugin, Reply,
    abi_stable::{
        sabi_trait::TD_Opaque,
        std_types::{RArc, RResult, RString, RVec},
    },
    async_ffi::FutureExt as _,
};
use parking_lot::Mutex;
use serde_json::json;
use tokio::net::UnixStream;

use super::{
    CREATE, HELLO, jail,
    peer::{Answers, Peer, failed},
};
use crate::plugins::{inspect::inspect, load, report::Refusal};

/// The name of a process that has made no connector yet.
const STANDBY: &CStr = c"handoff-standby";
/// The name of a process that runs connectors.
const AT_WORK: &CStr = c"handoff-worker";

/// Runs the connectors of one plugin file in this process for the server at the other end of the socket.
/// Ends when the server is gone.
///
/// # Errors
/// When the process cannot be confined at all, or the socket fails.
pub fn work_here(file: &Path, server: Pair) -> io::Result<()> {
    call_itself(STANDBY);
    jail::limit()?;
    // It makes sockets for itself, which is not possible later.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let before = jail::before_opening();
    let module = inspect(file).and_then(|inspection| load::open(file, &inspection));
    let confined = before && jail::after_opening();
    server.set_nonblocking(true)?;
    runtime.block_on(async {
        let (peer, outgoing) = Peer::new();
        let bench = Bench { module, confined, peer: peer.clone(), plugins: Arc::default() };
        peer.serve(UnixStream::from_std(server)?, outgoing, None, Arc::new(bench)).await
    })
}

/// What the system's list of processes calls this one.
fn call_itself(name: &CStr) {
    // Of no consequence but for whoever looks.
    let _ = rustix::thread::set_name(name);
}

/// The connectors of this process, by seat.
struct Bench {
    module: Result<ModuleRef, Refusal>,
    confined: bool,
    peer: Arc<Peer>,
    plugins: Arc<Mutex<HashMap<u32, Arc<Plugin>>>>,
}

impl Bench {
    fn create(&self, seat: u32, settings: Vec<u8>) -> Reply {
        let host = HostApi_TO::from_ptr(RArc::new(Server { peer: self.peer.clone(), seat }), TD_Opaque);
        let made = match &self.module {
            Ok(module) => load::create(module, settings, host),
            Err(refusal) => Err(refusal.to_string()),
        };
        match made {
            Ok(plugin) => {
                call_itself(AT_WORK);
                self.plugins.lock().insert(seat, Arc::new(plugin));
                RResult::ROk(RVec::new())
            }
            Err(problem) => failed(400, &problem),
        }
    }

    fn hello(&self) -> Reply {
        match &self.module {
            Ok(_) => RResult::ROk(json!({ "confined": self.confined }).to_string().into_bytes().into()),
            Err(refusal) => failed(400, &refusal.to_string()),
        }
    }

    fn at(&self, seat: u32) -> Option<Arc<Plugin>> {
        self.plugins.lock().get(&seat).cloned()
    }
}

impl Answers for Bench {
    fn ask(&self, seat: u32, name: &str, body: Vec<u8>) -> BoxFuture<'static, Reply> {
        let now = |reply| futures::future::ready(reply).boxed();
        match (name, self.at(seat)) {
            (HELLO, _) => now(self.hello()),
            (CREATE, _) => now(self.create(seat, body)),
            (verb, Some(plugin)) => {
                let verb = RString::from(verb);
                async move { plugin.invoke(verb, body.into()).await }.boxed()
            }
            (_, None) => now(failed(503, "the connector was not made")),
        }
    }

    fn told(&self, seat: u32, _number: u64, name: &str, body: Vec<u8>) {
        // What it says to that is of no interest.
        drop(self.at(seat).map(|plugin| plugin.control(name.into(), body.into())));
    }
}

/// The host, as the connector at one seat sees it.
#[derive(Clone)]
struct Server {
    peer: Arc<Peer>,
    seat: u32,
}

impl HostApi for Server {
    fn call(&self, operation: RString, payload: RVec<u8>) -> Call {
        self.peer.ask(self.seat, operation.as_str(), payload.into_vec()).into_ffi()
    }

    fn emit(&self, kind: u32, payload: RVec<u8>) {
        self.peer.tell(self.seat, u64::from(kind), "", payload.into_vec());
    }

    fn now_ms(&self) -> u64 {
        self.peer.now()
    }
}
