//! Making and changing tickets by the Support API.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::access::SupportCaller;
use super::idempotency::{Kept, Known};
use super::refusal::Refusal;
use super::tickets::{number, seconds};
use super::{Comment, Ticket, Via};
use crate::zendesk::Platform;
use crate::zendesk::input::Body;
use crate::zendesk::world::World;

/// The largest comment, in bytes.
const COMMENT_LIMIT: usize = 65_535;
/// The most comments of a ticket.
const COMMENTS: usize = 5000;

pub(super) async fn create(
    State(platform): State<Platform>,
    _: SupportCaller,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Refusal> {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    let Some(key) = key else {
        pause(&platform).await;
        let made = platform.change(|world| world.create_ticket(&body))?;
        return Ok(created(&made, None));
    };
    match taken(&platform, key, &body).await? {
        Known::Hit(made) => Ok(created(&made, Some("hit"))),
        Known::Busy => Err(Kept::busy()),
        Known::Miss => {
            pause(&platform).await;
            let made = platform.change(|world| {
                let made = world.create_ticket(&body);
                world.support.kept_answers.settle(key, made.as_ref().ok());
                made
            })?;
            Ok(created(&made, Some("miss")))
        }
    }
}

/// Making a ticket takes its time.
async fn pause(platform: &Platform) {
    let latency = platform.options().support.ticket_latency_ms;
    if latency > 0 {
        platform.control().clock.sleep(Duration::from_millis(latency)).await;
    }
}

/// What is known of the key; waits for a twin to be answered where the switch says so.
async fn taken(platform: &Platform, key: &str, body: &Value) -> Result<Known, Refusal> {
    loop {
        let revision = platform.control().revision();
        let known = platform.quietly(|world| {
            let now = world.now_ms();
            world.support.kept_answers.look(key, body, now)
        })?;
        if matches!(known, Known::Miss) {
            platform.control().changed();
        }
        if !matches!(known, Known::Busy) || platform.options().support.idempotency_conflict {
            return Ok(known);
        }
        platform.control().wait_after(revision, Duration::from_secs(5)).await;
    }
}

fn created(made: &Value, lookup: Option<&'static str>) -> Response {
    let mut response = (StatusCode::CREATED, Json(made)).into_response();
    let url = made["ticket"]["url"].as_str().and_then(|url| HeaderValue::from_str(url).ok());
    if let Some(url) = url {
        response.headers_mut().insert(header::LOCATION, url);
    }
    if let Some(lookup) = lookup {
        response.headers_mut().insert("x-idempotency-lookup", HeaderValue::from_static(lookup));
    }
    response
}

pub(super) async fn update(
    State(platform): State<Platform>,
    _: SupportCaller,
    Path(id): Path<String>,
    Body(body): Body,
) -> Result<Json<Value>, Refusal> {
    let id = number(&id)?;
    platform.change(|world| world.update_ticket(id, &body)).map(Json)
}

impl World {
    fn create_ticket(&mut self, body: &Value) -> Result<Value, Refusal> {
        let asked = &body["ticket"];
        let text =
            comment_text(&asked["comment"])?.ok_or_else(|| blank("base", "Description: cannot be blank"))?;
        self.check_fields(asked)?;
        self.check_uploads(&asked["comment"])?;
        let requester = self.wanted_requester(asked)?;
        let now = self.now_ms();
        let ticket = self.support.add_ticket(Via::Api, requester, now);
        ticket.subject =
            asked["subject"].as_str().map_or_else(|| text.0.chars().take(80).collect(), str::to_owned);
        ticket.description.clone_from(&text.0);
        ticket.metadata = asked["metadata"].clone();
        ticket.change(asked);
        let id = ticket.id;
        let author = asked["comment"]["author_id"].as_u64().unwrap_or(requester);
        self.add_comment(id, author, &asked["comment"], text);
        self.answer(id)
    }

    fn update_ticket(&mut self, id: u64, body: &Value) -> Result<Value, Refusal> {
        let asked = &body["ticket"];
        let text = comment_text(&asked["comment"])?;
        self.check_fields(asked)?;
        self.check_uploads(&asked["comment"])?;
        let (caller, now) = (self.options.live_agent_id, self.now_ms());
        let ticket = self.support.ticket(id).ok_or_else(Refusal::not_found)?;
        if ticket.status == "closed" {
            return Err(Refusal::invalid(
                "status",
                json!({ "description": "Status: closed prevents ticket update" }),
            ));
        }
        if asked["safe_update"] == true && asked["updated_stamp"] != seconds(ticket.updated_ms).as_str() {
            let body =
                json!({ "error": "UpdateConflict", "description": "Safe Update prevented the update" });
            return Err(Refusal::new(StatusCode::CONFLICT, body));
        }
        if text.is_some() && ticket.comments.len() >= COMMENTS {
            return Err(blank("base", "The ticket has too many comments"));
        }
        ticket.change(asked);
        ticket.updated_ms = now;
        if let Some(text) = text {
            let author = asked["comment"]["author_id"].as_u64().unwrap_or(caller);
            self.add_comment(id, author, &asked["comment"], text);
        }
        self.answer(id)
    }

    fn answer(&mut self, id: u64) -> Result<Value, Refusal> {
        let ticket = self.support.ticket(id).ok_or_else(Refusal::not_found)?.clone();
        let audit = ticket.audits().pop().unwrap_or_default();
        Ok(json!({ "ticket": ticket.to_json(self), "audit": audit }))
    }

    /// Puts a comment on a plain ticket; text and html as [`comment_text`] gives them.
    pub(super) fn add_comment(
        &mut self,
        id: u64,
        author: u64,
        asked: &Value,
        (body, html_body): (String, String),
    ) {
        let tokens = asked["uploads"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let attachments = tokens.flat_map(|token| self.support.use_upload(token)).collect();
        let (number, at_ms) = (self.support.number(), self.now_ms());
        let public = asked["public"].as_bool().unwrap_or(true);
        if let Some(ticket) = self.support.ticket(id) {
            ticket.comments.push(Comment { id: number, author, body, html_body, public, attachments, at_ms });
            ticket.updated_ms = at_ms;
        }
    }

    fn check_uploads(&mut self, comment: &Value) -> Result<(), Refusal> {
        let now = self.now_ms();
        let tokens = comment["uploads"].as_array().into_iter().flatten();
        let good = |token: &Value| token.as_str().is_some_and(|token| self.support.has_upload(token, now));
        if tokens.into_iter().all(good) {
            return Ok(());
        }
        Err(blank("base", "Attachment: token is invalid or expired"))
    }

    fn check_fields(&self, asked: &Value) -> Result<(), Refusal> {
        let known = &self.options.support.custom_fields;
        for field in asked["custom_fields"].as_array().into_iter().flatten() {
            let id = field["id"].as_u64().unwrap_or_default();
            if !known.is_empty() && !known.contains(&id) {
                let detail = json!({
                    "description": format!("Custom field {id}: is invalid"), "error": "InvalidValue",
                    "ticket_field_id": id, "ticket_field_type": "FieldText",
                });
                return Err(Refusal::invalid("custom_fields", detail));
            }
        }
        one_of(asked, "priority", &["urgent", "high", "normal", "low"])?;
        one_of(asked, "type", &["problem", "incident", "question", "task"])?;
        one_of(asked, "status", &["new", "open", "pending", "hold", "solved", "closed"])
    }

    /// The requester by number, or by e-mail, made if new; the API user if none is named.
    fn wanted_requester(&mut self, asked: &Value) -> Result<u64, Refusal> {
        if let Some(id) = asked["requester_id"].as_u64() {
            let unknown = || blank("requester", "Requester: is unknown");
            return self.support.contact(id).map(|contact| contact.id).ok_or_else(unknown);
        }
        let requester = &asked["requester"];
        let Some(email) = requester["email"].as_str() else {
            return Ok(match requester["name"].as_str() {
                Some(name) => self.support.add_user(name, None, None),
                None => self.options.live_agent_id,
            });
        };
        let same = |known: Option<&str>| known.is_some_and(|known| known.eq_ignore_ascii_case(email));
        if let Some(known) = self.support.contacts.iter().find(|contact| same(contact.email.as_deref())) {
            return Ok(known.id);
        }
        let name = requester["name"].as_str().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| blank("requester", "Requester Name: cannot be blank"))?;
        Ok(self.support.add_user(name, Some(email), None))
    }
}

impl Ticket {
    /// Takes the plain fields of a create or update.
    fn change(&mut self, asked: &Value) {
        let text = |name: &str| asked[name].as_str().map(str::to_owned);
        let id = |name: &str| asked[name].as_u64();
        self.subject = text("subject").unwrap_or_else(|| std::mem::take(&mut self.subject));
        self.status = text("status").unwrap_or_else(|| std::mem::take(&mut self.status));
        self.priority = text("priority").or_else(|| self.priority.take());
        self.kind = text("type").or_else(|| self.kind.take());
        self.external_id = text("external_id").or_else(|| self.external_id.take());
        self.group = id("group_id").or(self.group);
        self.assignee = id("assignee_id").or(self.assignee);
        self.brand = id("brand_id").or(self.brand);
        self.organization = id("organization_id").or(self.organization);
        self.form = id("ticket_form_id").or(self.form);
        if let Some(tags) = asked["tags"].as_array() {
            self.tags = tags.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        }
        for field in asked["custom_fields"].as_array().into_iter().flatten() {
            if let Some(id) = field["id"].as_u64() {
                self.custom_fields.insert(id.to_string(), field["value"].clone());
            }
        }
    }
}

/// A comment's text and html; html wins if both are given. Nothing without either.
pub(super) fn comment_text(comment: &Value) -> Result<Option<(String, String)>, Refusal> {
    let given = |name: &str| comment[name].as_str().filter(|text| !text.is_empty());
    let text = match (given("html_body"), given("body")) {
        (Some(html), _) => (crate::zendesk::content::without_tags(html), html.to_owned()),
        (None, Some(body)) => (body.to_owned(), format!("<p>{body}</p>")),
        (None, None) => return Ok(None),
    };
    if text.0.len().max(text.1.len() - 7 * usize::from(given("html_body").is_none())) > COMMENT_LIMIT {
        return Err(blank("base", "Description: is too long (maximum is 65535 characters)"));
    }
    Ok(Some(text))
}

fn one_of(asked: &Value, name: &str, allowed: &[&str]) -> Result<(), Refusal> {
    match &asked[name] {
        Value::Null => Ok(()),
        Value::String(value) if allowed.contains(&value.as_str()) => Ok(()),
        _ => Err(Refusal::invalid(
            name,
            json!({ "description": format!("{name}: is invalid"), "error": "InvalidValue" }),
        )),
    }
}

fn blank(field: &str, description: &str) -> Refusal {
    Refusal::invalid(field, json!({ "description": description, "error": "BlankValue" }))
}
