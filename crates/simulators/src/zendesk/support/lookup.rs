//! Finding tickets: by number, by external id at once, by search with its lag.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, Query, State};
use serde_json::{Value, json};

use super::access::SupportCaller;
use super::refusal::Refusal;
use super::tickets::number;
use super::{Comment, Ticket};
use crate::zendesk::Platform;

type Answer = Result<Json<Value>, Refusal>;

/// The most tickets on a page.
const PAGE: usize = 100;

pub(super) async fn list(
    State(platform): State<Platform>,
    _: SupportCaller,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let external_id = query.get("external_id");
    platform.read(|world| {
        let fits = |ticket: &&Ticket| external_id.is_none_or(|id| ticket.external_id.as_ref() == Some(id));
        let found: Vec<Value> = world.support.tickets.iter().filter(fits).map(|t| t.to_json(world)).collect();
        let count = found.len();
        let shown: Vec<Value> = found.into_iter().take(PAGE).collect();
        Ok(Json(json!({ "tickets": shown, "count": count, "next_page": null, "previous_page": null })))
    })
}

pub(super) async fn get(
    State(platform): State<Platform>,
    _: SupportCaller,
    Path(id): Path<String>,
) -> Answer {
    let id = number(&id)?;
    platform.read(|world| {
        let ticket =
            world.support.tickets.iter().find(|ticket| ticket.id == id).ok_or_else(Refusal::not_found)?;
        Ok(Json(json!({ "ticket": ticket.to_json(world) })))
    })
}

pub(super) async fn comments(
    State(platform): State<Platform>,
    _: SupportCaller,
    Path(id): Path<String>,
) -> Answer {
    let id = number(&id)?;
    platform.change(|world| {
        let ticket = world.support.ticket(id).ok_or_else(Refusal::not_found)?;
        let comments: Vec<Value> = ticket.comments.iter().map(Comment::to_json).collect();
        Ok(Json(json!({ "count": comments.len(), "comments": comments, "next_page": null })))
    })
}

pub(super) async fn audits(
    State(platform): State<Platform>,
    _: SupportCaller,
    Path(id): Path<String>,
) -> Answer {
    let id = number(&id)?;
    platform.change(|world| {
        let audits = world.support.ticket(id).ok_or_else(Refusal::not_found)?.audits();
        Ok(Json(json!({ "count": audits.len(), "audits": audits, "next_page": null })))
    })
}

/// Search knows `type`, `external_id`, `status`, `tags` and `custom_field_<id>`, and not the newest tickets.
pub(super) async fn search(
    State(platform): State<Platform>,
    _: SupportCaller,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let unclear = || {
        Refusal::new(
            axum::http::StatusCode::UNPROCESSABLE_ENTITY,
            json!({ "error": "invalid", "description": "The search query is invalid" }),
        )
    };
    let terms = query.get("query").and_then(|query| terms(query)).ok_or_else(unclear)?;
    platform.read(|world| {
        let indexed =
            world.now_ms() - i64::try_from(world.options.support.search_lag).unwrap_or_default() * 1000;
        let fits = |ticket: &&Ticket| {
            ticket.updated_ms <= indexed && terms.iter().all(|(name, wanted)| ticket.has(name, wanted))
        };
        let found = world.support.tickets.iter().filter(fits).map(|ticket| {
            let mut shown = ticket.to_json(world);
            shown["result_type"] = json!("ticket");
            shown
        });
        let found: Vec<Value> = found.collect();
        Ok(Json(json!({ "count": found.len(), "results": found, "next_page": null, "previous_page": null })))
    })
}

impl Ticket {
    fn has(&self, name: &str, wanted: &str) -> bool {
        match name {
            "type" => wanted == "ticket",
            "external_id" => self.external_id.as_deref() == Some(wanted),
            "status" => self.status == wanted,
            "tags" => self.tags.iter().any(|tag| tag == wanted),
            _ => {
                let id = name.trim_start_matches("custom_field_");
                self.custom_fields.get(id).is_some_and(|value| value.as_str() == Some(wanted))
            }
        }
    }
}

/// The `name:value` terms of a query; nothing if it holds something else.
fn terms(query: &str) -> Option<Vec<(String, String)>> {
    let known = |name: &str| {
        matches!(name, "type" | "external_id" | "status" | "tags") || name.starts_with("custom_field_")
    };
    let mut terms = Vec::new();
    let mut rest = query.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once(':').filter(|(name, _)| known(name))?;
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(' ').unwrap_or((after, "")),
        };
        terms.push((name.to_owned(), value.to_owned()));
        rest = next.trim_start();
    }
    Some(terms)
}

#[cfg(test)]
mod tests {
    use super::terms;

    #[test]
    fn a_query_is_read_with_its_quotes() {
        let expected = [("type", "ticket"), ("external_id", "a b:c"), ("status", "new")];
        let expected: Vec<(String, String)> =
            expected.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        assert_eq!(terms("type:ticket external_id:\"a b:c\" status:new"), Some(expected));
        assert_eq!(terms("hello"), None);
        assert_eq!(terms("external_id:\"open"), None);
    }
}
