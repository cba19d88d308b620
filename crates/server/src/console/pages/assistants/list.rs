//! `/console/assistants`: all of them; new ones are made or imported here.

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use handoff_core::{
    assistant::{Assistant, definition::FORMAT},
    store::AssistantRow,
};
use handoff_model::{AssistantId, NodeId};

use super::{
    kind::Kind,
    save::{Stored, store},
};
use crate::console::{
    ConsoleState,
    access::{Posted, SignedIn},
    answer::{self, Trouble},
    link,
    shell::Shell,
    words::Moment,
};

#[derive(Template)]
#[template(path = "console/assistants.html")]
struct AssistantsPage {
    shell: Shell,
    rows: Vec<Row>,
    refusal: Option<String>,
    reasons: Vec<String>,
}

struct Row {
    link: String,
    id: String,
    name: String,
    version: Option<u32>,
    /// The draft is what is published.
    same: bool,
    saved: Moment,
}

/// The list.
pub(in crate::console) async fn list(
    State(state): State<ConsoleState>,
    who: SignedIn,
) -> Result<Response, Trouble> {
    show(&state, &who, StatusCode::OK, None, Vec::new()).await
}

/// Makes a new assistant out of a name.
pub(in crate::console) async fn create(
    State(state): State<ConsoleState>,
    Posted { who, fields }: Posted,
) -> Result<Response, Trouble> {
    let name = fields.get("name").trim();
    let id = slug(name);
    if id.is_empty() {
        let words = "Not created: write a name with at least one letter or digit.".to_owned();
        return refused(&state, &who, words, Vec::new()).await;
    }
    let draft = Assistant {
        format: FORMAT,
        id: AssistantId::new(id.clone()),
        name: name.to_owned(),
        language: "en".to_owned(),
        triggers: Kind::ChatStarted.trigger(NodeId::new("start-1")).into_iter().collect(),
    };
    match store(&state, &draft, 0).await? {
        Stored::Done => Ok(answer::go(&format!("{}?done=created", link::assistant(&id)))),
        Stored::Changed => {
            let words = format!(
                "Not created: there is an assistant with the id {id:?} already. Choose another name."
            );
            refused(&state, &who, words, Vec::new()).await
        }
        Stored::Refused(findings) => {
            let reasons = findings.iter().map(ToString::to_string).collect();
            refused(&state, &who, "Not created.".to_owned(), reasons).await
        }
    }
}

/// The list with the reason why something was not done.
pub(super) async fn refused(
    state: &ConsoleState,
    who: &SignedIn,
    refusal: String,
    reasons: Vec<String>,
) -> Result<Response, Trouble> {
    show(state, who, StatusCode::UNPROCESSABLE_ENTITY, Some(refusal), reasons).await
}

async fn show(
    state: &ConsoleState,
    who: &SignedIn,
    status: StatusCode,
    refusal: Option<String>,
    reasons: Vec<String>,
) -> Result<Response, Trouble> {
    let rows = state.runtime.store().assistants().await?;
    let page = AssistantsPage {
        shell: Shell::new(state, who, "assistants"),
        rows: rows.into_iter().map(Row::from).collect(),
        refusal,
        reasons,
    };
    Ok(answer::page_with(status, &page))
}

impl From<AssistantRow> for Row {
    fn from(row: AssistantRow) -> Self {
        Self {
            link: link::assistant(row.id.as_str()),
            id: row.id.to_string(),
            name: row.name,
            version: row.published,
            same: row.published_revision == Some(row.revision),
            saved: row.saved_at.into(),
        }
    }
}

/// An id out of a name: small letters, digits and hyphens.
fn slug(name: &str) -> String {
    let plain = name.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect::<String>();
    plain.to_lowercase().split_whitespace().collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_keeps_what_people_recognise_of_the_name() {
        assert_eq!(slug("  Support (night) #2 "), "support-night-2");
        assert_eq!(slug("Übergabe"), "übergabe");
        assert_eq!(slug("?!"), "");
    }
}
