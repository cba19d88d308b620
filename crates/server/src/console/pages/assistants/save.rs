//! Saves a panel, under the revision that its page showed.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use handoff_core::{
    assistant::{Assistant, Finding},
    runtime::AssistantError,
};
use handoff_model::NodeId;

use super::{
    Opened,
    form::{Form, Panel, Setting},
    kind::Kind,
    open, place, platforms,
    show::{Notice, View, render},
};
use crate::{
    chat::sentence,
    console::{
        ConsoleState,
        access::{Posted, SignedIn},
        answer::{self, Trouble},
        link,
    },
};

const CONFLICT: &str = "Not saved: somebody else saved this assistant while you were editing. What you typed \
                        is still in the panel. Look at the tree as it is now; when you save again, your panel \
                        replaces theirs.";
const GONE: &str = "Not saved: somebody else deleted this node while you were editing. What you typed is shown \
                    below, so that you can put it elsewhere.";

const STALE: &str = "Not done: somebody else changed this assistant meanwhile. This is how it is now; look at it \
                     and repeat what you meant to do.";

/// Saves the panel of a node.
pub(in crate::console) async fn save(
    State(state): State<ConsoleState>,
    Path(id): Path<String>,
    Posted { who, fields }: Posted,
) -> Result<Response, Trouble> {
    let opened = open(&state, id.clone()).await?;
    let selected = NodeId::new(fields.get("node"));
    let Some(kind) = place::find(&opened.draft, &selected).map(Kind::of) else {
        return Ok(gone(&state, &who, opened, fields.typed()).await);
    };
    let mut panel = Panel::typed(kind, &fields);
    if opened.changed_since(&fields) {
        return Ok(conflict(&state, &who, opened, selected, panel).await);
    }
    let mut draft = opened.draft.clone();
    let setting = setting(&state);
    let fits = place::find_mut(&mut draft, &selected).is_some_and(|node| panel.write(node, &setting));
    if !fits {
        return Ok(refused(&state, &who, opened, selected, panel, Vec::new()).await);
    }
    match store(&state, &draft, opened.row.revision).await? {
        Stored::Done => Ok(answer::go(&format!("{}&done=saved#panel", link::node(&id, selected.as_str())))),
        Stored::Changed => {
            let opened = open(&state, id).await?;
            Ok(conflict(&state, &who, opened, selected, panel).await)
        }
        Stored::Refused(findings) => Ok(refused(&state, &who, opened, selected, panel, findings).await),
    }
}

/// Saves name and language.
pub(in crate::console) async fn settings(
    State(state): State<ConsoleState>,
    Path(id): Path<String>,
    Posted { who, fields }: Posted,
) -> Result<Response, Trouble> {
    let opened = open(&state, id).await?;
    if opened.changed_since(&fields) {
        let mut page = opened;
        // The page shows what was typed; saving again puts it in place.
        page.draft.name = fields.get("name").to_owned();
        page.draft.language = fields.get("language").to_owned();
        let view =
            View { status: StatusCode::CONFLICT, notice: Some(Notice::bad(CONFLICT)), ..View::default() };
        return Ok(render(&state, &who, page, view).await);
    }
    let mut draft = opened.draft.clone();
    draft.name = fields.get("name").trim().to_owned();
    draft.language = fields.get("language").trim().to_owned();
    change(&state, &who, opened, draft, "saved", None).await
}

/// Stores a changed draft and shows the page again.
pub(super) async fn change(
    state: &ConsoleState,
    who: &SignedIn,
    opened: Opened,
    draft: Assistant,
    done: &str,
    selected: Option<NodeId>,
) -> Result<Response, Trouble> {
    let id = opened.row.id.to_string();
    match store(state, &draft, opened.row.revision).await? {
        Stored::Done => {
            let node =
                selected.map(|node| format!("&node={}", link::encode(node.as_str()))).unwrap_or_default();
            Ok(answer::go(&format!("{}?done={done}{node}#panel", link::assistant(&id))))
        }
        Stored::Changed => Ok(stale(state, who, open(state, id).await?).await),
        Stored::Refused(refusals) => {
            let notice = Some(Notice::bad("Not saved. The reasons are below."));
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(render(state, who, opened, View { status, notice, refusals, ..View::default() }).await)
        }
    }
}

/// The page after somebody else was faster: nothing was done.
pub(super) async fn stale(state: &ConsoleState, who: &SignedIn, opened: Opened) -> Response {
    let view = View { status: StatusCode::CONFLICT, notice: Some(Notice::bad(STALE)), ..View::default() };
    render(state, who, opened, view).await
}

/// What became of a draft.
pub(super) enum Stored {
    Done,
    Changed,
    Refused(Vec<Finding>),
}

/// Stores a draft if its revision still is the one that was read.
pub(super) async fn store(state: &ConsoleState, draft: &Assistant, revision: u64) -> Result<Stored, Trouble> {
    let json = serde_json::to_string(draft).map_err(|_| Trouble::fault())?;
    match state.runtime.save_draft(&json, Some(revision)).await {
        Ok(_) => Ok(Stored::Done),
        Err(AssistantError::Changed) => Ok(Stored::Changed),
        Err(AssistantError::Invalid(findings)) => Ok(Stored::Refused(findings)),
        Err(AssistantError::Unknown) => Err(Trouble::not_found("There is no such assistant.")),
        Err(AssistantError::Store(error)) => Err(error.into()),
    }
}

async fn refused(
    state: &ConsoleState,
    who: &SignedIn,
    opened: Opened,
    selected: NodeId,
    mut panel: Panel,
    mut refusals: Vec<Finding>,
) -> Response {
    if let Form::Handoff(form) = &mut panel.form {
        // A reason that belongs to this very node stands at its field.
        let (here, elsewhere): (Vec<_>, _) =
            refusals.into_iter().partition(|finding| finding.node.as_ref() == Some(&selected));
        refusals = elsewhere;
        if let Some(finding) = here.first() {
            form.platform_problem.get_or_insert_with(|| sentence(&finding.problem));
        }
    }
    let notice = Some(Notice::bad("Not saved. The reasons are below, where they belong."));
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let view =
        View { status, selected: Some(selected), typed: Some(panel), notice, refusals, ..View::default() };
    render(state, who, opened, view).await
}

/// The page after somebody else was faster; what was typed stays in the panel.
async fn conflict(
    state: &ConsoleState,
    who: &SignedIn,
    opened: Opened,
    selected: NodeId,
    panel: Panel,
) -> Response {
    let notice = Some(Notice::bad(CONFLICT));
    let status = StatusCode::CONFLICT;
    let view = View { status, selected: Some(selected), typed: Some(panel), notice, ..View::default() };
    render(state, who, opened, view).await
}

async fn gone(state: &ConsoleState, who: &SignedIn, opened: Opened, lost: Vec<(String, String)>) -> Response {
    let view =
        View { status: StatusCode::CONFLICT, notice: Some(Notice::bad(GONE)), lost, ..View::default() };
    render(state, who, opened, view).await
}

fn setting(state: &ConsoleState) -> Setting {
    let targets = state.runtime.targets();
    Setting { accounts: platforms::accounts(&targets), targets, choices: platforms::choices(state) }
}
