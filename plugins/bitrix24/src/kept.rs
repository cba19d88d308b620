//! What the host keeps for the connection, read and written as our own types.

use handoff_sdk::{ConnectorError, Cx, Result};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

/// How often a write is tried when somebody else writes at the same time.
const TRIES: u32 = 10;

/// The value under a key; none when nothing is kept or it cannot be read any more.
pub(crate) async fn get<T: DeserializeOwned>(cx: &Cx, key: &str) -> Result<Option<T>> {
    Ok(versioned(cx, key).await?.0)
}

/// The value under a key, and the version to be named when it is changed.
pub(crate) async fn versioned<T: DeserializeOwned>(cx: &Cx, key: &str) -> Result<(Option<T>, u64)> {
    let kept = cx.kept(key).await?;
    let version = kept.as_ref().map_or(0, |kept| kept.version);
    Ok((kept.and_then(|kept| serde_json::from_value(kept.value).ok()), version))
}

/// Keeps a value, whatever was there.
pub(crate) async fn put(cx: &Cx, key: &str, value: &(impl Serialize + Sync)) -> Result<()> {
    for _ in 0..TRIES {
        let version = cx.kept(key).await?.map_or(0, |kept| kept.version);
        if cx.swap(key, version, &json!(value)).await? {
            return Ok(());
        }
    }
    Err(ConnectorError::Unavailable { detail: "too many writers at once".to_owned() })
}
