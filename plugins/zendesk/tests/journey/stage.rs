//! A simulated Zendesk account, and a server that uses the connector as the real one does.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use handoff_sdk::{
    Advice, Connector,
    model::{
        Content, HandoffKey, Person, Route, Timestamp,
        connector::{
            Find, Found, HttpAuth, HttpBody, HttpError, HttpRequest, HttpResponse, SecretPlace, Speaker,
            TranscriptMessage, Transfer, Transferred,
        },
    },
    testing::FakeHost,
};
use handoff_simulators::zendesk::{self, Options};
use handoff_zendesk::Zendesk;
use serde_json::{Value, json};

use crate::schemas;

pub(crate) const APP: &str = "67a0ecf8f0305f4a391e9d00";
pub(crate) const APP_KEY: &str = "app_67a0ecf8f0305f4a391e9d01";
pub(crate) const NARROW_KEY: &str = "int_67a0ecf8f0305f4a391e9d02";
const SECRETS: [(&str, &str); 3] = [
    ("key_secret", "sim-app-key-secret"),
    ("webhook_secret", "sim-webhook-secret"),
    ("support_secret", "sim-support-token"),
];
/// The secret of the account's OAuth client.
const OAUTH_SECRET: &str = "sim-oauth-secret";

/// The simulated account.
pub(crate) struct Stage {
    pub(crate) base: String,
    web: reqwest::Client,
}

/// A server process with one connection.
pub(crate) struct Node {
    pub(crate) host: FakeHost,
    pub(crate) zendesk: Zendesk,
}

impl Stage {
    pub(crate) async fn start(args: &[&str]) -> Self {
        // Another test may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(zendesk::serve(listener, Options::from_args(args.iter().copied()).unwrap()));
        let stage = Self { base, web: client(Duration::from_secs(30)) };
        // Events are written down and never leave.
        stage.control("deliveries/hold", json!({})).await;
        stage.control("webhook", json!({ "target": "http://127.0.0.1:9/" })).await;
        stage
    }

    /// A control request to the simulator.
    pub(crate) async fn control(&self, path: &str, body: Value) -> Value {
        let answer = self.web.post(format!("{}/_sim/{path}", self.base)).json(&body).send().await.unwrap();
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{path}: {body}");
        body
    }

    pub(crate) async fn look(&self, path: &str) -> Value {
        self.web.get(format!("{}/_sim/{path}", self.base)).send().await.unwrap().json().await.unwrap()
    }

    pub(crate) async fn inspect(&self) -> Value {
        self.look("inspect").await
    }

