//! The console: pages for those who write assistants and look after conversations.
//!
//! Pages are rendered here and work without a script. `access` says who may come in and which forms are
//! taken, `pages` has one file for each page, `answer` what goes around every page. [`router`] is merged
//! beside the rest of the server; it brings its own layers, because its errors are pages as well.

mod access;
mod answer;
mod around;
mod assets;
mod fields;
mod link;
mod notice;
mod pages;
mod shell;
#[cfg(test)]
mod tests;
mod words;

use std::sync::Arc;

use axum::{
    Router, middleware,
    routing::{any, get, post},
};
use handoff_core::{connections::Book, plugins::Measure, runtime::Runtime};
use tower_http::catch_panic::CatchPanicLayer;
use url::Url;

use crate::ReceiptKey;

use access::Gate;
pub use access::{FirstAdminError, first_admin};
use pages::{assistants, connections, connectors, handoffs, inbox, receipt, sign_in, thread};

/// The plugin files, how their connectors are doing, and what can be done about it.
pub trait ConnectorDesk: Send + Sync + 'static {
    /// Every file, and the connector in it.
    fn files(&self) -> Vec<ConnectorView>;

    /// What connectors count and measure.
    fn measures(&self) -> Vec<Measure> {
        Vec::new()
    }

    /// Files that are not opened any more.
    fn quarantine(&self) -> Vec<QuarantineView>;

    /// Goes back to the file that served a connector before.
    ///
    /// # Errors
    /// Why that is not possible, in plain words.
    fn roll_back(&self, id: &str) -> Result<(), String>;

    /// Lets a file out of quarantine, by its SHA-256.
    ///
    /// # Errors
    /// Why that is not possible, in plain words.
    fn release(&self, sha256: &str) -> Result<(), String>;
}

/// A file in quarantine, as the console shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, utoipa::ToSchema)]
pub struct QuarantineView {
    /// Id of the connector.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Name of the file.
    pub file: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// How far it had come.
    pub stage: String,
    /// Since when it is here.
    pub since: String,
    /// Why.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
}

/// A plugin file and the connector in it, as the console shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, utoipa::ToSchema)]
pub struct ConnectorView {
    /// Id of the connector, such as `zendesk`; empty when the file does not say.
    pub id: String,
    /// Its name for people; empty when the file does not say.
    pub name: String,
    /// Its version; empty when the file does not say.
    pub version: String,
    /// Name of the file.
    pub file: String,
    /// What became of the file.
    pub state: ConnectorState,
    /// At which step it was refused, such as `trust` or `probe`.
    pub stage: Option<String>,
    /// Why it is in that state, when it is not simply loaded.
    pub reason: Option<String>,
    /// What to do about it.
    pub remedy: Option<String>,
    /// Why the file is trusted, in a word; empty when it is not.
    pub trust: String,
    /// SHA-256 of the file; empty when it could not be read.
    pub sha256: String,
    /// Counts the files that served this connector since the server started; 0 when it does not serve.
    pub generation: u64,
    /// When it began to serve.
    pub since: String,
    /// The file before comes back if this one fails.
    pub on_probation: bool,
    /// Where it runs: `in_process` or `worker`; empty when it does not serve.
    pub mode: String,
    /// Whether its worker is kept from files, sockets and programs by the kernel.
    pub confined: bool,
    /// Workers that ended and were replaced.
    pub ends: u64,
    /// Calls since then.
    pub calls: u64,
    /// Calls that failed.
    pub errors: u64,
    /// Failures of the connector's own making.
    pub faults: u64,
    /// The latest failure.
    pub last_error: String,
}

/// What became of a plugin file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConnectorState {
    /// Its connector serves.
    #[default]
    Loaded,
    /// It cannot be used.
    Refused,
    /// It is no plugin file.
    Ignored,
}

/// What the console's handlers are given. Cheap to clone.
#[derive(Clone)]
pub struct ConsoleState {
    runtime: Runtime,
    public_url: Arc<Url>,
    connectors: Arc<dyn ConnectorDesk>,
    connections: Option<Arc<Book>>,
    receipts: Option<Arc<ReceiptKey>>,
    gate: Arc<Gate>,
}

impl ConsoleState {
    /// Puts together what handlers need. `public_url` is where browsers reach the server; time comes
    /// from the runtime's clock.
    pub fn new(runtime: Runtime, public_url: Url, connectors: Arc<dyn ConnectorDesk>) -> Self {
        Self {
            runtime,
            public_url: Arc::new(public_url),
            connectors,
            connections: None,
            receipts: None,
            gate: Arc::default(),
        }
    }

    /// The same, with connections that can be changed.
    pub fn with_connections(self, book: Arc<Book>) -> Self {
        Self { connections: Some(book), ..self }
    }

    /// The same, with a key that signs receipts.
    pub fn with_receipts(self, key: Arc<ReceiptKey>) -> Self {
        Self { receipts: Some(key), ..self }
    }

    fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }
}

/// Everything below `/console`. Serve it with the clients' addresses
/// (`into_make_service_with_connect_info::<SocketAddr>()`), so that sign-ins can be limited by address.
pub fn router(state: ConsoleState) -> Router<()> {
    Router::new()
        .route("/console", get(pages::home))
        .route("/console/", get(pages::home))
        .route("/console/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/console/sign-out", post(sign_in::sign_out))
        .route("/console/inbox", get(inbox::list))
        .route("/console/inbox/{id}", get(thread::show))
        .route("/console/handoffs", get(handoffs::list))
        .route("/console/handoffs/{id}", get(receipt::show).post(receipt::decide))
        .route("/console/handoffs/{id}/receipt.json", get(receipt::document))
        .route("/console/handoffs/{id}/receipt.json.minisig", get(receipt::signature))
        .route("/console/handoffs/{id}/replay", post(receipt::replay))
        .route("/console/connectors", get(connectors::list))
        .route("/console/connectors/roll-back", post(connectors::roll_back))
        .route("/console/connectors/release", post(connectors::release))
        .merge(assistants::routes())
        .merge(connections::routes())
        .route("/console/assets/console.css", get(assets::style))
        .route("/console/assets/console.js", get(assets::script))
        .route("/console/assets/icon.svg", get(assets::icon))
        .route("/console/{*rest}", any(pages::nothing))
        .method_not_allowed_fallback(pages::wrong_method)
        .layer(middleware::from_fn(around::in_time))
        .layer(CatchPanicLayer::custom(around::panicked))
        .layer(middleware::from_fn(around::secure))
        .with_state(state)
}
