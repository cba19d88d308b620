//! A scenario as plain data: a platform that is there already, and how to see what it holds.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::scenario::{Answer, Chat, Kept, Platform, Request, Scenario};

/// A platform elsewhere, such as a simulator or a sandbox: the kit stands between it and the connector.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relay {
    /// Address of the platform, such as `http://127.0.0.1:4001`.
    pub platform: String,
    /// Settings of the connection; `{platform}` in a text stands for the address at which the kit answers.
    #[serde(default)]
    pub settings: Value,
    /// Secrets by name, as the platform knows them.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    /// Whether the connector is to be installed first.
    #[serde(default)]
    pub install: bool,
    /// Requests by which the platform forgets everything and is made ready again, before each case: method,
    /// path and body, such as `POST /_sim/reset {}`.
    #[serde(default)]
    pub reset: Vec<String>,
    /// Fields for which the connector gives live choices.
    #[serde(default)]
    pub fields: Vec<String>,
    /// Settings that an earlier version took, as `settings`.
    #[serde(default)]
    pub earlier_settings: Vec<Value>,
    /// Where to see what the platform made for a handoff.
    pub chats: Look,
}

/// How to see what the platform made for a handoff.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// Path that gives it as JSON; `{key}` in it stands for the handoff's key.
    pub get: String,
    /// JSON pointer to the list of chats.
    pub list: String,
    /// JSON pointer to the handoff's key within a chat; without one the list holds those of the key only.
    #[serde(default)]
    pub key: Option<String>,
    /// JSON pointer to the chat's id.
    pub id: String,
    /// JSON pointer to the chat's state, and the states in which live agents have it; without one they have it
    /// when it is there.
    #[serde(default)]
    pub state: Option<(String, Vec<String>)>,
    /// JSON pointer to the list of messages, and to the text within one.
    #[serde(default)]
    pub words: Option<(String, String)>,
}

impl Scenario for Relay {
    fn settings(&self, base: &str) -> Value {
        filled(&self.settings, base)
    }

    fn secrets(&self) -> BTreeMap<String, String> {
        self.secrets.clone()
    }

    fn platform(&self) -> BoxFuture<'_, Arc<dyn Platform>> {
        Box::pin(async move {
            let elsewhere = Elsewhere { relay: self.clone() };
            for line in &self.reset {
                let mut words = line.splitn(3, ' ').map(str::to_owned);
                let mut word = || words.next().unwrap_or_default();
                let (method, path, body) = (word(), word(), word());
                let headers = BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]);
                // A platform that does not forget shows soon enough.
                drop(elsewhere.answer(Request { method, path, headers, body }).await);
            }
            Arc::new(elsewhere) as Arc<dyn Platform>
        })
    }

    fn installs(&self) -> bool {
        self.install
    }

    fn fields(&self) -> Vec<String> {
        self.fields.clone()
    }

    fn earlier_settings(&self, base: &str) -> Vec<Value> {
        self.earlier_settings.iter().map(|settings| filled(settings, base)).collect()
    }
}

struct Elsewhere {
    relay: Relay,
}

impl Platform for Elsewhere {
    fn answer(&self, request: Request) -> BoxFuture<'_, Answer> {
        Box::pin(async move { pass_on(&self.relay.platform, request).await })
    }

    fn chats<'a>(&'a self, key: &'a str, _kept: &'a Kept) -> BoxFuture<'a, Vec<Chat>> {
        Box::pin(async move {
            let look = &self.relay.chats;
            let request = Request {
                method: "GET".to_owned(),
                path: look.get.replace("{key}", key),
                headers: BTreeMap::new(),
                body: String::new(),
            };
            let seen: Value = serde_json::from_str(&self.answer(request).await.body).unwrap_or_default();
            let list = seen.pointer(&look.list).and_then(Value::as_array).cloned().unwrap_or_default();
            let ours = |chat: &&Value| {
                look.key.as_deref().is_none_or(|at| chat.pointer(at).and_then(Value::as_str) == Some(key))
            };
            list.iter().filter(ours).map(|chat| look.chat(chat)).collect()
        })
    }
}

impl Look {
    fn chat(&self, chat: &Value) -> Chat {
        let text = |value: &Value, at: &str| match value.pointer(at) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let words = self.words.as_ref().map(|(list, at)| {
            let messages = chat.pointer(list).and_then(Value::as_array);
            messages.into_iter().flatten().map(|message| text(message, at)).collect()
        });
        let held = self.state.as_ref().is_none_or(|(at, states)| states.contains(&text(chat, at)));
        Chat { id: text(chat, &self.id), held, words }
    }
}

/// Sends a request on to a platform, such as a simulator at `http://127.0.0.1:4001`. That it does not answer is
/// answered with 502.
pub async fn pass_on(platform: &str, request: Request) -> Answer {
    let answer = exchange(&web(), platform, request).await;
    answer.unwrap_or_else(|error: reqwest::Error| {
        let text = format!("the platform of the scenario does not answer: {}", error.without_url());
        Answer::json(502, &json!({ "error": text }))
    })
}

/// One client for all: making one takes long. It keeps no connection, since scenes come and go.
fn web() -> reqwest::Client {
    static WEB: OnceLock<reqwest::Client> = OnceLock::new();
    let builder = || {
        // Fails when a provider is there already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0)
    };
    WEB.get_or_init(|| builder().build().unwrap_or_default()).clone()
}

async fn exchange(web: &reqwest::Client, platform: &str, request: Request) -> Result<Answer, reqwest::Error> {
    // A method that is none is the platform's to refuse.
    let method = reqwest::Method::from_bytes(request.method.as_bytes()).unwrap_or(reqwest::Method::GET);
    let mut sent = web.request(method, format!("{platform}{}", request.path)).body(request.body);
    for (name, value) in &request.headers {
        if !matches!(name.as_str(), "host" | "content-length" | "connection" | "transfer-encoding") {
            sent = sent.header(name, value);
        }
    }
    let answer = sent.send().await?;
    let status = answer.status().as_u16();
    let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = answer.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    Ok(Answer { status, headers, body: answer.text().await? })
}

fn filled(settings: &Value, base: &str) -> Value {
    match settings {
        Value::String(text) => json!(text.replace("{platform}", base)),
        Value::Array(list) => list.iter().map(|value| filled(value, base)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), filled(value, base)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}
