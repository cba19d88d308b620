//! A simulated portal, a host that really sends, and a listener for the bot's events.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use axum::{Router, extract::State, routing::post};
use clap::Parser;
use handoff_bitrix24::Bitrix24;
use handoff_sdk::{
    Connector, ConnectorError,
    model::{
        HandoffKey, Person, Route, Timestamp,
        connector::{
            Find, Found, HttpBody, HttpError, HttpRequest, HttpResponse, Install, PlatformEvent, Poll,
            Polled, Receive, SecretPlace, Transfer, Transferred,
        },
    },
    testing::FakeHost,
};
use handoff_simulators::bitrix24;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};

pub(crate) const SECRETS: [(&str, &str); 4] = [
    ("webhook_code", "simulatedwebhook"),
    ("bot_token", "bot-token"),
    ("application_token", "831c76b092f9f135d9b6b36c3a720757"),
    ("client_secret", "simulatedclientsecret"),
];

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    options: bitrix24::Options,
}

pub(crate) struct World {
    pub(crate) base: String,
    pub(crate) host: FakeHost,
    pub(crate) bitrix24: Arc<Bitrix24>,
    /// Hides from the connector that a chat has moved to another open channel.
    pub(crate) hides_the_line: Arc<AtomicBool>,
    pub(crate) webhook_url: String,
    http: reqwest::Client,
    events: mpsc::UnboundedReceiver<String>,
}

/// A portal with an installed bot that greets in line 22; line 30 has an operator, too.
pub(crate) async fn world(flags: &str) -> World {
    let world = bare(flags, json!({})).await;
    world.install().await;
    let line = json!({ "id": 30, "fields": { "LINE_NAME": "Sales" }, "queue": [103] });
    world.sim("line", line).await;
    world
}

/// A portal that knows nothing of us.
pub(crate) async fn bare(flags: &str, settings: Value) -> World {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let options = Flags::parse_from(format!("sim --rate-limit false {flags}").split_whitespace()).options;
    tokio::spawn(async move { bitrix24::serve(listener, options).await.unwrap() });
    let (webhook_url, events) = listen().await;
    let http = client();
    let hides_the_line = Arc::new(AtomicBool::new(false));
    let host = sending(http.clone(), hides_the_line.clone());
    let mut whole = json!({ "portal": base, "webhook_user_id": 1, "bot_code": "acme_assistant" });
    for (name, value) in settings.as_object().unwrap() {
        whole[name] = value.clone();
    }
    let bitrix24 = Arc::new(host.connector::<Bitrix24>(&whole).unwrap());
    World { base, host, bitrix24, hides_the_line, webhook_url, http, events }
}

/// One client for all tests. It keeps no connection, since each test has a runtime of its own.
fn client() -> reqwest::Client {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    let make = || {
        // Fails only when a provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .no_proxy()
            .build()
            .unwrap()
    };
    CLIENT.get_or_init(make).clone()
}

async fn listen() -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks/secret", listener.local_addr().unwrap());
    let (sender, events) = mpsc::unbounded_channel();
    let take = |State(sender): State<mpsc::UnboundedSender<String>>, body: String| async move {
        let _ = sender.send(body);
    };
    let router = Router::new().route("/hooks/{*path}", post(take)).with_state(sender);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, events)
}

fn sending(http: reqwest::Client, hides_the_line: Arc<AtomicBool>) -> FakeHost {
    let answer = move |request: HttpRequest| {
        let (http, hides) = (http.clone(), hides_the_line.clone());
        Box::pin(async move {
            let mut response = exchange(&http, request).await?;
            if hides.load(Ordering::SeqCst) {
                response.body = response.body.replace("livechat|30|", "livechat|22|");
            }
            Ok(response)
        }) as _
    };
    FakeHost::new(&SECRETS, Arc::new(answer))
}

