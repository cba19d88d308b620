//! `kv.get` and `kv.cas`: values that the host keeps for a connection.

use handoff_model::ConnectionId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Fault, answer, parse};
use crate::world::Keep;

/// Longest key, in bytes.
const MAX_KEY: usize = 512;
/// Largest value, in bytes of JSON.
const MAX_VALUE: usize = 1024 * 1024;

#[derive(Deserialize)]
struct Get {
    key: String,
}

#[derive(Deserialize)]
struct Swap {
    key: String,
    expected: u64,
    value: Value,
}

/// The value under a key with its version, or null.
pub(in crate::plugins) async fn get(
    keep: &dyn Keep,
    connection: &ConnectionId,
    request: Value,
) -> Result<Vec<u8>, Fault> {
    let Get { key } = parse(request)?;
    check_key(&key)?;
    let kept = keep.get(connection, &key).await.map_err(Fault::Unavailable)?;
    answer(&kept.map(|(value, version)| json!({ "value": value, "version": version })))
}

/// Keeps a value if its version still is the expected one; says whether it did.
pub(in crate::plugins) async fn swap(
    keep: &dyn Keep,
    connection: &ConnectionId,
    request: Value,
) -> Result<Vec<u8>, Fault> {
    let Swap { key, expected, value } = parse(request)?;
    check_key(&key)?;
    if value.to_string().len() > MAX_VALUE {
        return Err(Fault::Bad("the value is larger than 1 MiB".to_owned()));
    }
    let swapped = keep.swap(connection, &key, expected, value).await.map_err(Fault::Unavailable)?;
    answer(&swapped)
}

pub(super) fn check_key(key: &str) -> Result<(), Fault> {
    if key.is_empty() || key.len() > MAX_KEY || key.contains(char::is_control) {
        return Err(Fault::Bad(format!("a key has 1 to {MAX_KEY} bytes and no control characters")));
    }
    Ok(())
}
