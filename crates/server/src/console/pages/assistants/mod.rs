//! `/console/assistants`: the list, and the tree of each with a panel for every node.
//!
//! A draft is changed as a whole: read, change one thing, save under the revision that the page showed.
//! `kind`, `describe` and `tree` show what is there, `place` finds nodes, `form` has the panels,
//! `save` and `change` take forms. `platforms` says which platforms may be chosen, and why not.

mod change;
mod choices;
mod describe;
mod exchange;
mod form;
mod kind;
mod list;
mod place;
mod platforms;
mod publish;
mod save;
mod show;
mod tree;

use axum::{
    Router,
    routing::{get, post},
};
use handoff_core::{
    assistant::{Assistant, read},
    store::AssistantRow,
};
use handoff_model::AssistantId;

use crate::console::{ConsoleState, answer::Trouble, fields::Fields};

/// The addresses of assistants.
pub(in crate::console) fn routes() -> Router<ConsoleState> {
    Router::new()
        .route("/console/assistants", get(list::list).post(list::create))
        .route("/console/import", post(exchange::import))
        .route("/console/assistants/{id}", get(show::show))
        .route("/console/assistants/{id}/export", get(exchange::export))
        .route("/console/assistants/{id}/save", post(save::save))
        .route("/console/assistants/{id}/settings", post(save::settings))
        .route("/console/assistants/{id}/add", post(change::add))
        .route("/console/assistants/{id}/move", post(change::move_by_one))
        .route("/console/assistants/{id}/delete", post(change::delete))
        .route("/console/assistants/{id}/publish", post(publish::publish))
}

/// An assistant with its draft, read.
struct Opened {
    row: AssistantRow,
    draft: Assistant,
}

async fn open(state: &ConsoleState, id: String) -> Result<Opened, Trouble> {
    let found = state.runtime.store().assistant(&AssistantId::new(id)).await?;
    let row = found.ok_or_else(|| Trouble::not_found("There is no such assistant."))?;
    let draft = read(&row.draft).map_err(|findings| {
        tracing::error!(assistant = %row.id, findings = findings.len(), "A stored draft cannot be read");
        Trouble::fault()
    })?;
    Ok(Opened { row, draft })
}

impl Opened {
    /// Whether the form was made from another revision than the one that is stored now.
    fn changed_since(&self, fields: &Fields) -> bool {
        fields.get("revision").parse() != Ok(self.row.revision)
    }
}
