//! What every handler is given.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use handoff_core::{connections::Book, runtime::Runtime, world::Seal};
use handoff_model::ChannelId;
use tokio::sync::{Semaphore, watch};

use crate::{
    ReceiptKey,
    auth::ApiKeys,
    chat::{FileTypes, Uploads},
    console::ConnectorDesk,
    metrics::Counts,
};

/// What an operator may choose about the edges.
#[derive(Debug, Clone)]
pub struct Options {
    /// Title of the webchat, for persons.
    pub webchat_title: String,
    /// Origins of other sites that may embed the webchat, such as `https://shop.example`.
    pub webchat_origins: Vec<String>,
    /// Whether `/metrics` answers without an API key.
    pub open_metrics: bool,
    /// How long a request may take until its answer begins; long polls answer within half of it.
    pub request_timeout: Duration,
    /// Event streams and long polls that may be open at once.
    pub most_streams: usize,
    /// Files that persons may send, by channel. Channels that are not here take any.
    pub files: BTreeMap<ChannelId, FileTypes>,
}

impl Options {
    /// Files that persons may send on a channel.
    pub(crate) fn file_types(&self, channel: &ChannelId) -> &FileTypes {
        self.files.get(channel).unwrap_or(&FileTypes::ANY)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            webchat_title: "Chat".to_owned(),
            webchat_origins: Vec::new(),
            open_metrics: true,
            request_timeout: Duration::from_secs(60),
            most_streams: 10_000,
            files: BTreeMap::new(),
        }
    }
}

/// What every handler is given. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// Live conversations.
    pub runtime: Runtime,
    /// Who may use the API.
    pub keys: Arc<ApiKeys>,
    /// What the operator chose.
    pub options: Arc<Options>,
    /// Encrypts what addresses of files carry.
    pub seal: Arc<dyn Seal>,
    /// Plugin files, where there are any.
    pub(crate) connectors: Option<Arc<dyn ConnectorDesk>>,
    /// Connections that can be changed, where there are any.
    pub(crate) connections: Option<Arc<Book>>,
    /// Signs receipts, where there is a key.
    pub(crate) receipts: Option<Arc<ReceiptKey>>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) uploads: Arc<Uploads>,
    stopping: Arc<watch::Sender<bool>>,
}

impl AppState {
    /// Puts together what handlers need.
    pub fn new(runtime: Runtime, keys: ApiKeys, options: Options, seal: Arc<dyn Seal>) -> Self {
        Self {
            runtime,
            keys: Arc::new(keys),
            streams: Arc::new(Semaphore::new(options.most_streams)),
            options: Arc::new(options),
            seal,
            connectors: None,
            connections: None,
            receipts: None,
            counts: Arc::default(),
            uploads: Arc::default(),
            stopping: Arc::new(watch::Sender::new(false)),
        }
    }

    /// The same, which also tells of plugin files.
    pub fn with_connectors(self, connectors: Arc<dyn ConnectorDesk>) -> Self {
        Self { connectors: Some(connectors), ..self }
    }

    /// The same, with connections that can be changed.
    pub fn with_connections(self, book: Arc<Book>) -> Self {
        Self { connections: Some(book), ..self }
    }

    /// The same, with a key that signs receipts.
    pub fn with_receipts(self, key: Arc<ReceiptKey>) -> Self {
        Self { receipts: Some(key), ..self }
    }

    /// Ends event streams and long polls, which would otherwise hold up an orderly stop, and
    /// makes `/health/ready` say no. Requests are still answered.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Whether the server is about to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Turns to `true` when the server stops.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }
}
