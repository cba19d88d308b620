//! A connector that is linked into the program: without a file, a thread and a process of its own.
//!
//! For simulations, in which everything happens in one thread. What a connector can ask of its host, what it may
//! call, how its requests are let go and what its answers mean is all the same as for one from a file.

use std::sync::{Arc, OnceLock};

use handoff_abi::{
    AbiError, Host, Plugin,
    abi_stable::std_types::{RResult, RVec},
};
use handoff_model::connector::Manifest;
use reqwest::Client;
use serde_json::Value;
use tokio::sync::watch;

use super::{
    ConnectionSetup, World,
    account::{Account, Lasting},
    answer::{self, Outcome},
    capability::{
        http::{Http, Transport, governor::Governor},
        measure::Measures,
    },
    host::{Shared, host},
    serving::payload,
};
use crate::world::{Call, CallError};

/// Makes the connector's object: what the SDK exports for a plugin file.
pub type Make = fn(RVec<u8>, Host) -> RResult<Plugin, AbiError>;

/// A connector at work for one connection.
pub struct Linked {
    account: Arc<Account>,
    manifest: Arc<Manifest>,
    plugin: Plugin,
    world: World,
}

impl Linked {
    /// Makes a connector for a connection. Its requests go through `transport`; `client` only writes bodies.
    ///
    /// # Errors
    /// What is wrong with the manifest or the set-up.
    pub fn new(
        manifest: Arc<Manifest>,
        make: Make,
        setup: &ConnectionSetup,
        world: World,
        transport: Arc<dyn Transport>,
        client: Client,
    ) -> Result<Self, String> {
        let quota = setup.quota.or(manifest.quota);
        let governor = Arc::new(Governor::new(setup.id.clone(), quota, world.clock.clone()));
        let lasting = Lasting { governor, measures: Measures::default() };
        let account = Arc::new(Account::new(setup, &manifest, lasting));
        let problems = account.problems();
        if !problems.is_empty() {
            return Err(problems.join("; "));
        }
        let http = OnceLock::from(Ok(Http::through(transport, client)));
        let abandoned = watch::channel(false).1;
        let shared = Shared { world: world.clone(), http, allow_loopback: true, abandoned };
        let made = make(account.settings.clone().into(), host(account.clone(), Arc::new(shared)));
        let plugin = match made {
            RResult::ROk(plugin) => plugin,
            RResult::RErr(error) => return Err(answer::message(error.body.as_slice())),
        };
        let manifest = account.narrowed.clone().unwrap_or(manifest);
        Ok(Self { account, manifest, plugin, world })
    }

    /// What the connector says about itself.
    pub fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    /// Performs a verb and waits for its end, at most until the call's deadline.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call(&self, call: Call) -> Result<Value, CallError> {
        let open = self.account.begin(call.verb, call.checkpoints);
        let payload = payload(open.id(), &call.request)?;
        let work = self.plugin.invoke(call.verb.into(), payload.into());
        let outcome = tokio::select! {
            biased;
            reply = work => match reply {
                RResult::ROk(answer) => Outcome::Answered(answer.into_vec()),
                RResult::RErr(error) => Outcome::Failed { code: error.code, body: error.body.into_vec() },
            },
            // The call is dropped where it stands.
            () = self.world.clock.sleep(call.deadline) => {
                let waited = call.deadline.as_millis();
                return Err(CallError::Lost(format!("it did not answer within {waited} ms")));
            }
        };
        answer::read(outcome, call.verb, &self.account.secrets)
    }
}
