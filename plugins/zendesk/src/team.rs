//! Who is there, and what can be chosen for a ticket: both by the Support API.

use std::time::Duration;

use handoff_sdk::{
    ConnectorError, Result,
    model::{
        Timestamp,
        connector::{Availability, Choice},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    client::unavailable,
    support::{Support, entries},
    wire::text,
};

/// Where the last look is kept.
const SLOT: &str = "availability";
/// How long a look counts. Zendesk publishes no limit for this call, and it is an administrator's.
const FRESH: Duration = Duration::from_secs(30);

/// Pages of a list that are read at most.
const PAGES: u32 = 10;

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Look {
    at: Timestamp,
    found: Availability,
}

/// Whether a live agent is online for messaging. Advice, not a gate: what cannot be seen is *unknown*.
pub(crate) async fn availability(support: Support<'_>) -> Result<Availability> {
    let (kept, now) = (support.cx.kept(SLOT).await?, support.cx.now());
    let version = kept.as_ref().map_or(0, |kept| kept.version);
    let last: Option<Look> = kept.and_then(|kept| serde_json::from_value(kept.value).ok());
    if let Some(last) = last.filter(|last| now.since(last.at) < FRESH) {
        return Ok(last.found);
    }
    let found = look(&support).await.unwrap_or(Availability::Unknown);
    // Whoever looked at the same time saw the same.
    support.cx.swap(SLOT, version, &json!(Look { at: now, found })).await?;
    Ok(found)
}

async fn look(support: &Support<'_>) -> Result<Availability> {
    let online = "/agent_availabilities?filter%5Bchannel_status%5D=messaging%3Aonline";
    let answer = support.get(online).await?;
    if !answer.is_success() {
        // Only administrators may see it.
        return Ok(Availability::Unknown);
    }
    let body = answer.body;
    if !body["data"].is_array() {
        return Ok(Availability::Unknown);
    }
    let online = |channel: &Value| {
        let attributes = &channel["attributes"];
        text(attributes, "name") == "messaging" && text(attributes, "status") == "online"
    };
    let more = body["meta"]["has_more"].as_bool() == Some(true);
    Ok(match entries(&body["included"]).iter().any(online) {
        true => Availability::Yes,
        false if more => Availability::Unknown,
        false => Availability::No,
    })
}

/// What an author can choose for a field of the action's options.
///
/// # Errors
/// Unsupported for a field that is written and not chosen.
pub(crate) async fn choices(support: Result<Support<'_>>, field: &str) -> Result<Vec<Choice>> {
    match field {
        "group" => listed(support?, "groups", "name").await,
        "brand" => listed(support?, "brands", "name").await,
        "form" => listed(support?, "ticket_forms", "name").await,
        "fields" => listed(support?, "ticket_fields", "title").await,
        _ => Err(ConnectorError::Unsupported { verb: format!("options for {field}") }),
    }
}

/// The account's things of a kind that are in use. Fields that every ticket has are options of their own.
async fn listed(support: Support<'_>, kind: &str, label: &str) -> Result<Vec<Choice>> {
    let found = all(&support, kind).await?;
    let in_use = |item: &&Value| {
        item["deleted"] != true && item["active"] != false && item["removable"].as_bool() != Some(false)
    };
    let choice = |item: &Value| Choice { value: text(item, "id"), label: text(item, label) };
    Ok(found.iter().filter(in_use).map(choice).collect())
}

/// The account's things of a kind, a thousand at most.
pub(crate) async fn all(support: &Support<'_>, kind: &str) -> Result<Vec<Value>> {
    let mut found = Vec::new();
    for page in 1..=PAGES {
        let body = support.get(&format!("/{kind}?per_page=100&page={page}")).await?.accept()?;
        if !body[kind].is_array() {
            return Err(unavailable(format!("Zendesk's list of {kind} is no list")));
        }
        found.extend(entries(&body[kind]).iter().cloned());
        if body["next_page"].is_null() {
            break;
        }
    }
    Ok(found)
}
