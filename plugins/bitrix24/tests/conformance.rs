//! The plugin file against the conformance kit, with a simulated portal behind it: chats that are on the portal
//! already and leave for its operators, and chats of other channels that reach an open channel.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{collections::BTreeMap, sync::Arc};

use clap::Parser;
use futures::future::BoxFuture;
use handoff_conformance::{
    Answer, Chat, Kept, Platform, Request, Scenario, pass_on,
    scenario::{bridge, person},
};
use handoff_model::{
    Route, Timestamp,
    connector::{Receive, Transfer},
};
use handoff_simulators::bitrix24;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

handoff_conformance::test!(Bitrix24);

#[test]
fn the_bridge_keeps_every_promise() {
    handoff_conformance::assert_conforms(env!("CARGO_PKG_NAME"), &Bridge);
}

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    options: bitrix24::Options,
}

struct Bitrix24;

impl Scenario for Bitrix24 {
    fn settings(&self, base: &str) -> Value {
        json!({ "portal": base, "webhook_user_id": 1, "bot_code": "acme_assistant" })
    }

    fn secrets(&self) -> BTreeMap<String, String> {
        secrets()
    }

    fn platform(&self) -> BoxFuture<'_, Arc<dyn Platform>> {
        Box::pin(async { Arc::new(Portal::start().await) as _ })
    }

    fn installs(&self) -> bool {
        true
    }
}

/// Chats of other channels, through the connector of a local application.
struct Bridge;

impl Scenario for Bridge {
    fn settings(&self, base: &str) -> Value {
        json!({
            "portal": base, "client_id": "local.65f0c0ffee0001.12345678", "native": false, "line": 22,
            "connector_code": CONNECTOR,
        })
    }

    fn secrets(&self) -> BTreeMap<String, String> {
        secrets()
    }

    fn platform(&self) -> BoxFuture<'_, Arc<dyn Platform>> {
        Box::pin(async { Arc::new(OpenChannel(Portal::start().await)) as _ })
    }

    fn installs(&self) -> bool {
        true
    }
}

/// How the connector of the local application is called.
const CONNECTOR: &str = "acme_webchat";

fn secrets() -> BTreeMap<String, String> {
    let secrets = [
        ("webhook_code", "simulatedwebhook"),
        ("bot_token", "bot-token"),
        ("application_token", "831c76b092f9f135d9b6b36c3a720757"),
        ("client_secret", "simulatedclientsecret"),
    ];
    secrets.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// A simulated portal.
struct Portal {
    base: String,
    task: JoinHandle<()>,
}

impl Portal {
    /// A portal whose events are written down and never leave.
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let options = Flags::parse_from(["sim", "--rate-limit", "false"]).options;
        let task = tokio::spawn(async move { bitrix24::serve(listener, options).await.unwrap() });
        let portal = Self { base, task };
        portal.control("deliveries/hold", json!({})).await;
        portal
    }

    /// What the portal told of so far, as it would arrive from `base`, of events that begin so.
    async fn told(&self, event: &str, base: &str) -> Vec<Receive> {
        let told = self.look("deliveries").await["deliveries"].as_array().cloned().unwrap_or_default();
        let wanted = format!("event={event}");
        let fits = |delivery: &Receive| delivery.body.starts_with(&wanted);
        told.iter().map(|delivery| posted(delivery, &self.base, base)).filter(fits).collect()
    }

    async fn control(&self, path: &str, body: Value) -> Value {
        self.simulator("POST", path, body).await
    }

    async fn look(&self, path: &str) -> Value {
        self.simulator("GET", path, Value::Null).await
    }

    /// Asks the simulator itself.
    async fn simulator(&self, method: &str, path: &str, body: Value) -> Value {
        let headers = BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]);
        let (method, path) = (method.to_owned(), format!("/_sim/{path}"));
        let asked = Request { method, path, headers, body: body.to_string() };
        let answer = pass_on(&self.base, asked).await;
        assert!((200..300).contains(&answer.status), "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Platform for Portal {
    fn answer(&self, request: Request) -> BoxFuture<'_, Answer> {
        Box::pin(pass_on(&self.base, request))
    }

    /// One entry for each call that gave the person's chat to operators.
    fn chats<'a>(&'a self, key: &'a str, _kept: &'a Kept) -> BoxFuture<'a, Vec<Chat>> {
        Box::pin(async move {
            let seen = self.look("inspect").await;
            let mut chats = Vec::new();
            for chat in seen["live_agent"]["chats"].as_array().into_iter().flatten() {
                if !chat.to_string().contains(&person(key).id) {
                    continue;
                }
                let id = chat["chat_id"].as_u64().or(chat["id"].as_u64()).unwrap_or_default().to_string();
                let calls = chat["handoff_calls"].as_u64().unwrap_or_default();
                let held = chat["status"] == "queue";
                chats.extend((0..calls).map(|_| Chat { id: id.clone(), held, words: None }));
            }
            chats
        })
    }

    /// The chat begins on the portal, where the assistant is the bot.
    fn transfer<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Transfer> {
        Box::pin(async move {
            let said = json!({ "person": person(key).id, "text": "a human please" });
            let chat = self.control("person/message", said).await["chat_id"].as_u64().unwrap();
            let (route, chat) = (Route::Native, Some(chat.to_string()));
            Transfer { route, chat, transcript: Vec::new(), ..bridge(key) }
        })
    }

    fn deliveries<'a>(&'a self, _chat: &'a str, base: &'a str) -> BoxFuture<'a, Vec<Receive>> {
        Box::pin(self.told("", base))
    }
}

