//! A served portal, a handler for its events, and short words for long calls.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use clap::Parser;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::super::{Options, php, serve};

/// No test waits longer than this for an event.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    options: Options,
}

/// An event as it arrived: headers, and fields decoded.
pub(super) struct Arrived {
    pub(super) headers: HeaderMap,
    pub(super) raw: String,
    pub(super) fields: Map<String, Value>,
}

impl Arrived {
    pub(super) fn name(&self) -> &str {
        self.fields["event"].as_str().unwrap()
    }

    pub(super) fn at(&self, pointer: &str) -> &str {
        let value = self.fields["data"].pointer(pointer);
        value.and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer} in {:?}", self.fields))
    }
}

/// A portal, its address, and the events it sent to us.
pub(super) struct Portal {
    pub(super) base: String,
    pub(super) http: reqwest::Client,
    pub(super) handler: String,
    events: mpsc::UnboundedReceiver<Arrived>,
}

/// A portal with these flags, and a handler that answers 200.
pub(super) async fn portal(flags: &str) -> Portal {
    portal_answered(flags, 200).await
}

/// A portal whose events are answered with this status.
pub(super) async fn portal_answered(flags: &str, status: u16) -> Portal {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let options = Flags::parse_from(format!("sim {flags}").split_whitespace()).options;
    tokio::spawn(async move { serve(listener, options).await.unwrap() });
    let (sender, events) = mpsc::unbounded_channel();
    let handler = handler(sender, status).await;
    // Fails only when a provider is installed already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    Portal { base, http, handler, events }
}

async fn handler(sender: mpsc::UnboundedSender<Arrived>, status: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/bot/secret", listener.local_addr().unwrap());
    let receive = move |State(sender): State<mpsc::UnboundedSender<Arrived>>,
                        headers: HeaderMap,
                        body: Bytes| async move {
        let raw = String::from_utf8(body.to_vec()).unwrap();
        let fields = php::decode(&body);
        let _ = sender.send(Arrived { headers, raw, fields });
        axum::http::StatusCode::from_u16(status).unwrap()
    };
    let router = axum::Router::new().route("/bot/secret", axum::routing::post(receive)).with_state(sender);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

impl Portal {
    /// Calls a method through the inbound webhook.
    pub(super) async fn call(&self, method: &str, body: Value) -> (u16, Value) {
        let url = format!("{}/rest/1/simulatedwebhook/{method}", self.base);
        answered(self.http.post(url).json(&body)).await
    }

    /// Calls a method with an access token.
    pub(super) async fn call_as(&self, token: &str, method: &str, mut body: Value) -> (u16, Value) {
        body["auth"] = json!(token);
        answered(self.http.post(format!("{}/rest/{method}", self.base)).json(&body)).await
    }

    /// Calls a method through the webhook and expects success.
    pub(super) async fn ok(&self, method: &str, body: Value) -> Value {
        let (status, answer) = self.call(method, body).await;
        assert_eq!(status, 200, "{method}: {answer}");
        answer["result"].clone()
    }

    /// Calls a method through the webhook and expects this error.
    pub(super) async fn refused(&self, method: &str, body: Value, status: u16, code: &str) {
        let (found, answer) = self.call(method, body.clone()).await;
        assert_eq!((found, answer["error"].as_str()), (status, Some(code)), "{method} {body}: {answer}");
    }

    /// A bot call: the bot's id and token are filled in.
    pub(super) async fn bot_call(&self, method: &str, mut body: Value) -> (u16, Value) {
        body["botId"] = json!(456);
        body["botToken"] = json!("bot-token");
        self.call(&format!("imbot.v2.{method}"), body).await
    }

    /// A bot call that is expected to succeed.
    pub(super) async fn bot_ok(&self, method: &str, body: Value) -> Value {
        let (status, answer) = self.bot_call(method, body).await;
        assert_eq!(status, 200, "{method}: {answer}");
        answer["result"].clone()
    }

    /// Registers the bot 456 of the webhook, told of events by post.
    pub(super) async fn register(&self) {
        let fields = self.bot_fields("webhook");
        let result = self.ok("imbot.v2.Bot.register", json!({ "fields": fields })).await;
        assert_eq!(result["bot"]["id"], 456);
    }

    /// What `register` sends.
    pub(super) fn bot_fields(&self, mode: &str) -> Value {
        json!({
            "code": "helper", "type": "openline", "eventMode": mode, "webhookUrl": self.handler,
            "botToken": "bot-token", "properties": { "name": "Helper" },
        })
    }

    /// Uses a control route.
    pub(super) async fn sim(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.sim_raw(path, body).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// Uses a control route, whatever the answer.
    pub(super) async fn sim_raw(&self, path: &str, body: Value) -> (u16, Value) {
        answered(self.http.post(format!("{}/_sim/{path}", self.base)).json(&body)).await
    }

    /// Looks at a control route.
    pub(super) async fn look(&self, path: &str) -> Value {
        answered(self.http.get(format!("{}/_sim/{path}", self.base))).await.1
    }

    /// The customer writes. Returns chat and session.
    pub(super) async fn says(&self, text: &str) -> (i64, i64) {
        let written = self.sim("person/message", json!({ "person": "ann", "text": text })).await;
        (written["chat_id"].as_i64().unwrap(), written["session_id"].as_i64().unwrap())
    }

    /// The first chat as the live agent sees it.
    pub(super) async fn desk(&self) -> Value {
        self.look("inspect").await["live_agent"]["chats"][0].clone()
    }

    /// Waits until the first chat looks as wanted.
    pub(super) async fn until(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut after = 0;
        let search = async {
            loop {
                let state = self.look(&format!("inspect?after={after}&timeout_ms=5000")).await;
                let chat = &state["live_agent"]["chats"][0];
                if wanted(chat) {
                    return chat.clone();
                }
                after = state["revision"].as_u64().unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, search).await.expect("the chat never looked as wanted")
    }

    /// The next event sent to the bot.
    pub(super) async fn event(&mut self) -> Arrived {
        tokio::time::timeout(PATIENCE, self.events.recv()).await.expect("no event came").unwrap()
    }

    /// The next message told to the bot; other events on the way are dropped.
    pub(super) async fn told(&mut self) -> Arrived {
        loop {
            let event = self.event().await;
            if event.name() == "ONIMBOTV2MESSAGEADD" {
                return event;
            }
        }
    }

    /// How many deliveries there were, whatever became of them.
    pub(super) async fn deliveries(&self) -> Vec<Value> {
        self.look("deliveries").await["deliveries"].as_array().cloned().unwrap()
    }
}

/// Sends a request and reads its JSON answer.
pub(super) async fn answered(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
