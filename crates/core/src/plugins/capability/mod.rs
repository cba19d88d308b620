//! What the host does for connectors, one file for each capability.

pub(super) mod checkpoint;
pub mod http;
pub(super) mod kv;
pub(super) mod lease;
pub mod measure;
pub(super) mod note;
pub(super) mod secret;

use handoff_abi::AbiError;
use handoff_model::connector::ConnectorError;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// Why the host did not do what it was asked.
#[derive(Debug)]
pub(super) enum Fault {
    /// The request makes no sense.
    Bad(String),
    /// It did not work out this time.
    Unavailable(String),
    /// The host does not know the operation.
    Unknown(String),
    /// An error in the words of connectors.
    Connector(ConnectorError),
}

impl From<Fault> for AbiError {
    fn from(fault: Fault) -> Self {
        let (code, body) = match fault {
            Fault::Bad(message) => (400, json!({ "message": message })),
            Fault::Connector(error) => (422, json!(error)),
            Fault::Unknown(operation) => (501, json!({ "message": operation })),
            Fault::Unavailable(message) => (503, json!({ "message": message })),
        };
        Self { code, body: body.to_string().into_bytes().into() }
    }
}

/// Reads an operation's request.
pub(super) fn parse<T: DeserializeOwned>(request: Value) -> Result<T, Fault> {
    serde_json::from_value(request).map_err(|error| Fault::Bad(format!("unreadable request: {error}")))
}

/// Writes an operation's answer.
pub(super) fn answer(answer: &impl Serialize) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(answer).map_err(|error| Fault::Unavailable(format!("unwritable answer: {error}")))
}
