//! `/console/inbox`: conversations, latest first.

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use handoff_core::store::ConversationSummary;

use super::paging::From;
use crate::console::{
    ConsoleState,
    access::SignedIn,
    answer::{self, Trouble},
    link,
    shell::Shell,
    words::{self, Badge, Moment},
};

#[derive(Template)]
#[template(path = "console/inbox.html")]
struct InboxPage {
    shell: Shell,
    rows: Vec<Row>,
    first: bool,
    next: Option<String>,
}

struct Row {
    link: String,
    person: String,
    channel: String,
    last: String,
    held: Badge,
    updated: Moment,
}

/// A page of the list.
pub(in crate::console) async fn list(
    State(state): State<ConsoleState>,
    who: SignedIn,
    Query(from): Query<From>,
) -> Result<Response, Trouble> {
    let found = state.runtime.store().conversations(from.page()).await;
    let (rows, next) = from.rows(found, |row| row.cursor.clone())?;
    Ok(answer::page(&InboxPage {
        shell: Shell::new(&state, &who, "inbox"),
        rows: rows.into_iter().map(Row::from).collect(),
        first: from.after.is_none(),
        next: next.map(|next| format!("/console/inbox?after={}", link::encode(&next))),
    }))
}

impl std::convert::From<ConversationSummary> for Row {
    fn from(row: ConversationSummary) -> Self {
        Self {
            link: link::thread(row.id.as_str()),
            person: if row.person.trim().is_empty() { words::unnamed() } else { row.person },
            channel: row.channel.to_string(),
            last: row.last_text,
            held: words::held_by(&row.held_by),
            updated: row.updated.into(),
        }
    }
}