    /// Somebody deletes a conversation of the account.
    pub(crate) async fn delete(&self, conversation: &str) {
        let address = format!("{}/sc/v2/apps/{APP}/conversations/{conversation}", self.base);
        let answer = self.web.delete(address).basic_auth(APP_KEY, Some(SECRETS[0].1)).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// Somebody with the app's key changes a part of the account.
    pub(crate) async fn patch(&self, path: &str, change: &Value) {
        let address = format!("{}/sc/v2/apps/{APP}{path}", self.base);
        let patch = self.web.patch(address).basic_auth(APP_KEY, Some(SECRETS[0].1)).json(change);
        let answer = patch.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// How many requests the account was sent so far.
    pub(crate) async fn requests(&self) -> usize {
        let requests = self.look("requests").await;
        requests.as_array().or_else(|| requests["requests"].as_array()).unwrap().len()
    }

    /// Somebody with the app's key passes control.
    pub(crate) async fn pass_control(&self, conversation: &str, target: &str) {
        let address = format!("{}/sc/v2/apps/{APP}/conversations/{conversation}/passControl", self.base);
        let pass = self.web.post(address).basic_auth(APP_KEY, Some(SECRETS[0].1));
        let answer = pass.json(&json!({ "switchboardIntegration": target })).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// Nothing goes wrong any more.
    pub(crate) async fn heal(&self) {
        let answer = self.web.delete(format!("{}/_sim/faults", self.base)).send().await.unwrap();
        assert!(answer.status().is_success());
    }

    /// Something goes wrong with the request after the next `skip`.
    pub(crate) async fn fault(&self, skip: usize, kind: Value) {
        self.control("faults", json!({ "faults": [{ "skip": skip, "times": 1, "kind": kind }] })).await;
    }

    /// Fresh account, faults gone.
    pub(crate) async fn reset(&self) {
        self.control("reset", json!({})).await;
        self.control("deliveries/hold", json!({})).await;
        self.control("webhook", json!({ "target": "http://127.0.0.1:9/" })).await;
    }

    /// Lets calls that are still under way have their effect.
    pub(crate) async fn settle(&self) {
        self.control("release", json!({})).await;
        let mut seen = self.inspect().await;
        while seen["control"]["held"] != json!(0) {
            let after = &seen["revision"];
            seen = self.look(&format!("inspect?after={after}&timeout_ms=5000")).await;
        }
        // Released requests run on; each tells of its end.
        loop {
            let requests = self.look("requests").await;
            let list = requests.as_array().or_else(|| requests["requests"].as_array()).unwrap();
            let open =
                list.iter().any(|request| request["status"].is_null() && request["fault"] == json!("hold"));
            if !open {
                return;
            }
            let after = &seen["revision"];
            seen = self.look(&format!("inspect?after={after}&timeout_ms=5000")).await;
        }
    }

    pub(crate) fn settings(&self) -> Value {
        json!({ "base_url": format!("{}/sc", self.base), "app_id": APP, "key_id": APP_KEY })
    }

    pub(crate) fn node(&self) -> Node {
        self.node_with(self.settings(), Duration::from_secs(20))
    }

    /// A node that gives up on an answer soon.
    pub(crate) fn hasty_node(&self) -> Node {
        self.node_with(self.settings(), Duration::from_millis(400))
    }

    pub(crate) fn node_with(&self, settings: Value, patience: Duration) -> Node {
        let web = client(patience);
        let answer = move |request| Box::pin(perform(web.clone(), request)) as _;
        let host = FakeHost::new(&SECRETS, Arc::new(answer));
        let zendesk = host.connector(&settings).unwrap();
        Node { host, zendesk }
    }

    /// A node at whose `n`-th look for comments, counted from 0, Zendesk gets done with what is held.
    pub(crate) fn node_with_late_effects(self: &Arc<Self>, settings: Value, n: usize) -> Node {
        let (web, looks, stage) =
            (client(Duration::from_secs(20)), Arc::new(AtomicUsize::new(0)), self.clone());
        let answer = move |request: HttpRequest| {
            let (web, looks, stage) = (web.clone(), looks.clone(), stage.clone());
            Box::pin(async move {
                let looks_now = request.method == "GET" && request.url.contains("/comments");
                if looks_now && looks.fetch_add(1, Ordering::SeqCst) == n {
                    stage.settle().await;
                }
                perform(web, request).await
            }) as _
        };
        let host = FakeHost::new(&SECRETS, Arc::new(answer));
        let zendesk = host.connector(&settings).unwrap();
        Node { host, zendesk }
    }

    /// A node that stops for ever at its `n`-th request, counted from 0, before or after sending it.
    /// The second value tells that it has stopped.
    pub(crate) fn mortal_node(&self, n: usize, after: bool) -> (Node, Arc<tokio::sync::Notify>) {
        self.mortal_node_with(self.settings(), n, after)
    }

    /// The same for a connection with these settings.
    pub(crate) fn mortal_node_with(
        &self,
        settings: Value,
        n: usize,
        after: bool,
    ) -> (Node, Arc<tokio::sync::Notify>) {
        let (web, count, stopped) = (
            client(Duration::from_secs(20)),
            Arc::new(AtomicUsize::new(0)),
            Arc::new(tokio::sync::Notify::new()),
        );
        let tell = stopped.clone();
        let answer = move |request| {
            let (web, tell) = (web.clone(), tell.clone());
            let is_last = count.fetch_add(1, Ordering::SeqCst) == n;
            Box::pin(async move {
                if !is_last {
                    return perform(web, request).await;
                }
                if after {
                    let _ = perform(web, request).await;
                }
                tell.notify_one();
                std::future::pending().await
            }) as _
        };
        let host = FakeHost::new(&SECRETS, Arc::new(answer));
        let zendesk = host.connector(&settings).unwrap();
        (Node { host, zendesk }, stopped)
    }

    /// The conversations of a handoff.
    pub(crate) async fn conversations(&self, key: &str) -> Vec<Value> {
        let all = self.inspect().await["conversations"].as_array().unwrap().clone();
        all.into_iter().filter(|conversation| conversation["metadata"]["handoffId"] == key).collect()
    }

    /// The live agents have the chat, once, whole and in order, and we hear of it.
    pub(crate) async fn assert_handed_over(&self, transfer: &Transfer, expected: &[&str], context: &str) {
        let key = transfer.key.as_str();
        let ours = self.conversations(key).await;
        assert_eq!(ours.len(), 1, "conversations, {context}: {ours:#?}");
        let conversation = &ours[0];
        assert_eq!(texts(&conversation["messages"]), expected, "{context}");
        assert_eq!(conversation["active"], "zd-agentWorkspace", "{context}");
        assert_eq!(conversation["pending"], "handoff", "{context}");
        let inspected = self.inspect().await;
        let chats = inspected["live_agent"]["chats"].as_array().unwrap();
        let chats: Vec<_> = chats.iter().filter(|chat| chat["id"] == conversation["id"]).collect();
        assert_eq!(chats.len(), 1, "tickets, {context}");
        assert_eq!(texts(&chats[0]["messages"]), expected, "as live agents see it, {context}");
    }
}

impl Node {
    /// The last checkpoint.
    pub(crate) fn left(&self) -> Option<Value> {
        self.host.checkpoints().last().cloned()
    }

    /// Sees a transfer through as the server does: waits, looks, goes on.
    pub(crate) async fn hand_over(&self, stage: &Stage, transfer: &Transfer) -> Transferred {
        let mut checkpoint = transfer.checkpoint.clone();
        for _ in 0..20 {
            let attempt = Transfer { checkpoint: checkpoint.clone(), ..transfer.clone() };
            let before = self.host.checkpoints().len();
            let error = match self.zendesk.transfer(&self.host.cx(), attempt).await {
                Ok(transferred) => return transferred,
                Err(error) => error,
            };
            if self.host.checkpoints().len() > before {
                checkpoint = self.left();
            }
            match error.advice() {
                Advice::RetryAfter(_) | Advice::Retry => {}
                Advice::LookFirst => match self.look(stage, transfer, checkpoint).await {
                    Ok(transferred) => return transferred,
                    Err(from) => checkpoint = from,
                },
                Advice::GiveUp | Advice::Reauthorise => panic!("{error}"),
            }
        }
        panic!("no end after twenty attempts");
    }

    /// What is there: the chat, or where to go on from.
    pub(crate) async fn look(
        &self,
        stage: &Stage,
        transfer: &Transfer,
        checkpoint: Option<Value>,
    ) -> Result<Transferred, Option<Value>> {
        for _ in 0..5 {
            let find = Find { transfer: Transfer { checkpoint: checkpoint.clone(), ..transfer.clone() } };
            let (from, safe_now) = match self.zendesk.find(&self.host.cx(), find).await {
                Ok(Found::There(transferred)) => return Ok(transferred),
                Ok(Found::Partly { checkpoint, safe_now, .. }) => (Some(checkpoint), safe_now),
                Ok(Found::Absent { safe_now }) => (None, safe_now),
                Ok(Found::Unknown { detail }) => panic!("{detail}"),
                Err(_) => continue,
            };
            if !safe_now {
                stage.settle().await;
            }
            return Err(from);
        }
        panic!("looking fails for ever");
    }
}

/// A chat of five messages.
pub(crate) fn transfer(key: &str) -> Transfer {
    let said = [
        (Speaker::Person, "Where is my parcel?"),
        (Speaker::Assistant, "Which number?"),
        (Speaker::Person, "12"),
        (Speaker::Assistant, "I pass you on."),
        (Speaker::Person, "Thanks"),
    ];
    let message = |(n, (speaker, text)): (usize, (Speaker, &str))| TranscriptMessage {
        seq: n as u64 + 1,
        speaker,
        name: if speaker == Speaker::Person { "Ann" } else { "Helper" }.to_owned(),
        content: Content::text(text),
        at: Timestamp(0),
    };
    Transfer {
        key: HandoffKey::new(key),
        route: Route::Bridge,
        chat: None,
        platform_session: None,
        person: person(),
        transcript: said.into_iter().enumerate().map(message).collect(),
        options: json!({ "tags": ["from assistant"], "priority": "high" }),
        checkpoint: None,
    }
}

pub(crate) const SAID: [&str; 5] = ["Where is my parcel?", "Which number?", "12", "I pass you on.", "Thanks"];

pub(crate) fn person() -> Person {
    let (name, email) = (Some("Ann".to_owned()), Some("ann@example.org".to_owned()));
    Person { id: "ann/1".into(), name, email, ..Person::default() }
}

pub(crate) fn texts(messages: &Value) -> Vec<String> {
    let text =
        |message: &Value| message["content"]["text"].as_str().or(message["text"].as_str()).map(str::to_owned);
    messages.as_array().unwrap().iter().map(|message| text(message).unwrap_or_default()).collect()
}

fn client(patience: Duration) -> reqwest::Client {
    let builder = reqwest::Client::builder().timeout(patience).pool_max_idle_per_host(0);
    builder.redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

/// What the server does with a request: secrets put in, the answer read whole.
async fn perform(web: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, HttpError> {
    schemas::check_request(&request);
    let method = reqwest::Method::from_bytes(request.method.as_bytes()).unwrap();
    let mut sent = web.request(method, &request.url);
    for (name, value) in &request.headers {
        sent = sent.header(name, value);
    }
    if let Some(HttpAuth::Basic { user, password_secret }) = &request.auth {
        let secret = match password_secret.as_str() {
            "key_secret" if user == NARROW_KEY => "sim-integration-key-secret",
            name => SECRETS.iter().find(|(known, _)| *known == name).unwrap().1,
        };
        sent = sent.basic_auth(user, Some(secret));
    }
    sent = match request.body {
        HttpBody::Empty => sent,
        HttpBody::Json(mut body) => {
            if let [SecretPlace::Json { pointer, .. }] = request.secrets.as_slice() {
                body[pointer.trim_start_matches('/')] = json!(OAUTH_SECRET);
            }
            sent.json(&body)
        }
        HttpBody::Text(text) => sent.body(text),
        HttpBody::Blob { .. } | HttpBody::Multipart { .. } => panic!("no file is kept here"),
    };
    let lost = |error: reqwest::Error| HttpError::Lost { detail: error.without_url().to_string() };
    let answer = sent.send().await.map_err(|error| match error.is_connect() {
        true => HttpError::NotSent { detail: error.without_url().to_string() },
        false => lost(error),
    })?;
    let status = answer.status().as_u16();
    let named = |value: &reqwest::header::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let headers = answer.headers().iter().map(|(name, value)| (name.to_string(), named(value))).collect();
    let body = answer.text().await.map_err(lost)?;
    let saved = request.save_as_blob && (200..300).contains(&status);
    Ok(HttpResponse {
        status,
        headers,
        blob: saved.then(|| body.clone()),
        body: if saved { String::new() } else { body },
    })
}
