//! The desk of the template with what is around its chats: hooks, a team, groups, and a channel of its own.

#[path = "../../../../xtask/template/tests/conformance/desk.rs"]
mod desk;

use std::{collections::BTreeMap, sync::Arc};

use futures::future::{BoxFuture, ready};
use handoff_conformance::{Answer, Chat, Kept, Platform, Request, Scenario};
use handoff_model::connector::Receive;
use parking_lot::Mutex;
use serde_json::{Value, json};

/// The secrets of the desk.
pub(crate) fn secrets() -> BTreeMap<String, String> {
    desk::Scene.secrets()
}

/// The fields for which the desk has choices.
pub(crate) const FIELDS: [&str; 1] = ["group"];
/// The chat that a person began on the desk's own channel.
const TALK: &str = "talk1";

/// An account.
#[derive(Default)]
pub(crate) struct Account {
    desk: desk::Desk,
    hooks: Mutex<Vec<Value>>,
    /// External id and text of what was said in the talk.
    said: Mutex<Vec<(String, String)>>,
}

impl Account {
    pub(crate) fn fresh() -> Arc<dyn Platform> {
        Arc::new(Self::default())
    }

    /// None for what the desk itself answers.
    fn perform(&self, request: &Request) -> Option<Value> {
        let body = request.json();
        Some(match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/hooks") => json!({ "hooks": *self.hooks.lock() }),
            ("POST", "/hooks") => {
                self.hooks.lock().push(body["url"].clone());
                json!({ "done": true })
            }
            ("GET", "/team") => json!({ "online": 0 }),
            ("GET", "/groups") => {
                json!({ "groups": [{ "id": "g1", "name": "Parcels" }, { "id": "g2", "name": "Letters" }] })
            }
            ("POST", "/talks/talk1/messages") => self.say(&body),
            ("POST", path) if path.ends_with("/tags") => json!({ "done": true }),
            _ => return None,
        })
    }

    /// Keeps one message for each external id.
    fn say(&self, body: &Value) -> Value {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let (id, mut said) = (text("external_id"), self.said.lock());
        if !said.iter().any(|(known, _)| *known == id) {
            said.push((id.clone(), text("text")));
        }
        json!({ "id": id })
    }
}

impl Platform for Account {
    fn answer(&self, request: Request) -> BoxFuture<'_, Answer> {
        match self.perform(&request) {
            Some(body) => Box::pin(ready(Answer::json(200, &body))),
            None => self.desk.answer(request),
        }
    }

    fn chats<'a>(&'a self, key: &'a str, kept: &'a Kept) -> BoxFuture<'a, Vec<Chat>> {
        self.desk.chats(key, kept)
    }

    fn deliveries<'a>(&'a self, chat: &'a str, base: &'a str) -> BoxFuture<'a, Vec<Receive>> {
        self.desk.deliveries(chat, base)
    }

    fn own_chat(&self) -> BoxFuture<'_, Option<String>> {
        Box::pin(ready(Some(TALK.to_owned())))
    }

    fn said<'a>(&'a self, _chat: &'a str) -> BoxFuture<'a, Vec<String>> {
        let said = self.said.lock().iter().map(|(_, text)| text.clone()).collect();
        Box::pin(ready(said))
    }

    fn set_up(&self) -> BoxFuture<'_, Option<String>> {
        let hooks = json!(*self.hooks.lock()).to_string();
        Box::pin(ready(Some(hooks)))
    }

    fn attended(&self) -> Option<bool> {
        Some(false)
    }
}
