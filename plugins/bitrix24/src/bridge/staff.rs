//! Names of live agents, by their numbers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{client::Client, kept, wire};

/// Where the names are remembered.
const SLOT: &str = "staff";

/// Most names that are remembered; then it begins anew.
const MOST: usize = 500;

/// The name of a live agent; none when the portal does not say.
pub(crate) async fn name(client: &Client<'_>, user: u64) -> Option<String> {
    let mut known: BTreeMap<String, String> =
        kept::get(client.cx, SLOT).await.ok().flatten().unwrap_or_default();
    if let Some(name) = known.get(&user.to_string()) {
        return Some(name.clone()).filter(|name| !name.is_empty());
    }
    let found = client.read("user.get", &json!({ "FILTER": { "ID": [user] } })).await.ok()?;
    let name = wire::items(&found).first().map(|row| full_name(row)).unwrap_or_default();
    if known.len() >= MOST {
        known.clear();
    }
    known.insert(user.to_string(), name.clone());
    // A name that is not remembered is asked for again.
    let _ = kept::put(client.cx, SLOT, &known).await;
    Some(name).filter(|name| !name.is_empty())
}

/// First and last name in a row of `user.get`.
pub(crate) fn full_name(row: &Value) -> String {
    format!("{} {}", wire::text(&row["NAME"]), wire::text(&row["LAST_NAME"])).trim().to_owned()
}
