//! The plugin file against the conformance kit, with a simulated portal behind it: chats that are on the portal
//! already and leave for its operators. The way of other channels' chats is tried in `journey`.

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
        let secrets = [
            ("webhook_code", "simulatedwebhook"),
            ("bot_token", "bot-token"),
            ("application_token", "831c76b092f9f135d9b6b36c3a720757"),
            ("client_secret", "simulatedclientsecret"),
        ];
        secrets.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    fn platform(&self) -> BoxFuture<'_, Arc<dyn Platform>> {
        Box::pin(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let base = format!("http://{}", listener.local_addr().unwrap());
            let options = Flags::parse_from(["sim", "--rate-limit", "false"]).options;
            let task = tokio::spawn(async move { bitrix24::serve(listener, options).await.unwrap() });
            let portal = Portal { base, task };
            // Events are written down and never leave.
            portal.control("deliveries/hold", json!({})).await;
            Arc::new(portal) as _
        })
    }

    fn installs(&self) -> bool {
        true
    }
}

/// A simulated portal.
struct Portal {
    base: String,
    task: JoinHandle<()>,
}

impl Portal {
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
        Box::pin(async move {
            let told = self.look("deliveries").await["deliveries"].as_array().cloned().unwrap_or_default();
            told.iter().map(|delivery| posted(delivery, &self.base, base)).collect()
        })
    }
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
