//! What the runtime takes from outside as arguments: time, chance, connectors, kept values and blobs.
//!
//! The server gives the real ones. A simulation gives its own, and runs the same code.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{
    StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use handoff_model::{
    ConnectionId, Timestamp,
    connector::{ConnectorError, Manifest},
};
use serde_json::Value;

/// Time.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Waits.
    fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()>;
}

/// Chance.
pub trait Chance: Send + Sync + 'static {
    /// The next number, any of all.
    fn next(&self) -> u64;
}

/// The connectors that serve the configured connections.
pub trait Connectors: Send + Sync + 'static {
    /// Performs a verb for a connection and waits for its end, at most until the call's deadline.
    fn call(&self, connection: &ConnectionId, call: Call) -> BoxFuture<'_, Result<Value, CallError>>;

    /// What the connector of a connection says about itself; none while it is not loaded.
    fn manifest(&self, connection: &ConnectionId) -> Option<Arc<Manifest>>;
}

/// One call of a connector.
pub struct Call {
    /// The verb, such as `transfer`.
    pub verb: &'static str,
    /// Its request, as the model defines it.
    pub request: Value,
    /// How long it may take.
    pub deadline: Duration,
    /// Where checkpoints go, on a transfer.
    pub checkpoints: Option<Arc<dyn Checkpoints>>,
}

/// Stores how far a transfer has come.
pub trait Checkpoints: Send + Sync + 'static {
    /// Stores a checkpoint; [`ConnectorError::Superseded`] when the attempt no longer holds the handoff.
    fn store(&self, checkpoint: Value) -> BoxFuture<'_, Result<(), ConnectorError>>;
}

/// Why a call gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The connector answered that it failed.
    #[error(transparent)]
    Connector(#[from] ConnectorError),
    /// The call never began: the connector is not loaded, or too many calls wait.
    #[error("the connector is not available: {0}")]
    NotBegun(String),
    /// The call began and its end is unknown: deadline, panic, a connector that hangs.
    #[error("the connector gave no answer: {0}")]
    Lost(String),
}

impl CallError {
    /// The same in the words of connectors, for code that only wants the advice.
    pub fn into_connector_error(self) -> ConnectorError {
        match self {
            Self::Connector(error) => error,
            Self::NotBegun(detail) => ConnectorError::Unavailable { detail },
            Self::Lost(detail) => ConnectorError::Lost { detail },
        }
    }
}

/// Values kept for connectors, by connection and key.
pub trait Keep: Send + Sync + 'static {
    /// The value under a key and its version.
    fn get(
        &self,
        connection: &ConnectionId,
        key: &str,
    ) -> BoxFuture<'_, Result<Option<(Value, u64)>, String>>;

    /// Keeps a value if the version still is `expected` (0: none yet); says whether it did.
    fn swap(
        &self,
        connection: &ConnectionId,
        key: &str,
        expected: u64,
        value: Value,
    ) -> BoxFuture<'_, Result<bool, String>>;
}

/// The bytes of a file, piece by piece. An error ends them.
pub type Pieces<'a> = BoxStream<'a, Result<Bytes, String>>;

/// A file. Its bytes come as they are asked for, so that no file is in memory as a whole.
pub struct Blob {
    /// Its media type.
    pub media_type: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its bytes.
    pub pieces: Pieces<'static>,
}

impl Blob {
    /// A file that is in memory.
    pub fn whole(media_type: String, bytes: Vec<u8>) -> Self {
        let size = bytes.len() as u64;
        Self { media_type, size, pieces: stream::iter([Ok(bytes.into())]).boxed() }
    }
}

/// All bytes of a file.
///
/// # Errors
/// When they broke off.
pub async fn gathered(mut pieces: Pieces<'_>) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next().await {
        bytes.extend_from_slice(&piece?);
    }
    Ok(bytes)
}

/// Why a file is not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotKept {
    /// Its bytes broke off, in the words of whoever gave them.
    #[error("{0}")]
    BrokeOff(String),
    /// There is no room for it, or no way to write it.
    #[error("{0}")]
    Unavailable(String),
}

/// Files kept for a while, sealed.
pub trait Blobs: Send + Sync + 'static {
    /// Keeps the bytes and gives the name under which they are kept. Of a file whose bytes break off nothing stays.
    fn write<'a>(&'a self, media_type: String, pieces: Pieces<'a>) -> BoxFuture<'a, Result<String, NotKept>>;

    /// A file; none when there is no such file, or none any more.
    fn read(&self, name: &str) -> BoxFuture<'_, Result<Option<Blob>, String>>;
}

/// Encrypts what must not be readable at rest.
pub trait Seal: Send + Sync + 'static {
    /// The bytes, encrypted under today's key.
    fn seal(&self, plain: &[u8]) -> Vec<u8>;

    /// The bytes again.
    ///
    /// # Errors
    /// When the key was destroyed, or the bytes were changed.
    fn unseal(&self, sealed: &[u8]) -> Result<Vec<u8>, String>;
}
