//! One connection: its form, the look over its account, its set-up, its end.

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use handoff_core::connections::{ActError, ChangeError, Draft, FieldProblem, Standing};
use handoff_model::{
    AssistantId, ConnectionId, ConnectorId,
    connector::{Finding, Manifest},
};
use serde::Deserialize;

use super::{
    book,
    field::{self, Field, Group},
    list::badge,
};
use crate::{
    chat::sentence,
    console::{
        ConsoleState,
        access::{Posted, SignedIn},
        answer::{self, Trouble},
        fields::Fields,
        link,
        notice::Notice,
        shell::Shell,
        words::Badge,
    },
};

#[derive(Template)]
#[template(path = "console/connection.html")]
struct ConnectionPage {
    shell: Shell,
    notice: Option<Notice>,
    address: String,
    name: String,
    platform: String,
    connector: String,
    /// None for one that is being added.
    state: Option<(Badge, String)>,
    webhook: String,
    /// Whether somebody can allow it at the platform, and the address to which the platform sends them back.
    redirect: Option<String>,
    findings: Option<Vec<Finding>>,
    notes: Vec<String>,
    in_file: bool,
    revision: u64,
    id: String,
    id_problem: Option<String>,
    groups: Vec<Group>,
    /// Whether the platform brings a channel of its own, and who may answer there.
    assistants: Option<Vec<(String, String)>>,
    assistant: String,
}

/// What a page shows beside the connection itself.
#[derive(Default)]
struct View {
    status: StatusCode,
    notice: Option<Notice>,
    findings: Option<Vec<Finding>>,
    notes: Vec<String>,
}

/// What a form says before anything of it is stored.
struct Typed {
    id: String,
    assistant: String,
    revision: u64,
    fields: Vec<Field>,
    id_problem: Option<String>,
}

#[derive(Deserialize)]
pub(in crate::console) struct Wanted {
    #[serde(default)]
    connector: String,
    #[serde(default)]
    done: String,
}

/// The empty form for a connector.
pub(in crate::console) async fn new(
    State(state): State<ConsoleState>,
    who: SignedIn,
    Query(Wanted { connector, .. }): Query<Wanted>,
) -> Result<Response, Trouble> {
    let manifest = manifest(&state, &connector)?;
    let taken = |id: &str| state.runtime.channels().iter().any(|channel| channel.id.as_str() == id);
    let mut names = std::iter::once(connector.clone()).chain((2..).map(|n| format!("{connector}-{n}")));
    let typed = Typed {
        id: names.find(|name| !taken(name)).unwrap_or_default(),
        assistant: String::new(),
        revision: 0,
        fields: field::of(&manifest, None),
        id_problem: None,
    };
    form(&state, &who, &manifest, typed, None, View::default()).await
}

/// Adds a connection.
pub(in crate::console) async fn add(
    State(state): State<ConsoleState>,
    Posted { who, fields }: Posted,
) -> Result<Response, Trouble> {
    let manifest = manifest(&state, fields.get("connector"))?;
    store(&state, &who, &manifest, fields.get("id").trim(), &fields, None).await
}

/// A connection.
pub(in crate::console) async fn show(
    State(state): State<ConsoleState>,
    who: SignedIn,
    Path(id): Path<String>,
    Query(Wanted { done, .. }): Query<Wanted>,
) -> Result<Response, Trouble> {
    let notice = match done.as_str() {
        "added" => Some(Notice::good("The connection is added. Check it next.")),
        "allowed" => Some(Notice::good("Allowed. The platform gave what is needed, and it is kept.")),
        "saved" => Some(Notice::good("Saved. It serves with this from now on.")),
        _ => None,
    };
    page(&state, &who, &find(&state, &id)?, View { notice, ..View::default() }).await
}

/// Saves the form.
pub(in crate::console) async fn save(
    State(state): State<ConsoleState>,
    Path(id): Path<String>,
    Posted { who, fields }: Posted,
) -> Result<Response, Trouble> {
    let standing = find(&state, &id)?;
    let manifest = manifest(&state, standing.entry.connector.as_str())?;
    store(&state, &who, &manifest, &id, &fields, Some(&standing)).await
}

