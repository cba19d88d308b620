//! Acme Desk, as its documentation describes it: chats that are made, queued and written into.
//!
//! Write this from the platform's documentation and never from the connector: a connector that misreads the
//! documentation must not find the same misreading here.

use std::{collections::BTreeMap, sync::Arc};

use futures::future::{BoxFuture, ready};
use handoff_conformance::{Answer, Chat, Kept, Platform, Request, Scenario};
use handoff_model::{Timestamp, connector::Receive};
use parking_lot::Mutex;
use serde_json::{Value, json};

const TOKEN: &str = "token-of-the-desk-8c1f";
const WEBHOOK_SECRET: &str = "webhook-secret-of-the-desk-77aa";

/// How the connector is configured for it.
pub(crate) struct Scene;

impl Scenario for Scene {
    fn settings(&self, base: &str) -> Value {
        json!({ "base_url": base })
    }

    fn secrets(&self) -> BTreeMap<String, String> {
        let secrets = [("token", TOKEN), ("webhook_secret", WEBHOOK_SECRET)];
        secrets.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    fn platform(&self) -> BoxFuture<'_, Arc<dyn Platform>> {
        Box::pin(ready(Arc::new(Desk::default()) as _))
    }
}

/// An account.
#[derive(Default)]
pub(crate) struct Desk(Mutex<Vec<Made>>);

/// A chat of the account.
struct Made {
    id: String,
    key: String,
    queued: bool,
    /// External id and text.
    words: Vec<(String, String)>,
}

impl Platform for Desk {
    fn answer(&self, request: Request) -> BoxFuture<'_, Answer> {
        let known =
            request.headers.get("authorization").is_some_and(|given| *given == format!("Bearer {TOKEN}"));
        let (status, body) =
            if known { self.perform(&request) } else { (401, json!({ "error": "who are you?" })) };
        Box::pin(ready(Answer::json(status, &body)))
    }

    fn chats<'a>(&'a self, key: &'a str, _kept: &'a Kept) -> BoxFuture<'a, Vec<Chat>> {
        let chats = self.0.lock().iter().filter(|chat| chat.key == key).map(seen).collect();
        Box::pin(ready(chats))
    }

    fn deliveries<'a>(&'a self, chat: &'a str, _base: &'a str) -> BoxFuture<'a, Vec<Receive>> {
        let events = [
            json!({ "id": "e1", "chat": chat, "type": "reply", "agent": "Maria", "text": "Hi, Maria here" }),
            json!({ "id": "e2", "chat": chat, "type": "typing" }),
            json!({ "id": "e3", "chat": chat, "type": "closed" }),
        ];
        Box::pin(ready(events.iter().map(posted).collect()))
    }
}

impl Desk {
    fn perform(&self, request: &Request) -> (u16, Value) {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let parts: Vec<_> = path.trim_matches('/').split('/').collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["account"]) => (200, json!({ "name": "Kit" })),
            ("POST", ["chats"]) => self.make(&request.json()),
            ("GET", ["chats"]) => (200, self.list(query.strip_prefix("key=").unwrap_or_default())),
            ("POST", ["chats", id, "queue"]) => self.change(id, |chat| {
                chat.queued = true;
                json!({ "state": "queued" })
            }),
            ("POST", ["chats", id, "messages"]) => {
                let body = request.json();
                self.change(id, |chat| write(chat, &body))
            }
            _ => (404, json!({ "error": "no such thing" })),
        }
    }

    /// Makes one more chat, whatever its key: it is the connector that has to look first.
    fn make(&self, body: &Value) -> (u16, Value) {
        let mut chats = self.0.lock();
        let id = format!("chat{}", chats.len() + 1);
        let text = |line: &Value| (String::new(), line["text"].as_str().unwrap_or_default().to_owned());
        let words = body["history"].as_array().into_iter().flatten().map(text).collect();
        let key = body["key"].as_str().unwrap_or_default().to_owned();
        chats.push(Made { id: id.clone(), key, queued: false, words });
        (201, json!({ "id": id }))
    }

    fn list(&self, key: &str) -> Value {
        let chats = self.0.lock();
        let state = |queued| if queued { "queued" } else { "new" };
        let found = chats.iter().filter(|chat| chat.key == key);
        let found: Vec<_> = found.map(|chat| json!({ "id": chat.id, "state": state(chat.queued) })).collect();
        json!({ "chats": found })
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Made) -> Value) -> (u16, Value) {
        match self.0.lock().iter_mut().find(|chat| chat.id == id) {
            Some(chat) => (200, change(chat)),
            None => (404, json!({ "error": "no such chat" })),
        }
    }
}

/// Keeps one message for each external id.
fn write(chat: &mut Made, body: &Value) -> Value {
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let (id, said) = (text("external_id"), text("text"));
    if !chat.words.iter().any(|(known, _)| *known == id) {
        chat.words.push((id.clone(), said));
    }
    json!({ "id": format!("m-{id}") })
}

fn seen(chat: &Made) -> Chat {
    let words = chat.words.iter().map(|(_, text)| text.clone()).collect();
    Chat { id: chat.id.clone(), held: chat.queued, words: Some(words) }
}

/// An event as it is posted to our webhook.
fn posted(event: &Value) -> Receive {
    Receive {
        method: "POST".to_owned(),
        path: String::new(),
        query: String::new(),
        headers: BTreeMap::from([("x-acme-secret".to_owned(), WEBHOOK_SECRET.to_owned())]),
        body: event.to_string(),
        at: Timestamp(1_790_000_000_000),
    }
}
