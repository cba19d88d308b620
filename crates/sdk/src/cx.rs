//! What a connector can ask of its host during a call.

use std::{sync::Arc, time::Duration};

use handoff_abi::{AbiError, Host, abi_stable::std_types::RResult, emit};
use handoff_model::{
    Timestamp,
    connector::{ConnectorError, HttpError, HttpRequest, HttpResponse},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// The world as one call of a connector sees it. Cheap to clone; good until the call ends.
#[derive(Clone)]
pub struct Cx {
    host: Host,
    call: Arc<str>,
}

/// A value that the host keeps for the connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The value.
    pub value: Value,
    /// Grows by one with every change; what [`Cx::swap`] compares.
    pub version: u64,
}

/// What became of asking for a lease.
#[derive(Debug, PartialEq, Eq)]
pub enum Leased {
    /// It is ours, until it is given back or its time is over.
    Held(Lease),
    /// Somebody else has it, for so long at most.
    Wait(Duration),
}

/// A lease that is held.
#[derive(Debug, PartialEq, Eq)]
pub struct Lease {
    key: String,
    token: u64,
}

impl Lease {
    /// A number that grows with every holder. Keep it with what is written under the lease, and a late holder can be
    /// told from the present one.
    pub fn token(&self) -> u64 {
        self.token
    }
}

impl Cx {
    /// For the exported wrapper and for tests.
    #[doc(hidden)]
    pub fn new(host: Host, call: Arc<str>) -> Self {
        Self { host, call }
    }

    /// Sends a request to the platform.
    ///
    /// # Errors
    /// [`HttpError::NotSent`] when nothing left, [`HttpError::Lost`] when it may have had its effect.
    pub async fn http(&self, request: &HttpRequest) -> Result<HttpResponse, HttpError> {
        self.try_http(request)
            .await
            .unwrap_or_else(|error| Err(HttpError::NotSent { detail: error.to_string() }))
    }

    /// The same, where the host's own refusal is told apart: the file that the request names is not there, or too large.
    pub(crate) async fn try_http(
        &self,
        request: &HttpRequest,
    ) -> Result<Result<HttpResponse, HttpError>, ConnectorError> {
        self.ask("http.send", request).await
    }

    /// The value kept under `key` for this connection.
    ///
    /// # Errors
    /// [`ConnectorError::Unavailable`] when the host cannot read it.
    pub async fn kept(&self, key: &str) -> Result<Option<Kept>, ConnectorError> {
        self.ask("kv.get", &json!({ "key": key })).await
    }

    /// Keeps `value` under `key` if the version still is `expected` (0: nothing is kept yet), and says
    /// whether it did.
    ///
    /// # Errors
    /// [`ConnectorError::Unavailable`] when the host cannot write it.
    pub async fn swap(&self, key: &str, expected: u64, value: &Value) -> Result<bool, ConnectorError> {
        self.ask("kv.cas", &json!({ "key": key, "expected": expected, "value": value })).await
    }

    /// Takes the lease `key` of this connection for at most `ttl`, ten minutes at the longest: while it is held, no
    /// other call gets it, on any generation of the connector. Asks for `lease/1`.
    ///
    /// # Errors
    /// [`ConnectorError::Unavailable`] when the host cannot look.
    pub async fn lease(&self, key: &str, ttl: Duration) -> Result<Leased, ConnectorError> {
        let ttl_ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        let answer: Value = self.ask("lease.take", &json!({ "key": key, "ttl_ms": ttl_ms })).await?;
        Ok(match answer["token"].as_u64() {
            Some(token) => Leased::Held(Lease { key: key.to_owned(), token }),
            None => Leased::Wait(Duration::from_millis(answer["wait_ms"].as_u64().unwrap_or(1_000))),
        })
    }

    /// Gives a lease back before its time; says whether it still was ours.
    ///
    /// # Errors
    /// [`ConnectorError::Unavailable`] when the host cannot write.
    pub async fn release(&self, lease: Lease) -> Result<bool, ConnectorError> {
        self.ask("lease.release", &json!({ "key": lease.key, "token": lease.token })).await
    }

    /// Adds to a counter in the server's metrics. Names are of a-z, 0-9 and `_`; at most 50 for a connection.
    pub fn count(&self, name: &str, by: u64) {
        self.measure(&json!({ "name": name, "kind": "counter", "value": by }));
    }

    /// Sets a gauge in the server's metrics.
    pub fn gauge(&self, name: &str, value: f64) {
        self.measure(&json!({ "name": name, "kind": "gauge", "value": value }));
    }

    fn measure(&self, note: &Value) {
        self.host.emit(emit::METRIC, note.to_string().into_bytes().into());
    }

    /// Stores how far a transfer has come, before the next step is taken.
    ///
    /// # Errors
    /// [`ConnectorError::Superseded`] when another holder took the handoff over: stop at once.
    pub async fn checkpoint(&self, checkpoint: &Value) -> Result<(), ConnectorError> {
        self.ask("checkpoint", checkpoint).await
    }

    /// Whether `given` equals the secret `name`, compared in constant time. False when there is none.
    ///
    /// # Errors
    /// [`ConnectorError::Unavailable`] when the host cannot look.
    pub async fn secret_matches(&self, name: &str, given: &str) -> Result<bool, ConnectorError> {
        self.ask("secret.matches", &json!({ "name": name, "given": given })).await
    }

    /// Waits.
    pub async fn sleep(&self, wait: Duration) {
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let _: Result<(), _> = self.ask("sleep", &json!({ "ms": millis })).await;
    }

    /// The host's time.
    pub fn now(&self) -> Timestamp {
        Timestamp(i64::try_from(self.host.now_ms()).unwrap_or(i64::MAX))
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        operation: &str,
        request: &(impl Serialize + ?Sized),
    ) -> Result<T, ConnectorError> {
        let payload = serde_json::to_vec(&json!({ "call": &*self.call, "request": request }))
            .map_err(|error| unavailable(operation, &error.to_string()))?;
        match self.host.call(operation.into(), payload.into()).await {
            RResult::ROk(bytes) => serde_json::from_slice::<Value>(bytes.as_slice())
                .and_then(serde_json::from_value)
                .map_err(|error| unavailable(operation, &format!("unreadable answer: {error}"))),
            RResult::RErr(error) => Err(refusal(operation, &error)),
        }
    }
}

fn refusal(operation: &str, error: &AbiError) -> ConnectorError {
    match error.code {
        422 => serde_json::from_slice::<Value>(error.body.as_slice())
            .and_then(serde_json::from_value)
            .unwrap_or_else(|_| unavailable(operation, "unreadable refusal")),
        501 => ConnectorError::Unsupported { verb: operation.to_owned() },
        code => unavailable(operation, &format!("{code} {}", String::from_utf8_lossy(error.body.as_slice()))),
    }
}

fn unavailable(operation: &str, detail: &str) -> ConnectorError {
    ConnectorError::Unavailable { detail: format!("the host's {operation} failed: {detail}") }
}
