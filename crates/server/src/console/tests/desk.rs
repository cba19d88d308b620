//! A console with a user, and a browser in front of it.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use handoff_core::{
    runtime::{Channel, ChannelKind, Connection, Parts, Runtime},
    store::{Changes, Lives, Store},
};
use handoff_model::{AssistantId, ChannelId, ConnectionId, ConnectorId, Plan};
use handoff_store::Sqlite;
use http_body_util::BodyExt;
use parking_lot::Mutex;
use serde_json::json;
use tempfile::TempDir;
use tower::ServiceExt;
use url::Url;

use super::world::{HandClock, Plain, Shelf};
use crate::console::{ConnectorDesk, ConnectorView, ConsoleState, QuarantineView, first_admin, link, router};

pub(super) const PASSWORD: &str = "correct horse battery";
/// 2025-06-01 09:00:00 UTC.
pub(super) const MORNING: i64 = 1_748_768_400_000;

/// A console, and the browser that looks at it.
pub(super) struct Desk {
    pub(super) runtime: Runtime,
    pub(super) clock: Arc<HandClock>,
    router: Router,
    cookies: Mutex<BTreeMap<String, String>>,
    _folder: TempDir,
}

/// What the browser was given.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) html: String,
}

/// Plugin files that were tried out: one that serves, one in quarantine.
struct Drawer;

impl ConnectorDesk for Drawer {
    fn files(&self) -> Vec<ConnectorView> {
        vec![ConnectorView {
            id: "zendesk".to_owned(),
            name: "Zendesk".to_owned(),
            file: "zendesk.so".to_owned(),
            generation: 2,
            on_probation: true,
            ..ConnectorView::default()
        }]
    }

    fn quarantine(&self) -> Vec<QuarantineView> {
        let reason = "it <panicked>".to_owned();
        vec![QuarantineView {
            id: "bitrix24".to_owned(),
            sha256: "abc".to_owned(),
            reason,
            ..Default::default()
        }]
    }

    fn roll_back(&self, id: &str) -> Result<(), String> {
        if id == "zendesk" { Ok(()) } else { Err(format!("no file has served the connector {id} yet")) }
    }

    fn release(&self, sha256: &str) -> Result<(), String> {
        if sha256 == "abc" { Ok(()) } else { Err("it is not there".to_owned()) }
    }
}

impl Answer {
    /// Where the browser is sent.
    pub(super) fn to(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |to| to.to_str().unwrap())
    }

    /// The value of a hidden field.
    pub(super) fn hidden(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.html.split_once(&start).unwrap_or_else(|| panic!("no {name} in {}", self.html));
        rest.split_once('"').unwrap().0.to_owned()
    }
}

