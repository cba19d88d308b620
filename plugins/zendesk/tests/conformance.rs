//! The plugin file against the conformance kit, with a simulated Zendesk behind it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{collections::BTreeMap, sync::Arc};

use futures::future::BoxFuture;
use handoff_conformance::{Answer, Chat, Kept, Platform, Request, Scenario, pass_on};
use handoff_model::{Timestamp, connector::Receive};
use handoff_simulators::zendesk::{self, Options};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

handoff_conformance::test!(Zendesk);

struct Zendesk;

impl Scenario for Zendesk {
    fn settings(&self, base: &str) -> Value {
        let (app, key) = ("67a0ecf8f0305f4a391e9d00", "app_67a0ecf8f0305f4a391e9d01");
        json!({ "base_url": format!("{base}/sc"), "app_id": app, "key_id": key })
    }

    fn secrets(&self) -> BTreeMap<String, String> {
        let secrets = [("key_secret", "sim-app-key-secret"), ("webhook_secret", "sim-webhook-secret")];
        secrets.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    fn platform(&self) -> BoxFuture<'_, Arc<dyn Platform>> {
        Box::pin(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let base = format!("http://{}", listener.local_addr().unwrap());
            let options = Options::from_args([]).unwrap();
            let task = tokio::spawn(async move { zendesk::serve(listener, options).await.unwrap() });
            let account = Account { base, task };
            // Events are written down and never leave.
            account.control("deliveries/hold", json!({})).await;
            account.control("webhook", json!({ "target": "http://127.0.0.1:9/" })).await;
            Arc::new(account) as _
        })
    }
}

/// A simulated account.
struct Account {
    base: String,
    task: JoinHandle<()>,
}

impl Account {
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

impl Drop for Account {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Platform for Account {
    fn answer(&self, request: Request) -> BoxFuture<'_, Answer> {
        Box::pin(pass_on(&self.base, request))
    }

    fn chats<'a>(&'a self, key: &'a str, _kept: &'a Kept) -> BoxFuture<'a, Vec<Chat>> {
        Box::pin(async move {
            let seen = self.look("inspect").await;
            let all = seen["conversations"].as_array().cloned().unwrap_or_default();
            let ours = all.into_iter().filter(|conversation| conversation["metadata"]["handoffId"] == key);
            let chat = |conversation: Value| {
                let messages = conversation["messages"].as_array().cloned().unwrap_or_default();
                let texts = messages.iter().map(|message| {
                    message["content"]["text"]
                        .as_str()
                        .or(message["text"].as_str())
                        .unwrap_or_default()
                        .to_owned()
                });
                Chat {
                    id: conversation["id"].as_str().unwrap_or_default().to_owned(),
                    held: conversation["active"] == "zd-agentWorkspace",
                    words: Some(texts.collect()),
                }
            };
            ours.map(chat).collect()
        })
    }

    fn deliveries<'a>(&'a self, chat: &'a str, _base: &'a str) -> BoxFuture<'a, Vec<Receive>> {
        Box::pin(async move {
            for text in ["Hi, Maria here", "How can I help?"] {
                self.control("agent/reply", json!({ "conversation": chat, "text": text })).await;
            }
            let told = self.look("deliveries").await["deliveries"].as_array().cloned().unwrap_or_default();
            told.iter().map(posted).collect()
        })
    }
}

/// A delivery as it would arrive.
fn posted(delivery: &Value) -> Receive {
    let headers = delivery["headers"].as_object().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Receive {
        method: "POST".into(),
        path: String::new(),
        query: String::new(),
        headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), text(value))).collect(),
        body: delivery["body"].to_string(),
        at: Timestamp(1_790_000_000_000),
    }
}
