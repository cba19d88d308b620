//! Reads what callers send: JSON bodies, flat metadata, text lengths and pages.

use std::collections::HashMap;

use axum::extract::{FromRequest, Request};
use axum::http::header;
use serde_json::{Map, Value, json};

use super::Platform;
use super::problem::Problem;

/// The limit of a JSON body, in bytes.
const JSON_LIMIT: usize = 100 * 1024;
/// The limit of metadata, in bytes of JSON.
const METADATA_LIMIT: usize = 4096;

/// A JSON object within the size limit. No body counts as `{}`.
pub(super) struct Body(pub(super) Value);

impl FromRequest<Platform> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, platform: &Platform) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let too_large =
            || Problem::switched(platform.options().large_json_status, "Request entity too large");
        let bytes = axum::body::to_bytes(body, JSON_LIMIT).await.map_err(|_| too_large())?;
        if bytes.is_empty() {
            return Ok(Self(json!({})));
        }
        let kind =
            parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.starts_with("application/json") {
            return Err(Problem::bad_request("Content-Type must be application/json"));
        }
        let value: Value =
            serde_json::from_slice(&bytes).map_err(|_| Problem::bad_request("Invalid JSON"))?;
        if value.is_object() {
            Ok(Self(value))
        } else {
            Err(Problem::bad_request("The body must be an object"))
        }
    }
}

/// Flat metadata of at most 4096 bytes; none counts as empty.
pub(super) fn metadata(body: &Value, owner: &str) -> Result<Map<String, Value>, Problem> {
    let map = match &body["metadata"] {
        Value::Null => return Ok(Map::new()),
        Value::Object(map) => map,
        _ => return Err(Problem::bad_request(format!("{owner} metadata must be an object"))),
    };
    check_metadata(map, owner)?;
    Ok(map.clone())
}

/// Refuses nested or oversized metadata.
pub(super) fn check_metadata(map: &Map<String, Value>, owner: &str) -> Result<(), Problem> {
    if map.values().any(|value| value.is_object() || value.is_array()) {
        return Err(Problem::bad_request(format!(
            "{owner} metadata must be flat: strings, numbers and booleans"
        )));
    }
    let size = serde_json::to_vec(map).map(|json| json.len()).unwrap_or(usize::MAX);
    if size > METADATA_LIMIT {
        return Err(Problem::bad_request(format!("{owner} metadata is limited to 4096 bytes in size.")));
    }
    Ok(())
}

/// A needed string.
pub(super) fn string<'a>(body: &'a Value, name: &str) -> Result<&'a str, Problem> {
    match body[name].as_str() {
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(Problem::bad_request(format!("{name} is required"))),
    }
}

/// Refuses a field that is not a string of at most `limit` UTF-16 units; absent and null are fine.
pub(super) fn within(body: &Value, name: &str, limit: usize) -> Result<(), Problem> {
    match &body[name] {
        Value::Null => Ok(()),
        Value::String(text) if utf16(text) <= limit => Ok(()),
        Value::String(_) => Err(Problem::bad_request(format!("{name} must be at most {limit} characters"))),
        _ => Err(Problem::bad_request(format!("{name} must be a string"))),
    }
}

/// The length Zendesk is taken to count: UTF-16 units, the larger of the plausible counts.
pub(super) fn utf16(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The size and start of a page asked for by `page[size]` and `page[after]`.
pub(super) fn page<T>(
    items: Vec<T>,
    query: &HashMap<String, String>,
    id: impl Fn(&T) -> String,
) -> Result<(Vec<T>, Value), Problem> {
    let size = match query.get("page[size]") {
        None => 25,
        Some(text) => text.parse().ok().filter(|size| (1..=100).contains(size)).ok_or_else(bad_page)?,
    };
    let start = match query.get("page[after]") {
        None => 0,
        Some(after) => 1 + items.iter().position(|item| id(item) == *after).ok_or_else(bad_page)?,
    };
    let more = items.len() > start + size;
    let items: Vec<T> = items.into_iter().skip(start).take(size).collect();
    let mut meta = json!({ "hasMore": more });
    if let (true, Some(last)) = (more, items.last()) {
        meta["afterCursor"] = json!(id(last));
    }
    Ok((items, meta))
}

/// The refusal of a senseless page.
pub(super) fn bad_page() -> Problem {
    Problem::bad_request("Invalid page query parameters")
}