impl Desk {
    /// A workspace with a plan; Zendesk is connected, Bitrix24 as well, a third one's plugin is missing.
    pub(super) async fn with_plan(plan: Plan) -> Self {
        let folder = TempDir::new().unwrap();
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("db.sqlite3")).unwrap());
        let clock = Arc::new(HandClock::at(MORNING));
        let made = first_admin(store.as_ref(), Some(PASSWORD.into()), clock.as_ref()).await.unwrap();
        assert_eq!(made, None);
        let runtime = Runtime::new(parts(store, clock.clone(), plan));
        let url = Url::parse("http://127.0.0.1:8080").unwrap();
        let key = Arc::new(crate::ReceiptKey::generate().unwrap());
        let state = ConsoleState::new(runtime.clone(), url, Arc::new(Drawer)).with_receipts(key);
        Self { runtime, clock, router: router(state), cookies: Mutex::default(), _folder: folder }
    }

    /// The same with somebody signed in.
    pub(super) async fn signed_in(plan: Plan) -> Self {
        let desk = Self::with_plan(plan).await;
        let answer = desk.sign_in("admin", PASSWORD).await;
        assert_eq!((answer.status, answer.to()), (StatusCode::SEE_OTHER, "/console/inbox"));
        desk
    }

    /// Fills in the sign-in form.
    pub(super) async fn sign_in(&self, name: &str, password: &str) -> Answer {
        let csrf = self.get("/console/sign-in").await.hidden("csrf");
        self.send("/console/sign-in", &[("csrf", &csrf), ("name", name), ("password", password)]).await
    }

    /// Opens a page.
    pub(super) async fn get(&self, address: &str) -> Answer {
        self.ask(Request::builder().method(Method::GET).uri(address), String::new()).await
    }

    /// Sends a form as it is.
    pub(super) async fn send(&self, address: &str, fields: &[(&str, &str)]) -> Answer {
        let request = Request::builder()
            .method(Method::POST)
            .uri(address)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.ask(request, encode(fields)).await
    }

    /// Sends a form of a page, with the page's token and revision.
    pub(super) async fn submit(&self, page: &Answer, address: &str, fields: &[(&str, &str)]) -> Answer {
        let (csrf, revision) = (page.hidden("csrf"), page.hidden("revision"));
        let ours = [("csrf", csrf.as_str()), ("revision", revision.as_str())];
        self.send(address, &[&ours, fields].concat()).await
    }

    /// Sends any request with the browser's cookies.
    pub(super) async fn ask(&self, request: axum::http::request::Builder, body: String) -> Answer {
        let cookies =
            self.cookies.lock().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
        let peer = SocketAddr::new(IpAddr::from([10, 0, 0, 7]), 40_000);
        let request = request
            .header(header::COOKIE, cookies.join("; "))
            .extension(ConnectInfo(peer))
            .body(Body::from(body))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            self.keep(cookie.to_str().unwrap());
        }
        let bytes = body.collect().await.unwrap().to_bytes();
        let html = String::from_utf8(bytes.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, html }
    }

    /// The cookie of the session, as the browser has it.
    pub(super) fn session(&self) -> Option<String> {
        self.cookies.lock().get("handoff_console").cloned()
    }

    /// Puts rows into the store.
    pub(super) async fn commit(&self, changes: Changes) {
        self.runtime.store().commit(changes).await.unwrap();
    }

    /// Saves a draft and gives the address of its page.
    pub(super) async fn draft(&self, json: &serde_json::Value) -> String {
        self.runtime.save_draft(&json.to_string(), None).await.unwrap();
        link::assistant(json["id"].as_str().unwrap())
    }

    fn keep(&self, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').unwrap();
        assert!(attributes.contains("HttpOnly") && attributes.contains("SameSite=Strict"), "{cookie}");
        let (name, value) = pair.split_once('=').unwrap();
        if attributes.contains("Max-Age=0") {
            self.cookies.lock().remove(name);
        } else {
            self.cookies.lock().insert(name.to_owned(), value.to_owned());
        }
    }
}

fn encode(fields: &[(&str, &str)]) -> String {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        body.append_pair(name, value);
    }
    body.finish()
}

fn parts(store: Arc<dyn Store>, clock: Arc<HandClock>, plan: Plan) -> Parts {
    let shelf = Shelf::default().with("zd", "zendesk", "Zendesk").by(
        "b24",
        "bitrix24",
        "Bitrix24",
        &["bridge", "ticket"],
    );
    let shelf = shelf.offering(
        "zd",
        json!([
            { "name": "group", "title": "Group", "kind": "choice", "live": true },
            { "name": "brand", "title": "Brand", "kind": "choice", "live": true },
            { "name": "tags", "title": "Tags", "kind": "words" },
            { "name": "fields", "title": "Ticket fields", "kind": "fields", "live": true },
            { "name": "form", "title": "Form", "kind": "text", "routes": ["ticket"] },
        ]),
    );
    let connection = |id: &str, connector: &str| Connection {
        id: ConnectionId::new(id),
        connector: ConnectorId::new(connector),
    };
    let assistant = Some(AssistantId::new("support"));
    Parts {
        store,
        connectors: Arc::new(shelf),
        clock,
        chance: Arc::new(Plain),
        seal: Arc::new(Plain),
        blobs: Arc::new(Plain),
        channels: vec![Channel { id: ChannelId::new("web"), kind: ChannelKind::Webchat, assistant }],
        connections: vec![
            connection("zd", "zendesk"),
            connection("b24", "bitrix24"),
            connection("gone", "genesys"),
        ],
        plan,
        lives: Lives::default(),
        lowest: BTreeMap::from([
            (ConnectorId::new("zendesk"), Plan::Total),
            (ConnectorId::new("bitrix24"), Plan::Enterprise),
        ]),
    }
}
