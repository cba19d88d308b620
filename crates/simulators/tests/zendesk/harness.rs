//! A simulator on a free port, a caller with keys, and a webhook that remembers what it heard.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use handoff_simulators::zendesk::{self, Options};
use parking_lot::Mutex;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Nothing in these tests takes this long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const APP: &str = "67a0ecf8f0305f4a391e9d00";
pub(crate) const APP_KEY: (&str, &str) = ("app_67a0ecf8f0305f4a391e9d01", "sim-app-key-secret");
pub(crate) const OWN_KEY: (&str, &str) = ("int_67a0ecf8f0305f4a391e9d02", "sim-integration-key-secret");

/// What the webhook was sent, and how it is to answer next.
#[derive(Clone)]
pub(crate) struct Ear {
    heard: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
    count: watch::Sender<usize>,
}

impl Ear {
    /// The next webhook calls are answered with these statuses, later ones with 200.
    pub(crate) fn answers(&self, statuses: &[u16]) {
        self.answers.lock().extend(statuses);
    }

    /// All calls so far.
    pub(crate) fn calls(&self) -> Vec<(HeaderMap, Value)> {
        self.heard.lock().clone()
    }

    /// All events so far, in order.
    pub(crate) fn events(&self) -> Vec<Value> {
        let calls = self.calls();
        calls.iter().flat_map(|(_, body)| body["events"].as_array().cloned().unwrap_or_default()).collect()
    }

    /// Event types so far.
    pub(crate) fn kinds(&self) -> Vec<String> {
        self.events().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits for an event of this type that fits.
    pub(crate) async fn event(&self, kind: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let mut count = self.count.subscribe();
        let wait = async {
            loop {
                count.mark_unchanged();
                let found =
                    self.events().into_iter().find(|event| event["type"] == kind && fits(&event["payload"]));
                if let Some(event) = found {
                    return event;
                }
                count.changed().await.unwrap();
            }
        };
        let heard = tokio::time::timeout(PATIENCE, wait).await;
        heard.unwrap_or_else(|_| panic!("no {kind} among {:?}", self.kinds()))
    }

    /// Waits until so many calls were made.
    pub(crate) async fn until_called(&self, times: usize) {
        let mut count = self.count.subscribe();
        tokio::time::timeout(PATIENCE, count.wait_for(|count| *count >= times)).await.unwrap().unwrap();
    }
}

async fn hear(State(ear): State<Ear>, headers: HeaderMap, body: axum::Json<Value>) -> StatusCode {
    ear.heard.lock().push((headers, body.0));
    let status = ear.answers.lock().pop_front().unwrap_or(200);
    ear.count.send_modify(|count| *count += 1);
    StatusCode::from_u16(status).unwrap()
}

pub(crate) struct Sim {
    pub(crate) base: String,
    pub(crate) ear: Ear,
    pub(crate) client: reqwest::Client,
    key: Mutex<(String, String)>,
}

impl Sim {
    /// A simulator whose webhook is connected.
    pub(crate) async fn start(args: &[&str]) -> Self {
        let ear = Ear { heard: Arc::default(), answers: Arc::default(), count: watch::Sender::new(0) };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = axum::Router::new().route("/hook", post(hear)).with_state(ear.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let args = args.iter().copied().chain(["--webhook-target", target.as_str()]);
        let options = Options::from_args(args).unwrap();
        tokio::spawn(zendesk::serve(listener, options));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let sim = Self { base, ear, client, key: Mutex::default() };
        sim.sign_in(APP_KEY);
        sim
    }

    /// Uses this key from now on.
    pub(crate) fn sign_in(&self, (id, secret): (&str, &str)) {
        *self.key.lock() = (id.to_owned(), secret.to_owned());
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let (id, secret) = self.key.lock().clone();
        self.client
            .request(method, format!("{}/sc/v2/apps/{APP}{path}", self.base))
            .basic_auth(id, Some(secret))
    }

    /// A call to the Conversations API.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let mut request = self.request(method, path);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, body).await
    }

