//! `lease.take` and `lease.release`: one call at a time does what may be done only once, such as renewing a token.
//!
//! A lease ends by itself, so that a call that was given up holds nobody up for ever. Its token is a number that grows:
//! whoever keeps something under a lease keeps the token with it, and a late holder can be told from the present one.

use std::time::Duration;

use handoff_model::{ConnectionId, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Fault, answer, kv::check_key, parse};
use crate::world::Keep;

/// Longest time for which a lease lasts.
const LONGEST: Duration = Duration::from_secs(600);
/// Leases lie beside the values of connectors, under names that those cannot have.
const PLACE: &str = "\u{1}lease/";

#[derive(Deserialize)]
struct Take {
    key: String,
    ttl_ms: u64,
}

#[derive(Deserialize)]
struct Release {
    key: String,
    token: u64,
}

/// Takes a lease if nobody has it; says who waits for how long otherwise.
pub(in crate::plugins) async fn take(
    keep: &dyn Keep,
    connection: &ConnectionId,
    now: Timestamp,
    request: Value,
) -> Result<Vec<u8>, Fault> {
    let Take { key, ttl_ms } = parse(request)?;
    check_key(&key)?;
    let key = format!("{PLACE}{key}");
    let (until, version) = held(keep, connection, &key).await?;
    let wait = until.since(now);
    if wait > Duration::ZERO {
        return answer(&json!({ "wait_ms": wait.as_millis() as u64 }));
    }
    let ends = now.after(Duration::from_millis(ttl_ms).min(LONGEST));
    let taken = keep.swap(connection, &key, version, json!(ends)).await.map_err(Fault::Unavailable)?;
    // Somebody else was faster by a moment: ask again soon.
    answer(&if taken { json!({ "token": version + 1 }) } else { json!({ "wait_ms": 50 }) })
}

/// Gives a lease back; nothing happens when it is somebody else's by now.
pub(in crate::plugins) async fn release(
    keep: &dyn Keep,
    connection: &ConnectionId,
    request: Value,
) -> Result<Vec<u8>, Fault> {
    let Release { key, token } = parse(request)?;
    check_key(&key)?;
    let key = format!("{PLACE}{key}");
    let released = keep.swap(connection, &key, token, json!(0)).await.map_err(Fault::Unavailable)?;
    answer(&released)
}

async fn held(keep: &dyn Keep, connection: &ConnectionId, key: &str) -> Result<(Timestamp, u64), Fault> {
    let kept = keep.get(connection, key).await.map_err(Fault::Unavailable)?;
    Ok(kept.map_or((Timestamp(0), 0), |(until, version)| (Timestamp(until.as_i64().unwrap_or(0)), version)))
}
