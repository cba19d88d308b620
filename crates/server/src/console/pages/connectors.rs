//! `/console/connectors`: configured accounts, and the plugin files that serve them.

use askama::Template;
use axum::{extract::State, response::Response};
use handoff_core::{handoff::Targets, runtime::Connection};

use crate::console::{
    ConnectorState, ConnectorView, ConsoleState, access::SignedIn, answer, link, shell::Shell, words::Badge,
};

#[derive(Template)]
#[template(path = "console/connectors.html")]
struct ConnectorsPage {
    shell: Shell,
    connections: Vec<Account>,
    files: Vec<File>,
}

struct Account {
    id: String,
    connector: String,
    state: Badge,
    detail: String,
    webhook: String,
}

struct File {
    view: ConnectorView,
    state: Badge,
}

/// The page.
pub(in crate::console) async fn list(State(state): State<ConsoleState>, who: SignedIn) -> Response {
    let targets = state.runtime.targets();
    let base = state.public_url.as_str().trim_end_matches('/');
    let connections = state.runtime.connections().iter();
    answer::page(&ConnectorsPage {
        shell: Shell::new(&state, &who, "connectors"),
        connections: connections.map(|connection| Account::new(connection, &targets, base)).collect(),
        files: (state.connectors)().into_iter().map(|view| File { state: badge(view.state), view }).collect(),
    })
}

impl Account {
    fn new(connection: &Connection, targets: &Targets, base: &str) -> Self {
        let loaded = targets.targets.iter().any(|target| target.connection == connection.id);
        let allowed = targets.allowed_by_plan(&connection.connector);
        let (state, detail) = match (loaded, allowed) {
            (false, _) => (
                Badge { text: "Not usable", tone: "bad" },
                format!(
                    "Its connector {:?} is not loaded; see the plugin files below.",
                    connection.connector.as_str()
                ),
            ),
            (true, Err(refusal)) => (Badge { text: "Not in the plan", tone: "busy" }, format!("{refusal}.")),
            (true, Ok(())) => (Badge { text: "Ready", tone: "good" }, String::new()),
        };
        Self {
            id: connection.id.to_string(),
            connector: connection.connector.to_string(),
            state,
            detail,
            webhook: format!("{base}/webhooks/{}", link::encode(connection.id.as_str())),
        }
    }
}

fn badge(state: ConnectorState) -> Badge {
    match state {
        ConnectorState::Loaded => Badge { text: "Loaded", tone: "good" },
        ConnectorState::Refused => Badge { text: "Refused", tone: "bad" },
        ConnectorState::Ignored => Badge { text: "Ignored", tone: "calm" },
    }
}