/// Looks over the account.
pub(in crate::console) async fn check(
    State(state): State<ConsoleState>,
    Path(id): Path<String>,
    Posted { who, .. }: Posted,
) -> Result<Response, Trouble> {
    let view = match book(&state)?.check(&ConnectionId::new(id.clone())).await {
        Ok(check) => View { findings: Some(check.findings), ..View::default() },
        Err(error) => failed("The account could not be looked at", &error),
    };
    page(&state, &who, &find(&state, &id)?, view).await
}

/// Sets the account up.
pub(in crate::console) async fn install(
    State(state): State<ConsoleState>,
    Path(id): Path<String>,
    Posted { who, .. }: Posted,
) -> Result<Response, Trouble> {
    let view = match book(&state)?.install(&ConnectionId::new(id.clone())).await {
        Ok(notes) => View { notes, notice: Some(Notice::good("The account is set up.")), ..View::default() },
        Err(error) => failed("The account could not be set up", &error),
    };
    page(&state, &who, &find(&state, &id)?, view).await
}

/// Removes the connection.
pub(in crate::console) async fn remove(
    State(state): State<ConsoleState>,
    Path(id): Path<String>,
    Posted { who, fields }: Posted,
) -> Result<Response, Trouble> {
    let revision = fields.get("revision").parse().unwrap_or_default();
    match book(&state)?.remove(&ConnectionId::new(id.clone()), revision).await {
        Ok(()) => Ok(answer::go("/console/connections?done=removed")),
        Err(ChangeError::Store(error)) => Err(error.into()),
        Err(error) => {
            let notice = Some(Notice::bad(format!("Not removed: {error}.")));
            let view = View { status: StatusCode::CONFLICT, notice, ..View::default() };
            page(&state, &who, &find(&state, &id)?, view).await
        }
    }
}

fn failed(what: &str, error: &ActError) -> View {
    View {
        status: StatusCode::BAD_GATEWAY,
        notice: Some(Notice::bad(format!("{what}: {error}."))),
        ..View::default()
    }
}

fn find(state: &ConsoleState, id: &str) -> Result<Standing, Trouble> {
    let missing = || Trouble::not_found("There is no such connection. It may have been removed meanwhile.");
    book(state)?.find(&ConnectionId::new(id)).ok_or_else(missing)
}

fn manifest(state: &ConsoleState, connector: &str) -> Result<std::sync::Arc<Manifest>, Trouble> {
    let missing = || Trouble::not_found("No loaded plugin brings this connector. See the page Connectors.");
    book(state)?.manifest(&ConnectorId::new(connector)).ok_or_else(missing)
}

impl Typed {
    /// What is to be stored; what cannot be read gets its problem at its field.
    fn draft(&mut self, manifest: &Manifest, fields: &Fields) -> Draft {
        Draft {
            id: ConnectionId::new(self.id.clone()),
            connector: manifest.id.clone(),
            assistant: Some(self.assistant.clone()).filter(|id| !id.is_empty()).map(AssistantId::new),
            settings: field::read(&mut self.fields),
            secrets: field::secrets(&self.fields, fields),
            revision: self.revision,
        }
    }
}

