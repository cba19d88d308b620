//! `/console/handoffs`: handoffs, latest first, by state.

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use handoff_core::store::HandoffSummary;
use serde::Deserialize;

use super::paging::From;
use crate::console::{
    ConsoleState,
    access::SignedIn,
    answer::{self, Trouble},
    link,
    shell::Shell,
    words::{self, Badge, HANDOFF_STATES, Moment},
};

/// Which handoffs.
#[derive(Debug, Default, Deserialize)]
pub(in crate::console) struct Which {
    #[serde(default)]
    state: String,
    #[serde(default)]
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "console/handoffs.html")]
struct HandoffsPage {
    shell: Shell,
    filters: Vec<Filter>,
    rows: Vec<Row>,
    next: Option<String>,
}

struct Filter {
    link: String,
    text: &'static str,
    current: bool,
}

struct Row {
    link: String,
    id: String,
    platform: String,
    connection: String,
    state: Badge,
    fired: Moment,
    thread: String,
}

/// A page of the list.
pub(in crate::console) async fn list(
    State(state): State<ConsoleState>,
    who: SignedIn,
    Query(which): Query<Which>,
) -> Result<Response, Trouble> {
    let chosen = HANDOFF_STATES.into_iter().find(|name| *name == which.state);
    let from = From { after: which.after };
    let found = state.runtime.store().handoffs(chosen, from.page()).await;
    let (rows, next) = from.rows(found, |row| row.cursor.clone())?;
    let chosen = chosen.unwrap_or_default();
    Ok(answer::page(&HandoffsPage {
        shell: Shell::new(&state, &who, "handoffs"),
        filters: filters(chosen),
        rows: rows.into_iter().map(Row::from).collect(),
        next: next.map(|next| format!("/console/handoffs?state={chosen}&after={}", link::encode(&next))),
    }))
}

fn filters(chosen: &str) -> Vec<Filter> {
    let all = Filter { link: "/console/handoffs".to_owned(), text: "All", current: chosen.is_empty() };
    let states = HANDOFF_STATES.into_iter().map(|name| Filter {
        link: format!("/console/handoffs?state={name}"),
        text: words::handoff_state(name).text,
        current: name == chosen,
    });
    std::iter::once(all).chain(states).collect()
}

impl std::convert::From<HandoffSummary> for Row {
    fn from(row: HandoffSummary) -> Self {
        Self {
            link: link::handoff(row.id.as_str()),
            platform: row.platform,
            connection: row.connection.to_string(),
            state: words::handoff_state(&row.state),
            fired: row.fired_at.into(),
            thread: link::thread(row.conversation.as_str()),
            id: row.id.to_string(),
        }
    }
}