/// What the real host does with a request, in short.
async fn exchange(http: &reqwest::Client, request: HttpRequest) -> Result<HttpResponse, HttpError> {
    let (mut url, mut body) = (request.url, request.body);
    for place in &request.secrets {
        match (place, &mut body) {
            (SecretPlace::Path { name }, _) => url = url.replace(&format!(":{name}"), secret(name)),
            (SecretPlace::Json { name, pointer }, HttpBody::Json(body)) => {
                let (parent, member) = pointer.rsplit_once('/').unwrap();
                body.pointer_mut(parent).unwrap()[member] = json!(secret(name));
            }
            (SecretPlace::Form { name, field }, HttpBody::Text(form)) => {
                form.push_str(&format!("&{field}={}", secret(name)));
            }
            other => panic!("no place for a secret: {other:?}"),
        }
    }
    let mut builder = http.request(request.method.parse().unwrap(), url);
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    match body {
        HttpBody::Json(body) => builder = builder.json(&body),
        HttpBody::Text(text) => builder = builder.body(text),
        HttpBody::Empty => {}
        HttpBody::Blob { .. } | HttpBody::Multipart { .. } => panic!("no file is kept here"),
    }
    let lost = |error: reqwest::Error| HttpError::Lost { detail: error.to_string() };
    let response = builder.send().await.map_err(|error| match error.is_connect() {
        true => HttpError::NotSent { detail: error.to_string() },
        false => lost(error),
    })?;
    let status = response.status().as_u16();
    let header = |(name, value): (&_, &reqwest::header::HeaderValue)| {
        (ToString::to_string(name), value.to_str().unwrap_or_default().to_owned())
    };
    let headers = response.headers().iter().map(|(name, value)| header((name, value))).collect();
    let body = response.text().await.map_err(lost)?;
    let blob = request.save_as_blob.then(|| body.clone());
    Ok(HttpResponse { status, headers, body, blob })
}

fn secret(name: &str) -> &'static str {
    SECRETS.iter().find(|(known, _)| *known == name).unwrap().1
}

impl World {
    pub(crate) async fn install(&self) {
        let install = Install { webhook_url: self.webhook_url.clone(), ..Install::default() };
        self.bitrix24.install(&self.host.cx(), install).await.unwrap();
    }

    /// A control call of the simulator that is expected to succeed.
    pub(crate) async fn sim(&self, path: &str, body: Value) -> Value {
        let response = self.http.post(format!("{}/_sim/{path}", self.base)).json(&body).send().await.unwrap();
        let status = response.status();
        let answer: Value = response.json().await.unwrap();
        assert!(status.is_success(), "{path}: {answer}");
        answer
    }

    /// A call through the inbound webhook, as somebody else would make it.
    pub(crate) async fn rest(&self, method: &str, body: &Value) -> Value {
        let url = format!("{}/rest/1/simulatedwebhook/{method}", self.base);
        let response = self.http.post(url).json(body).send().await.unwrap();
        assert!(response.status().is_success(), "{method}: {}", response.status());
        response.json().await.unwrap()
    }

    pub(crate) async fn look(&self, path: &str) -> Value {
        self.http.get(format!("{}/_sim/{path}", self.base)).send().await.unwrap().json().await.unwrap()
    }

    /// The person writes; gives the chat's number.
    pub(crate) async fn says(&self, text: &str) -> u64 {
        let said = self.sim("person/message", json!({ "person": "ann", "text": text })).await;
        said["chat_id"].as_u64().unwrap()
    }

    /// Lets the calls of one method go wrong.
    pub(crate) async fn fault(&self, method: &str, kind: &Value, times: u32) {
        let fault = json!({ "path": method, "kind": kind, "times": times });
        self.sim("faults", json!({ "faults": [fault] })).await;
    }

    /// The only chat, as live agents see it.
    pub(crate) async fn chat(&self) -> Value {
        let chats = self.look("inspect").await["live_agent"]["chats"].clone();
        assert_eq!(chats.as_array().map(Vec::len), Some(1), "{chats}");
        chats[0].clone()
    }

    /// Waits until the simulator's state is as wanted.
    pub(crate) async fn until(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut seen = self.look("inspect").await;
        while !wanted(&seen) {
            let after = seen["revision"].as_u64().unwrap();
            seen = self.look(&format!("inspect?after={after}&timeout_ms=10000")).await;
            assert!(seen["revision"].as_u64().unwrap() > after, "nothing more happened: {seen}");
        }
        seen
    }

