//! `secret.matches`: compares what somebody sent with a secret that the connector never sees.

use serde::Deserialize;
use serde_json::Value;

use super::{Fault, answer, parse};
use crate::plugins::secrets::Secrets;

#[derive(Deserialize)]
struct Matches {
    name: String,
    given: String,
}

/// Whether `given` is the secret `name`; false when there is none.
pub(in crate::plugins) fn matches(secrets: &Secrets, request: Value) -> Result<Vec<u8>, Fault> {
    let Matches { name, given } = parse(request)?;
    answer(&secrets.matches(&name, &given))
}