async fn store(
    state: &ConsoleState,
    who: &SignedIn,
    manifest: &Manifest,
    id: &str,
    fields: &Fields,
    standing: Option<&Standing>,
) -> Result<Response, Trouble> {
    let mut typed = Typed {
        id: id.to_owned(),
        assistant: fields.get("assistant").to_owned(),
        revision: fields.get("revision").parse().unwrap_or_default(),
        fields: field::of(manifest, standing.map(|standing| &standing.entry)),
        id_problem: None,
    };
    field::type_in(&mut typed.fields, fields);
    let draft = typed.draft(manifest, fields);
    let unreadable = typed.fields.iter().any(|field| field.problem.is_some());
    let book = book(state)?;
    let saved = match unreadable {
        // What the connector thinks of the rest is shown beside.
        true => book.try_save(draft).await.and(Err(ChangeError::Fields(Vec::new()))),
        false => book.save(draft).await,
    };
    match saved {
        Ok(()) => {
            let done = if standing.is_some() { "saved" } else { "added" };
            Ok(answer::go(&format!("{}?done={done}", link::connection(id))))
        }
        Err(ChangeError::Store(error)) => Err(error.into()),
        Err(ChangeError::Fields(problems)) => {
            let rest = place(&mut typed, problems);
            let notice = match rest.is_empty() {
                true => "Not saved. The reasons are below, where they belong.".to_owned(),
                false => format!("Not saved. {}", rest.join(" ")),
            };
            let view = View {
                status: StatusCode::UNPROCESSABLE_ENTITY,
                notice: Some(Notice::bad(notice)),
                ..View::default()
            };
            form(state, who, manifest, typed, standing, view).await
        }
        Err(error) => {
            let notice = Some(Notice::bad(format!("Not saved: {error}. What you typed is still here.")));
            // Whoever saves again has seen it.
            typed.revision = standing.map_or(0, |standing| standing.entry.revision);
            let view = View { status: StatusCode::CONFLICT, notice, ..View::default() };
            form(state, who, manifest, typed, standing, view).await
        }
    }
}

/// Puts problems to their fields; what belongs to none is given back.
fn place(typed: &mut Typed, problems: Vec<FieldProblem>) -> Vec<String> {
    let mut rest = Vec::new();
    for FieldProblem { field, problem } in problems {
        let problem = sentence(&problem);
        match typed.fields.iter_mut().find(|known| known.name == field) {
            Some(known) => drop(known.problem.get_or_insert(problem)),
            None if field == "id" => typed.id_problem = Some(problem),
            None => rest.push(problem),
        }
    }
    rest
}

/// A connection as it is stored.
async fn page(
    state: &ConsoleState,
    who: &SignedIn,
    standing: &Standing,
    view: View,
) -> Result<Response, Trouble> {
    let entry = &standing.entry;
    let Some(manifest) = standing.manifest.clone() else {
        return Err(Trouble::not_found(standing.problems.join(" ")));
    };
    let typed = Typed {
        id: entry.id.to_string(),
        assistant: entry.assistant.as_ref().map(ToString::to_string).unwrap_or_default(),
        revision: entry.revision,
        fields: field::of(&manifest, Some(entry)),
        id_problem: None,
    };
    form(state, who, &manifest, typed, Some(standing), view).await
}

async fn form(
    state: &ConsoleState,
    who: &SignedIn,
    manifest: &Manifest,
    typed: Typed,
    standing: Option<&Standing>,
    view: View,
) -> Result<Response, Trouble> {
    let id = ConnectionId::new(typed.id.clone());
    let assistants = match &manifest.capabilities.channel {
        Some(_) => {
            let rows = state.runtime.store().assistants().await?;
            Some(rows.into_iter().map(|row| (row.id.to_string(), row.name)).collect())
        }
        None => None,
    };
    let page = ConnectionPage {
        shell: Shell::new(state, who, "connections"),
        notice: view.notice,
        address: standing.map_or("/console/connections/new".to_owned(), |_| link::connection(id.as_str())),
        name: if standing.is_some() { id.to_string() } else { format!("Connect {}", manifest.name) },
        platform: manifest.name.clone(),
        connector: manifest.id.to_string(),
        state: standing.map(|standing| badge(standing, &state.runtime.targets())),
        webhook: book(state)?.webhook_url(&id),
        redirect: manifest
            .capabilities
            .authorises
            .then(|| book(state).map(|book| book.redirect_url()))
            .transpose()?,
        findings: view.findings,
        notes: view.notes,
        in_file: standing.is_some_and(|standing| standing.entry.in_file),
        revision: typed.revision,
        id: typed.id,
        id_problem: typed.id_problem,
        groups: field::groups(typed.fields),
        assistants,
        assistant: typed.assistant,
    };
    Ok(answer::page_with(view.status, &page))
}