    /// A control request that must be accepted.
    pub(crate) async fn script(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.try_script(path, body).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    pub(crate) async fn try_script(&self, path: &str, body: Value) -> (u16, Value) {
        let answer = self.client.post(format!("{}/_sim{path}", self.base)).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub(crate) async fn look(&self, path: &str) -> Value {
        self.client.get(format!("{}/_sim{path}", self.base)).send().await.unwrap().json().await.unwrap()
    }

    pub(crate) async fn inspect(&self) -> Value {
        self.look("/inspect").await
    }

    /// Waits until the state fits.
    pub(crate) async fn until(&self, fits: impl Fn(&Value) -> bool) -> Value {
        let wait = async {
            let mut state = self.inspect().await;
            while !fits(&state) {
                state = self.look(&format!("/inspect?after={}&timeout_ms=15000", state["revision"])).await;
            }
            state
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("the state never fitted")
    }

    /// Waits until the deliveries fit.
    pub(crate) async fn until_deliveries(&self, fits: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let wait = async {
            loop {
                let revision = self.inspect().await["revision"].clone();
                let deliveries = self.look("/deliveries").await["deliveries"].as_array().unwrap().clone();
                if fits(&deliveries) {
                    return deliveries;
                }
                self.look(&format!("/inspect?after={revision}&timeout_ms=15000")).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("the deliveries never fitted")
    }

    /// Strikes the platform API.
    pub(crate) async fn fault(&self, fault: Value) {
        self.script("/faults", json!({ "faults": [fault] })).await;
    }

    /// A user and a conversation of theirs, made by API: their ids.
    pub(crate) async fn bridge(&self, external_id: &str) -> (String, String) {
        let user = json!({ "externalId": external_id, "profile": { "givenName": "Ada", "surname": "L" } });
        let (status, user) = self.post("/users", user).await;
        assert_eq!(status, 201, "{user}");
        let user = user["user"]["id"].as_str().unwrap().to_owned();
        (user.clone(), self.conversation_of(&user).await)
    }

    pub(crate) async fn conversation_of(&self, user: &str) -> String {
        let body = json!({ "type": "personal", "participants": [{ "userId": user }], "metadata": { "handoffId": "h-1" } });
        let (status, made) = self.post("/conversations", body).await;
        assert_eq!(status, 201, "{made}");
        made["conversation"]["id"].as_str().unwrap().to_owned()
    }

    /// Posts a business text and gives its id.
    pub(crate) async fn say(&self, conversation: &str, text: &str) -> String {
        self.post_ok(conversation, json!({ "type": "business" }), text).await
    }

    /// Posts a user's text and gives its id.
    pub(crate) async fn user_says(&self, conversation: &str, user: &str, text: &str) -> String {
        self.post_ok(conversation, json!({ "type": "user", "userId": user }), text).await
    }

    async fn post_ok(&self, conversation: &str, author: Value, text: &str) -> String {
        let body = json!({ "author": author, "content": { "type": "text", "text": text } });
        let (status, answer) = self.post(&format!("/conversations/{conversation}/messages"), body).await;
        assert_eq!(status, 201, "{answer}");
        answer["messages"][0]["id"].as_str().unwrap().to_owned()
    }

    /// One of the four switchboard actions.
    pub(crate) async fn act(&self, conversation: &str, action: &str, target: &str) -> u16 {
        self.act_with(conversation, action, target, json!({})).await
    }

    pub(crate) async fn act_with(
        &self,
        conversation: &str,
        action: &str,
        target: &str,
        metadata: Value,
    ) -> u16 {
        let mut body = json!({ "metadata": metadata });
        if !target.is_empty() {
            body["switchboardIntegration"] = json!(target);
        }
        self.post(&format!("/conversations/{conversation}/{action}"), body).await.0
    }

    /// Who is active and pending, by name, as the API shows it.
    pub(crate) async fn control(&self, conversation: &str) -> (String, String) {
        let (_, answer) = self.get(&format!("/conversations/{conversation}")).await;
        let name = |field: &str| answer["conversation"][field]["name"].as_str().unwrap_or("-").to_owned();
        (name("activeSwitchboardIntegration"), name("pendingSwitchboardIntegration"))
    }

    /// A bridged conversation the live agent has, with us pending: user and conversation.
    pub(crate) async fn handed_over(&self) -> (String, String) {
        let (user, conversation) = self.bridge("our-user").await;
        assert_eq!(self.act(&conversation, "passControl", "handoff").await, 200);
        self.user_says(&conversation, &user, "A human, please").await;
        assert_eq!(self.act(&conversation, "passControl", "zd-agentWorkspace").await, 200);
        assert_eq!(self.act(&conversation, "offerControl", "handoff").await, 200);
        (user, conversation)
    }

    /// The live agent's chat of a conversation.
    pub(crate) async fn chat(&self, conversation: &str) -> Value {
        let state = self.inspect().await;
        let chats = state["live_agent"]["chats"].as_array().unwrap().clone();
        chats.into_iter().rfind(|chat| chat["id"] == conversation).unwrap_or(Value::Null)
    }

    /// The texts a live agent sees in a conversation's newest ticket.
    pub(crate) async fn seen(&self, conversation: &str) -> Vec<String> {
        let chat = self.chat(conversation).await;
        let messages = chat["messages"].as_array().cloned().unwrap_or_default();
        messages.iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
    }
}
