//! `/console/connectors`: configured accounts, the plugin files that serve them, and those in quarantine.

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use handoff_core::{handoff::Targets, runtime::Connection};
use serde::Deserialize;

use crate::console::{
    ConnectorState, ConnectorView, ConsoleState, QuarantineView,
    access::{Posted, SignedIn},
    answer, link,
    notice::Notice,
    shell::Shell,
    words::Badge,
};

#[derive(Template)]
#[template(path = "console/connectors.html")]
struct ConnectorsPage {
    shell: Shell,
    notice: Option<Notice>,
    connections: Vec<Account>,
    files: Vec<File>,
    quarantine: Vec<QuarantineView>,
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
    /// Where it runs.
    place: String,
}

/// What was done before the page was shown.
#[derive(Deserialize)]
pub(in crate::console) struct Done {
    #[serde(default)]
    done: String,
}

/// The page.
pub(in crate::console) async fn list(
    State(state): State<ConsoleState>,
    who: SignedIn,
    Query(Done { done }): Query<Done>,
) -> Response {
    let notice = match done.as_str() {
        "rolled-back" => Some("The file that served before serves again within two seconds."),
        "released" => Some("The file is out of quarantine and is tried again within two seconds."),
        _ => None,
    };
    answer::page(&page(&state, &who, notice.map(Notice::good)))
}

/// Goes back to the file that served a connector before.
pub(in crate::console) async fn roll_back(
    State(state): State<ConsoleState>,
    Posted { who, fields }: Posted,
) -> Response {
    let done = state.connectors.roll_back(fields.get("id"));
    finish(&state, &who, done, "rolled-back")
}

/// Lets a file out of quarantine.
pub(in crate::console) async fn release(
    State(state): State<ConsoleState>,
    Posted { who, fields }: Posted,
) -> Response {
    let done = state.connectors.release(fields.get("sha256"));
    finish(&state, &who, done, "released")
}

fn finish(state: &ConsoleState, who: &SignedIn, done: Result<(), String>, word: &str) -> Response {
    match done {
        Ok(()) => answer::go(&format!("/console/connectors?done={word}")),
        Err(reason) => {
            let notice = Notice::bad(format!("Nothing was changed: {reason}."));
            answer::page_with(StatusCode::CONFLICT, &page(state, who, Some(notice)))
        }
    }
}

fn page(state: &ConsoleState, who: &SignedIn, notice: Option<Notice>) -> ConnectorsPage {
    let targets = state.runtime.targets();
    let base = state.public_url.as_str().trim_end_matches('/');
    let connections = state.runtime.connections();
    let connections = connections.iter();
    let files = state.connectors.files().into_iter();
    ConnectorsPage {
        shell: Shell::new(state, who, "connectors"),
        notice,
        connections: connections.map(|connection| Account::new(connection, &targets, base)).collect(),
        files: files.map(|view| File { state: badge(&view), place: place(&view), view }).collect(),
        quarantine: state.connectors.quarantine(),
    }
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

fn badge(view: &ConnectorView) -> Badge {
    match view.state {
        ConnectorState::Loaded if view.on_probation => Badge { text: "On probation", tone: "busy" },
        ConnectorState::Loaded => Badge { text: "Serves", tone: "good" },
        ConnectorState::Refused => Badge { text: "Refused", tone: "bad" },
        ConnectorState::Ignored => Badge { text: "Ignored", tone: "calm" },
    }
}

/// Where a connector runs, and what became of its processes.
fn place(view: &ConnectorView) -> String {
    let worker = match (view.mode.as_str(), view.confined) {
        ("worker", true) => "in a confined process of its own",
        ("worker", false) => "in a process of its own, which the kernel does not confine",
        _ => return "in the server’s process".to_owned(),
    };
    match view.ends {
        0 => worker.to_owned(),
        1 => format!("{worker}, started anew once"),
        ends => format!("{worker}, started anew {ends} times"),
    }
}
