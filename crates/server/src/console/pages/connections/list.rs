//! The list of connections.

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use handoff_core::{connections::Standing, handoff::Targets};
use serde::Deserialize;

use super::book;
use crate::console::{
    ConsoleState,
    access::SignedIn,
    answer::{self, Trouble},
    link,
    notice::Notice,
    shell::Shell,
    words::Badge,
};

#[derive(Template)]
#[template(path = "console/connections.html")]
struct ConnectionsPage {
    shell: Shell,
    notice: Option<Notice>,
    connections: Vec<Row>,
    /// Connectors for which one can be added: id and name.
    connectors: Vec<(String, String)>,
}

struct Row {
    address: String,
    id: String,
    platform: String,
    state: Badge,
    detail: String,
    in_file: bool,
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
) -> Result<Response, Trouble> {
    let book = book(&state)?;
    let targets = state.runtime.targets();
    let connectors = book.connectors().into_iter().map(|one| (one.id.to_string(), one.name.clone()));
    Ok(answer::page(&ConnectionsPage {
        shell: Shell::new(&state, &who, "connections"),
        notice: (done == "removed").then(|| Notice::good("The connection is removed, with its secrets.")),
        connections: book.list().into_iter().map(|standing| Row::new(standing, &targets)).collect(),
        connectors: connectors.collect(),
    }))
}

impl Row {
    fn new(standing: Standing, targets: &Targets) -> Self {
        let (state, detail) = badge(&standing, targets);
        let entry = standing.entry;
        Self {
            address: link::connection(entry.id.as_str()),
            platform: standing.manifest.map_or_else(|| entry.connector.to_string(), |one| one.name.clone()),
            id: entry.id.to_string(),
            state,
            detail,
            in_file: entry.in_file,
        }
    }
}

/// Whether chats can leave by a connection, and what keeps them.
pub(super) fn badge(standing: &Standing, targets: &Targets) -> (Badge, String) {
    if !standing.problems.is_empty() {
        return (Badge { text: "Not usable", tone: "bad" }, standing.problems.join(" "));
    }
    match targets.allowed_by_plan(&standing.entry.connector) {
        Err(refusal) => (Badge { text: "Not in the plan", tone: "busy" }, format!("{refusal}.")),
        Ok(()) => (Badge { text: "Serves", tone: "good" }, String::new()),
    }
}
