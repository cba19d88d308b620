//! The plugin file against the conformance kit, with a simulated Zendesk behind it: the three ways on which a chat
//! leaves.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use futures::future::BoxFuture;
use handoff_conformance::{
    Answer, Chat, Kept, Platform, Request, Scenario, pass_on,
    scenario::{SAID, bridge},
};
use handoff_model::{
    Route, Timestamp,
    connector::{Receive, Transfer},
};
use handoff_simulators::zendesk::{self, Options};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

handoff_conformance::test! {
    by_bridge: Zendesk(Route::Bridge),
    natively: Zendesk(Route::Native),
    by_ticket: Zendesk(Route::Ticket),
}

/// An account of which one route is used.
struct Zendesk(Route);

impl Scenario for Zendesk {
    fn settings(&self, base: &str) -> Value {
        let (app, key) = ("67a0ecf8f0305f4a391e9d00", "app_67a0ecf8f0305f4a391e9d01");
        let mut settings = json!({ "base_url": format!("{base}/sc"), "app_id": app, "key_id": key });
        if self.0 == Route::Ticket {
            settings["support_user"] = json!("admin@example.org");
        }
        settings
    }

    fn fields(&self) -> Vec<String> {
        let fields = ["group", "brand", "form"];
        fields.into_iter().filter(|_| self.0 == Route::Ticket).map(str::to_owned).collect()
    }

    /// Tickets came later.
    fn earlier_settings(&self, base: &str) -> Vec<Value> {
        vec![Zendesk(Route::Bridge).settings(base)]
    }

    fn secrets(&self) -> BTreeMap<String, String> {
        let secrets = [
            ("key_secret", "sim-app-key-secret"),
            ("webhook_secret", "sim-webhook-secret"),
            ("support_secret", "sim-support-token"),
        ];
        secrets.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    fn platform(&self) -> BoxFuture<'_, Arc<dyn Platform>> {
        Box::pin(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let base = format!("http://{}", listener.local_addr().unwrap());
            // Where chats begin on Zendesk our integration answers first.
            let arguments: &[&str] =
                if self.0 == Route::Native { &["--channel-responder", "handoff"] } else { &[] };
            let options = Options::from_args(arguments.iter().copied()).unwrap();
            let task = tokio::spawn(async move { zendesk::serve(listener, options).await.unwrap() });
            let account = Account { base, task, route: self.0, chats: Mutex::default() };
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
    route: Route,
    /// The chats that began on Zendesk, by the keys of their handoffs.
    chats: Mutex<BTreeMap<String, String>>,
}

impl Account {
    /// A person writes on a channel of Zendesk's; the chat.
    async fn begins(&self) -> String {
        let begun = self.control("user_message", json!({ "name": "Ann", "text": "A human, please" })).await;
        begun["conversation"].as_str().unwrap().to_owned()
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
            let all = |list: &Value| list.as_array().cloned().unwrap_or_default();
            if self.route == Route::Ticket {
                let tickets = all(&seen["live_agent"]["chats"]).into_iter();
                let ours = tickets.filter(|ticket| ticket["external_id"] == format!("handoff:{key}"));
                return ours.map(|ticket| as_ticket(&ticket)).collect();
            }
            let known = self.chats.lock().unwrap().get(key).cloned();
            let ours = |conversation: &Value| match &known {
                Some(chat) => conversation["id"] == chat.as_str(),
                None => conversation["metadata"]["handoffId"] == key,
            };
            let chat = |conversation: Value| Chat {
                id: conversation["id"].as_str().unwrap_or_default().to_owned(),
                held: conversation["active"] == "zd-agentWorkspace",
                // Zendesk had the words of its own chats before.
                words: known.is_none().then(|| texts(&conversation["messages"])),
            };
            all(&seen["conversations"]).into_iter().filter(ours).map(chat).collect()
        })
    }

    fn transfer<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Transfer> {
        Box::pin(async move {
            let left = Transfer { route: self.route, ..bridge(key) };
            if self.route != Route::Native {
                return left;
            }
            let chat = self.begins().await;
            self.chats.lock().unwrap().insert(key.to_owned(), chat.clone());
            let (chat, platform_session) = (Some(chat), Some("1000".to_owned()));
            Transfer { chat, platform_session, transcript: Vec::new(), ..left }
        })
    }

    fn own_chat(&self) -> BoxFuture<'_, Option<String>> {
        Box::pin(async move {
            match self.route {
                Route::Native => Some(self.begins().await),
                _ => None,
            }
        })
    }

    fn said<'a>(&'a self, chat: &'a str) -> BoxFuture<'a, Vec<String>> {
        Box::pin(async move {
            let seen = self.look("inspect").await;
            let found =
                seen["conversations"].as_array().unwrap().iter().find(|one| one["id"] == chat).cloned();
            let mut messages = found.unwrap_or_default()["messages"].clone();
            messages.as_array_mut().unwrap().retain(|message| message["author"]["type"] != "user");
            texts(&messages)
        })
    }

    fn deliveries<'a>(&'a self, chat: &'a str, _base: &'a str) -> BoxFuture<'a, Vec<Receive>> {
        Box::pin(async move {
            if self.route == Route::Ticket {
                return Vec::new();
            }
            for text in ["Hi, Maria here", "How can I help?"] {
                self.control("agent/reply", json!({ "conversation": chat, "text": text })).await;
            }
            let told = self.look("deliveries").await["deliveries"].as_array().cloned().unwrap_or_default();
            told.iter().map(posted).collect()
        })
    }
}

fn texts(messages: &Value) -> Vec<String> {
    let text = |message: &Value| {
        let text = message["content"]["text"].as_str().or(message["text"].as_str());
        text.unwrap_or_default().to_owned()
    };
    messages.as_array().into_iter().flatten().map(text).collect()
}

/// A ticket, whose first comment holds what was said.
fn as_ticket(ticket: &Value) -> Chat {
    let comment = ticket["messages"][0]["text"].as_str().unwrap_or_default();
    let found = SAID.iter().flat_map(|said| comment.match_indices(said));
    let mut words: Vec<_> = found.map(|(at, said)| (at, said.to_owned())).collect();
    words.sort();
    let words = words.into_iter().map(|(_, said)| said).collect();
    let held = ticket["status"] != "solved" && ticket["status"] != "closed";
    Chat { id: ticket["ticket"].to_string(), held, words: Some(words) }
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
