//! A host for a connector's own tests: time stands still unless told, requests go to a closure.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use futures::future::BoxFuture;
use handoff_abi::{
    AbiError, Call, Host, HostApi, HostApi_TO, Reply,
    abi_stable::{
        sabi_trait::TD_Opaque,
        std_types::{RArc, RResult, RString, RVec},
    },
    async_ffi::FutureExt,
};
use handoff_model::connector::{ConnectorError, HttpError, HttpRequest, HttpResponse};
use serde_json::{Value, json};

use crate::{Connector, Cx, export};

/// Answers requests in a test.
pub type Answer =
    Arc<dyn Fn(HttpRequest) -> BoxFuture<'static, Result<HttpResponse, HttpError>> + Send + Sync>;

/// What a test sees of its host.
#[derive(Clone)]
pub struct FakeHost(Arc<State>);

struct State {
    answer: Answer,
    now: AtomicU64,
    secrets: BTreeMap<String, String>,
    kept: Mutex<BTreeMap<String, (u64, Value)>>,
    checkpoints: Mutex<Vec<Value>>,
    supersede_after: AtomicU64,
}

impl FakeHost {
    /// A host with these secrets, whose requests go to `answer`.
    pub fn new(secrets: &[(&str, &str)], answer: Answer) -> Self {
        let secrets = secrets.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self(Arc::new(State {
            answer,
            now: AtomicU64::new(1_790_000_000_000),
            secrets,
            kept: Mutex::default(),
            checkpoints: Mutex::default(),
            supersede_after: AtomicU64::new(u64::MAX),
        }))
    }

    /// A context as a call would have it.
    pub fn cx(&self) -> Cx {
        Cx::new(HostApi_TO::from_ptr(RArc::new(self.clone()), TD_Opaque), "test".into())
    }

    /// A connector made from these settings; the problem as text when they do not fit.
    ///
    /// # Errors
    /// What the connector says about its settings.
    pub fn connector<C: Connector>(&self, settings: &Value) -> Result<C, String> {
        export::connector(settings.to_string().as_bytes())
            .map_err(|error| String::from_utf8_lossy(error.body.as_slice()).into_owned())
    }

    /// Checkpoints left so far.
    pub fn checkpoints(&self) -> Vec<Value> {
        lock(&self.0.checkpoints).clone()
    }

    /// From the `n`-th checkpoint on, counted from 0, another holder has taken over.
    pub fn supersede_after(&self, n: u64) {
        self.0.supersede_after.store(n, Ordering::SeqCst);
    }

    /// Moves time forward.
    pub fn advance(&self, ms: u64) {
        self.0.now.fetch_add(ms, Ordering::SeqCst);
    }

    async fn perform(&self, operation: &str, payload: &[u8]) -> Result<Value, AbiError> {
        let envelope: Value =
            serde_json::from_slice(payload).map_err(|error| problem(400, &error.to_string()))?;
        let request = envelope["request"].clone();
        match operation {
            "http.send" => {
                let request =
                    serde_json::from_value(request).map_err(|error| problem(400, &error.to_string()))?;
                Ok(json!((self.0.answer)(request).await))
            }
            "kv.get" => Ok(self.get(&request)),
            "kv.cas" => Ok(json!(self.swap(&request))),
            "lease.take" => Ok(self.lease(&request)),
            "lease.release" => {
                let (key, token) = (lease_key(&request), request["token"].clone());
                Ok(json!(self.swap(&json!({ "key": key, "expected": token, "value": 0 }))))
            }
            "secret.matches" => Ok(json!(self.matches(&request))),
            "checkpoint" => self.checkpoint(request),
            "sleep" => {
                self.advance(request["ms"].as_u64().unwrap_or(0));
                Ok(Value::Null)
            }
            other => Err(problem(501, other)),
        }
    }

    fn get(&self, request: &Value) -> Value {
        let kept = lock(&self.0.kept);
        match kept.get(request["key"].as_str().unwrap_or_default()) {
            Some((version, value)) => json!({ "version": version, "value": value }),
            None => Value::Null,
        }
    }

    fn swap(&self, request: &Value) -> bool {
        let mut kept = lock(&self.0.kept);
        let key = request["key"].as_str().unwrap_or_default().to_owned();
        let version = kept.get(&key).map_or(0, |(version, _)| *version);
        let fits = request["expected"].as_u64() == Some(version);
        if fits {
            kept.insert(key, (version + 1, request["value"].clone()));
        }
        fits
    }

    fn lease(&self, request: &Value) -> Value {
        let key = lease_key(request);
        let kept = self.get(&json!({ "key": key }));
        let (until, version) = (kept["value"].as_u64().unwrap_or(0), kept["version"].as_u64().unwrap_or(0));
        let now = self.0.now.load(Ordering::SeqCst);
        if until > now {
            return json!({ "wait_ms": until - now });
        }
        let ends = now + request["ttl_ms"].as_u64().unwrap_or(0);
        self.swap(&json!({ "key": key, "expected": version, "value": ends }));
        json!({ "token": version + 1 })
    }

    fn matches(&self, request: &Value) -> bool {
        let name = request["name"].as_str().unwrap_or_default();
        self.0.secrets.get(name).map(String::as_str) == request["given"].as_str()
    }

    fn checkpoint(&self, checkpoint: Value) -> Result<Value, AbiError> {
        let mut checkpoints = lock(&self.0.checkpoints);
        if checkpoints.len() as u64 >= self.0.supersede_after.load(Ordering::SeqCst) {
            let body = json!(ConnectorError::Superseded).to_string();
            return Err(AbiError { code: 422, body: body.into_bytes().into() });
        }
        checkpoints.push(checkpoint);
        Ok(Value::Null)
    }
}

impl HostApi for FakeHost {
    fn call(&self, operation: RString, payload: RVec<u8>) -> Call {
        let host = self.clone();
        let work = async move {
            let done = host.perform(operation.as_str(), payload.as_slice()).await;
            match done {
                Ok(value) => RResult::ROk(value.to_string().into_bytes().into()),
                Err(error) => RResult::RErr(error) as Reply,
            }
        };
        work.into_ffi()
    }

    fn emit(&self, _kind: u32, _payload: RVec<u8>) {}

    fn now_ms(&self) -> u64 {
        self.0.now.load(Ordering::SeqCst)
    }
}

/// Keeps a host object's type in reach of tests that need one.
pub fn host(fake: &FakeHost) -> Host {
    HostApi_TO::from_ptr(RArc::new(fake.clone()), TD_Opaque)
}

fn lease_key(request: &Value) -> String {
    format!("lease/{}", request["key"].as_str().unwrap_or_default())
}

fn problem(code: u32, message: &str) -> AbiError {
    AbiError { code, body: json!({ "message": message }).to_string().into_bytes().into() }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