/// The open channel of a portal on which the local application is installed.
struct OpenChannel(Portal);

impl Platform for OpenChannel {
    fn answer(&self, request: Request) -> BoxFuture<'_, Answer> {
        self.0.answer(request)
    }

    /// Every chat of the connector in which the handoff's key stands.
    fn chats<'a>(&'a self, key: &'a str, _kept: &'a Kept) -> BoxFuture<'a, Vec<Chat>> {
        Box::pin(async move {
            let seen = self.0.look("inspect").await;
            let chats = seen["live_agent"]["chats"].as_array().cloned().unwrap_or_default();
            let ours = |chat: &&Value| {
                let name = chat["fields"]["entity_id"].as_str().unwrap_or_default();
                name.split('|').nth(2) == Some(key)
            };
            chats.iter().filter(ours).map(carried).collect()
        })
    }

    fn introductions<'a>(&'a self, base: &'a str) -> BoxFuture<'a, Vec<Receive>> {
        Box::pin(async move {
            let install = json!({ "handler": "https://handoff.example/webhooks/kit" });
            self.0.control("app/install", install).await;
            self.0.told("ONAPPINSTALL", base).await
        })
    }

    /// An operator answers, says something again, and finishes the session.
    fn deliveries<'a>(&'a self, chat: &'a str, base: &'a str) -> BoxFuture<'a, Vec<Receive>> {
        Box::pin(async move {
            let chat: i64 = chat.parse().unwrap();
            self.0.control("operator/accept", json!({ "chat_id": chat, "operator": 27 })).await;
            for text in ["Good day", "It is on its way"] {
                let reply = json!({ "chat_id": chat, "operator": 27, "text": text });
                self.0.control("operator/reply", reply).await;
            }
            self.0.control("operator/close", json!({ "chat_id": chat })).await;
            self.0.told("ONIMCONNECTOR", base).await
        })
    }
}

/// A chat of the connector, with what the customer is seen to have said: the history is one message with a line for
/// each that it tells of.
fn carried(chat: &Value) -> Chat {
    let lines = chat["messages"].as_array().cloned().unwrap_or_default();
    let said = lines.iter().filter(|line| line["author"] == "customer");
    let texts = said.filter_map(|line| line["text"].as_str()).map(|text| text.replace('\u{200b}', ""));
    let texts = texts.filter(|text| !text.contains("This chat comes from an assistant."));
    let words = texts.flat_map(|text| {
        let parts = text.split('\n').map(|part| part.split_once(" UTC): ").map_or(part, |(_, words)| words));
        parts.map(str::to_owned).collect::<Vec<_>>()
    });
    let held = chat["status"] == "queue" || chat["status"] == "live_agent";
    Chat { id: chat["id"].to_string(), held, words: Some(words.collect()) }
}

/// A delivery as it would arrive from the portal at `to`.
fn posted(delivery: &Value, from: &str, to: &str) -> Receive {
    let body = delivery["body"].as_str().map_or_else(|| delivery["body"].to_string(), str::to_owned);
    let (from, to) = (from.trim_start_matches("http://"), to.trim_start_matches("http://"));
    let encoded = |host: &str| host.replace(':', "%3A");
    Receive {
        method: "POST".into(),
        path: String::new(),
        query: String::new(),
        headers: BTreeMap::new(),
        body: body.replace(from, to).replace(&encoded(from), &encoded(to)),
        at: Timestamp(1_790_000_000_000),
    }
}