    /// How often a method was called.
    pub(crate) async fn calls(&self, method: &str) -> usize {
        let requests = self.look("requests").await;
        let ends = |request: &&Value| request["path"].as_str().unwrap().ends_with(method);
        requests.as_array().unwrap().iter().filter(ends).count()
    }

    /// Receives whatever the portal has told so far.
    pub(crate) async fn hear(&mut self) -> Vec<String> {
        let open = |one: &Value| matches!(one["state"].as_str(), Some("queued" | "sending" | "retrying"));
        while self.look("deliveries").await["deliveries"].as_array().unwrap().iter().any(open) {
            tokio::task::yield_now().await;
        }
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }

    /// Does what the host does from time to time, a moment later.
    pub(crate) async fn acknowledge(&self) {
        self.host.advance(10_000);
        self.polls(None).await;
    }

    /// One poll with this cursor.
    pub(crate) async fn polls(&self, cursor: Option<Value>) -> Polled {
        self.bitrix24.poll(&self.host.cx(), Poll { cursor, open: Vec::new() }).await.unwrap()
    }

    /// The next delivery, received by the connector.
    pub(crate) async fn event(&mut self) -> PlatformEvent {
        let body = self.events.recv().await.unwrap();
        self.receive(&body).await.unwrap()
    }

    /// The next delivery that is not ignored.
    pub(crate) async fn news(&mut self) -> PlatformEvent {
        loop {
            let event = self.event().await;
            if !matches!(event.kind, handoff_sdk::model::connector::EventKind::Ignored { .. }) {
                return event;
            }
        }
    }

    /// The next delivery as it came.
    pub(crate) async fn body(&mut self) -> String {
        self.events.recv().await.unwrap()
    }

    pub(crate) async fn receive(&self, body: &str) -> Result<PlatformEvent, ConnectorError> {
        let request = Receive {
            method: "POST".into(),
            path: String::new(),
            query: String::new(),
            headers: Default::default(),
            body: body.to_owned(),
            at: Timestamp(1),
        };
        let mut received = self.bitrix24.receive(&self.host.cx(), request).await?;
        assert_eq!((received.status, received.events.len()), (200, 1));
        Ok(received.events.remove(0))
    }

    /// Does what the host does with a transfer, until it is done.
    pub(crate) async fn hand_over(&self, mut transfer: Transfer) -> (Transferred, Vec<String>) {
        let (cx, mut story) = (self.host.cx(), Vec::new());
        for _ in 0..8 {
            transfer.checkpoint = self.host.checkpoints().pop().or(transfer.checkpoint);
            match self.bitrix24.transfer(&cx, transfer.clone()).await {
                Ok(done) => {
                    story.push("done".to_owned());
                    return (done, story);
                }
                Err(ConnectorError::Lost { .. }) => match self.find(&transfer).await {
                    Ok(Found::There(done)) => {
                        story.push("found".to_owned());
                        return (done, story);
                    }
                    Ok(other) => story.push(format!("{other:?}")),
                    Err(error) => story.push(format!("find: {error}")),
                },
                Err(ConnectorError::Refused { detail }) => panic!("refused: {detail}"),
                Err(error) => story.push(error.to_string()),
            }
        }
        panic!("no end: {story:?}");
    }

    /// Looks what became of a transfer, with the newest checkpoint.
    pub(crate) async fn find(&self, transfer: &Transfer) -> Result<Found, ConnectorError> {
        let checkpoint = self.host.checkpoints().pop().or(transfer.checkpoint.clone());
        let transfer = Transfer { checkpoint, ..transfer.clone() };
        self.bitrix24.find(&self.host.cx(), Find { transfer }).await
    }
}

/// A transfer of a chat with these choices of the author's.
pub(crate) fn transfer(chat: u64, options: Value) -> Transfer {
    Transfer {
        key: HandoffKey::new("h1"),
        route: Route::Native,
        chat: Some(chat.to_string()),
        platform_session: None,
        person: Person::default(),
        transcript: Vec::new(),
        options,
        checkpoint: None,
    }
}
