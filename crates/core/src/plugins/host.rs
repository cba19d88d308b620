//! The host as one connector object sees it: capabilities for the calls that are under way, and for
//! no others.
//!
//! A connector that goes on after its call was given up can no longer reach anything. Panics must
//! not leave any function of the edge; they would end the process.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock},
    time::Duration,
};

use handoff_abi::{
    AbiError, Call, Host, HostApi, HostApi_TO,
    abi_stable::{
        sabi_trait::TD_Opaque,
        std_types::{RArc, RResult, RString, RVec},
    },
    async_ffi::FutureExt,
};
use handoff_model::connector::{ConnectorError, HttpRequest};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::watch;
use tracing::warn;

use super::{
    World,
    account::{Account, UnderWay},
    answer::MAX_PAYLOAD,
    capability::{
        Fault, answer, checkpoint,
        http::{Http, Sender, file, governor::Class, grant},
        kv, lease,
        note::Notes,
        parse, secret,
    },
};

/// Longest nap of a connector; its call has a deadline besides.
const MAX_SLEEP: Duration = Duration::from_secs(3600);

/// What the host objects of one lane share.
pub(super) struct Shared {
    pub(super) world: World,
    /// Made when first needed, on the lane's own runtime.
    pub(super) http: OnceLock<Result<Http, String>>,
    pub(super) allow_loopback: bool,
    /// Whether the lane was given up.
    pub(super) abandoned: watch::Receiver<bool>,
}

/// Makes the host object for the connector of an account.
pub(super) fn host(account: Arc<Account>, shared: Arc<Shared>) -> Host {
    let (connector, connection) = (account.connector.clone(), account.id.clone());
    let notes = Notes::new(connector, connection, account.secrets.clone(), account.lasting.measures.clone());
    let host = ConnectionHost(Arc::new(State { account, shared, notes }));
    HostApi_TO::from_ptr(RArc::new(host), TD_Opaque)
}

#[derive(Clone)]
struct ConnectionHost(Arc<State>);

struct State {
    account: Arc<Account>,
    shared: Arc<Shared>,
    notes: Notes,
}

/// What a connector asks, and for which call.
#[derive(Deserialize)]
struct Envelope {
    call: String,
    request: Value,
}

impl HostApi for ConnectionHost {
    fn call(&self, operation: RString, payload: RVec<u8>) -> Call {
        let state = self.0.clone();
        let work = async move {
            match state.perform(operation.as_str(), payload.as_slice()).await {
                Ok(answer) => RResult::ROk(RVec::from(answer)),
                Err(fault) => RResult::RErr(AbiError::from(fault)),
            }
        };
        work.into_ffi()
    }

    fn emit(&self, kind: u32, payload: RVec<u8>) {
        let taken = catch_unwind(AssertUnwindSafe(|| self.0.notes.take(kind, payload.as_slice())));
        // The log itself failed: there is nowhere left to say so.
        drop(taken);
    }

    fn now_ms(&self) -> u64 {
        let now = catch_unwind(AssertUnwindSafe(|| self.0.shared.world.clock.now().0));
        now.ok().and_then(|now| u64::try_from(now).ok()).unwrap_or(0)
    }
}

impl State {
    async fn perform(&self, operation: &str, payload: &[u8]) -> Result<Vec<u8>, Fault> {
        if payload.len() > MAX_PAYLOAD {
            return Err(Fault::Bad("the request is larger than 16 MiB".to_owned()));
        }
        let envelope: Envelope = serde_json::from_slice(payload)
            .map_err(|error| Fault::Bad(format!("unreadable request: {error}")))?;
        let open =
            if *self.shared.abandoned.borrow() { None } else { self.account.under_way(&envelope.call) };
        let Some(UnderWay { sink, class }) = open else {
            return Err(match operation {
                "checkpoint" => Fault::Connector(ConnectorError::Superseded),
                _ => Fault::Unavailable("the call is over".to_owned()),
            });
        };
        let (world, request) = (&self.shared.world, envelope.request);
        match operation {
            "http.send" => self.send(class, request).await,
            "kv.get" => kv::get(&*world.keep, &self.account.id, request).await,
            "kv.cas" => kv::swap(&*world.keep, &self.account.id, request).await,
            "lease.take" => lease::take(&*world.keep, &self.account.id, world.clock.now(), request).await,
            "lease.release" => lease::release(&*world.keep, &self.account.id, request).await,
            "secret.matches" => secret::matches(&self.account.secrets, request),
            "checkpoint" => checkpoint::store(sink.as_deref(), request).await,
            "sleep" => self.sleep(request).await,
            other => Err(Fault::Unknown(other.to_owned())),
        }
    }

    async fn send(&self, class: Class, request: Value) -> Result<Vec<u8>, Fault> {
        let request = parse(request)?;
        self.tell_of_foreign_host(&request);
        let file = file::named(&request.body, &*self.shared.world.blobs).await?;
        let http = self.shared.http.get_or_init(|| Http::new(self.shared.allow_loopback));
        let http = http.as_ref().map_err(|problem| Fault::Unavailable(problem.clone()))?;
        let sender = Sender {
            grants: &self.account.grants,
            secrets: &self.account.secrets,
            requires: &self.account.requires,
            blobs: &*self.shared.world.blobs,
            governor: &self.account.lasting.governor,
            class,
        };
        answer(&http.send(&sender, &request, file).await)
    }

    /// A connector that asks for what its manifest does not name is mistaken, or worse. It gets nowhere, and an
    /// operator should hear of it.
    fn tell_of_foreign_host(&self, request: &HttpRequest) {
        if let Some(host) = grant::foreign(&self.account.grants, &request.url) {
            let (connector, connection) = (&self.account.connector, &self.account.id);
            warn!(%connector, %connection, host, "Connector {connector} asks to call {host}, which its manifest does not name");
        }
    }

    async fn sleep(&self, request: Value) -> Result<Vec<u8>, Fault> {
        #[derive(Deserialize)]
        struct Sleep {
            ms: u64,
        }
        let Sleep { ms } = parse(request)?;
        self.shared.world.clock.sleep(Duration::from_millis(ms).min(MAX_SLEEP)).await;
        answer(&())
    }
}
