//! A server in the test's own process, and requests to it.

mod platform;
mod world;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
    response::Response,
};
use handoff_core::{
    runtime::{Channel, ChannelKind, Connection, Parts, Runtime},
    store::Lives,
    world::{Blobs, Seal},
};
use handoff_model::{AssistantId, ChannelId, ConnectionId, ConnectorId, Plan};
use handoff_server::{ApiKey, ApiKeys, AppState, Options, Scope, router};
use handoff_store::Sqlite;
use http_body_util::BodyExt;
use secrecy::SecretString;
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) use platform::Platform;
use world::{Counting, Files, PlainSeal, SystemClock};

/// Key of the channel `shop`.
pub(crate) const SHOP_KEY: &str = "shop-key-0123456789abcdef";
/// Key with the scope `admin`.
pub(crate) const ADMIN_KEY: &str = "admin-key-0123456789abcdef";
/// A conversation on the channel `shop`.
pub(crate) const ANN: &str = "/v1/channels/shop/conversations/ann";

/// A server with an assistant that greets, answers and hands over on "human".
pub(crate) struct Server {
    router: Router,
    pub(crate) state: AppState,
    pub(crate) store: Arc<Sqlite>,
    pub(crate) files: Arc<Files>,
    runs: tokio::task::JoinHandle<()>,
    folder: tempfile::TempDir,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    pub(crate) async fn start_with(options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Sqlite::open(&folder.path().join("handoff.db")).unwrap());
        let files = Arc::new(Files::default());
        let runtime = Runtime::new(parts(store.clone(), files.clone()));
        let seal: Arc<dyn Seal> = Arc::new(PlainSeal);
        let state = AppState::new(runtime.clone(), keys(), options, seal);
        runtime.save_draft(&assistant().to_string(), Some(0)).await.unwrap();
        runtime.publish(&AssistantId::new("greeter")).await.unwrap();
        let runs = tokio::spawn(async move { runtime.run().await });
        Self { router: router(state.clone()), state, store, files, runs, folder }
    }

    /// Changes rows behind the server's back, as a disk might.
    pub(crate) fn damage(&self, sql: &str) {
        let db = rusqlite::Connection::open(self.folder.path().join("handoff.db")).unwrap();
        assert!(db.execute(sql, []).unwrap() > 0, "{sql}");
    }

    /// The answer as it comes, for streams.
    pub(crate) async fn open(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.open(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, key: &str, path: &str) -> Answer {
        self.send(get(key, path)).await
    }

    pub(crate) async fn post(&self, key: &str, path: &str, body: &Value) -> Answer {
        self.send(post(key, path, body)).await
    }

    /// Says something on the channel `shop` and gives the turn.
    pub(crate) async fn ann_says(&self, text: &str) -> Value {
        let answer =
            self.post(SHOP_KEY, &format!("{ANN}/messages?wait=reply"), &json!({ "text": text })).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.runs.abort();
    }
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks that this is a problem document of that status whose detail says this.
    pub(crate) fn assert_problem(&self, what: &str, status: u16, says: &str) {
        let text = self.text();
        assert_eq!(self.status.as_u16(), status, "{what}: {text}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{what}");
        let document = self.json();
        assert_eq!(document["status"], status, "{what}");
        assert!(document["type"].as_str().unwrap().starts_with("urn:handoff:problem:"), "{what}: {text}");
        assert!(!document["title"].as_str().unwrap().is_empty(), "{what}");
        let detail = document["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{what}: {detail:?} does not say {says:?}");
    }
}

pub(crate) fn get(key: &str, path: &str) -> Request<Body> {
    request("GET", key, path).body(Body::empty()).unwrap()
}

pub(crate) fn post(key: &str, path: &str, body: &Value) -> Request<Body> {
    let request = request("POST", key, path).header("content-type", "application/json");
    request.body(Body::from(body.to_string())).unwrap()
}

/// The beginning of a request; no `Authorization` when the key is empty.
pub(crate) fn request(method: &str, key: &str, path: &str) -> axum::http::request::Builder {
    let request = Request::builder().method(method).uri(path);
    if key.is_empty() { request } else { request.header("authorization", format!("Bearer {key}")) }
}

fn keys() -> ApiKeys {
    let key = |name, secret: &str, scope: &str| {
        let scope: Scope = scope.parse().unwrap();
        ApiKey::from_secret(name, &SecretString::from(secret), vec![scope]).unwrap()
    };
    ApiKeys::new(vec![key("shop", SHOP_KEY, "channel:shop"), key("boss", ADMIN_KEY, "admin")]).unwrap()
}

fn parts(store: Arc<Sqlite>, files: Arc<Files>) -> Parts {
    let channel = |id: &str, kind| {
        let assistant = Some(AssistantId::new("greeter"));
        Channel { id: ChannelId::new(id), kind, assistant }
    };
    let connection = ConnectionId::new("desk");
    Parts {
        store,
        connectors: Arc::new(Platform),
        clock: Arc::new(SystemClock),
        chance: Arc::new(Counting::default()),
        seal: Arc::new(PlainSeal),
        blobs: files as Arc<dyn Blobs>,
        channels: vec![
            channel("shop", ChannelKind::Api),
            channel("other", ChannelKind::Api),
            channel("web", ChannelKind::Webchat),
            channel("desk", ChannelKind::Connection(connection.clone())),
        ],
        connections: vec![Connection { id: connection, connector: ConnectorId::new("deskpro") }],
        plan: Plan::Total,
        lives: Lives::default(),
        lowest: BTreeMap::from([(ConnectorId::new("deskpro"), Plan::Total)]),
    }
}

pub(crate) fn assistant() -> Value {
    let say = |id: &str, text: &str| json!({ "id": id, "action": "send_message", "texts": [text] });
    json!({ "format": 1, "id": "greeter", "name": "Greeter", "triggers": [
        { "id": "t1", "on": { "event": "chat_started" }, "actions": [
            { "id": "a1", "action": "send_message", "texts": ["Welcome"], "quick_replies": ["Prices", "A human"] } ] },
        { "id": "t2", "on": { "event": "message_received", "phrases": ["human"] }, "actions": [
            { "id": "a2", "action": "external_handoff", "platform": "deskpro" } ] },
        { "id": "t3", "on": { "event": "fallback" }, "actions": [say("a3", "I heard you")] },
    ] })
}
