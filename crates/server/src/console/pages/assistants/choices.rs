//! What the platform offers just now for the panel of an External Handoff: choices, and whether somebody is there.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use handoff_core::{handoff::Targets, runtime::Runtime};
use handoff_model::{
    ConnectionId, ConnectorId,
    connector::{Availability, Choice, Manifest, OptionField, OptionKind},
};
use serde_json::{Map, Value};

use super::form::{HandoffForm, option_field, shown};

/// How long a page waits for a platform. What comes later is there for the next page.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
/// Rows for fields that have no value yet.
const SPARE_ROWS: usize = 2;

/// The part of the panel that depends on the platform.
#[derive(Default)]
pub(super) struct Offer {
    /// The platform's name; empty while none is chosen.
    pub(super) platform: String,
    pub(super) inputs: Vec<OptionInput>,
    /// Members without a field, as JSON.
    pub(super) rest: String,
    /// Whether somebody is there, in words; none when the connector cannot say.
    pub(super) who_is_there: Option<&'static str>,
}

/// A field for one option.
pub(super) struct OptionInput {
    /// What it is called in the form: of the value, of the expression in place of a choice, of the keys.
    pub(super) name: String,
    pub(super) otherwise: String,
    pub(super) keys: String,
    /// What it is called in the page.
    pub(super) id: String,
    pub(super) title: String,
    pub(super) help: String,
    pub(super) kind: InputKind,
    pub(super) value: String,
    /// Rows of field and value.
    pub(super) rows: Vec<(String, String)>,
    pub(super) choices: Vec<Choice>,
    /// Why nothing can be chosen just now.
    pub(super) note: Option<String>,
}

/// How a field looks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum InputKind {
    Text,
    Choice,
    Words,
    Fields,
}

/// Asks the platform that the panel shows.
pub(super) async fn offer(runtime: &Runtime, targets: &Targets, form: &HandoffForm) -> Offer {
    let Some((connection, manifest)) = account(runtime, targets, form) else {
        return Offer { rest: rest(form, &[]), ..Offer::default() };
    };
    let fields: Vec<&OptionField> = manifest
        .capabilities
        .options
        .iter()
        // What is not of its kind cannot stand in its field, and stays JSON.
        .filter(|field| form.options.values.get(&field.name).is_none_or(|value| field.kind.holds(value)))
        .filter(|field| field.fits(form.ticket) || form.options.values.contains_key(&field.name))
        .collect();
    let inputs = join_all(fields.iter().map(|field| input(runtime, &connection, field, form)));
    let who = who_is_there(runtime, &connection, &manifest, form);
    let (inputs, who_is_there) = tokio::join!(inputs, who);
    Offer { platform: manifest.name.clone(), inputs, rest: rest(form, &fields), who_is_there }
}

fn account(
    runtime: &Runtime,
    targets: &Targets,
    form: &HandoffForm,
) -> Option<(ConnectionId, Arc<Manifest>)> {
    let platform = ConnectorId::new(form.platform.clone());
    let named = (!form.connection.is_empty()).then(|| ConnectionId::new(form.connection.clone()));
    let target = targets.choose(&platform, named.as_ref()).ok()?;
    Some((target.connection.clone(), runtime.manifest(&target.connection)?))
}

async fn input(
    runtime: &Runtime,
    connection: &ConnectionId,
    field: &OptionField,
    form: &HandoffForm,
) -> OptionInput {
    let (choices, note) = match within(runtime, connection, &field.name).await {
        Ok(choices) => (choices, None),
        Err(why) => (Vec::new(), Some(why)),
    };
    let kind = match field.kind {
        OptionKind::Choice if choices.is_empty() => InputKind::Text,
        OptionKind::Choice => InputKind::Choice,
        OptionKind::Text => InputKind::Text,
        OptionKind::Words => InputKind::Words,
        OptionKind::Fields => InputKind::Fields,
    };
    let part = match kind {
        InputKind::Text => "text",
        InputKind::Choice => "choice",
        InputKind::Words => "words",
        InputKind::Fields => "value",
    };
    let value = form.options.values.get(&field.name).unwrap_or(&Value::Null);
    OptionInput {
        name: option_field(part, &field.name),
        otherwise: option_field("else", &field.name),
        keys: option_field("key", &field.name),
        id: format!("option-{}", field.name),
        title: field.title.clone(),
        help: field.help.clone(),
        kind,
        value: words(value),
        rows: rows(kind, value),
        choices,
        note,
    }
}

/// What can be chosen, if the platform tells in time.
async fn within(runtime: &Runtime, connection: &ConnectionId, field: &str) -> Result<Vec<Choice>, String> {
    let (runtime, connection, field) = (runtime.clone(), connection.clone(), field.to_owned());
    // Goes on when the page no longer waits, so that the next page has it.
    let asked = tokio::spawn(async move { runtime.choices(&connection, &field).await });
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(Ok(choices))) => Ok((*choices).clone()),
        Ok(Ok(Err(why))) => Err(why),
        _ => Err("it does not answer in time; load the page again in a moment".to_owned()),
    }
}

async fn who_is_there(
    runtime: &Runtime,
    connection: &ConnectionId,
    manifest: &Manifest,
    form: &HandoffForm,
) -> Option<&'static str> {
    if !manifest.capabilities.availability {
        return None;
    }
    let (runtime, connection) = (runtime.clone(), connection.clone());
    let options = Value::Object(form.options.values.clone());
    let asked = tokio::spawn(async move { runtime.availability(&connection, &options).await });
    Some(match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(Availability::Yes)) => "Somebody is there now.",
        Ok(Ok(Availability::No)) => "Nobody is there now.",
        _ => {
            "The platform does not say just now whether somebody is there; then chats go there all the same."
        }
    })
}

fn words(value: &Value) -> String {
    match value {
        Value::Array(words) => words.iter().map(shown).collect::<Vec<_>>().join("\n"),
        other => shown(other),
    }
}

fn rows(kind: InputKind, value: &Value) -> Vec<(String, String)> {
    if kind != InputKind::Fields {
        return Vec::new();
    }
    let given = value.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), shown(value)));
    given.chain(std::iter::repeat_n((String::new(), String::new()), SPARE_ROWS)).collect()
}

/// The members that have no field.
fn rest(form: &HandoffForm, fields: &[&OptionField]) -> String {
    if let Some(typed) = &form.options.rest {
        return typed.clone();
    }
    let members =
        form.options.values.iter().filter(|(name, _)| !fields.iter().any(|field| field.name == **name));
    let members: Map<String, Value> = members.map(|(name, value)| (name.clone(), value.clone())).collect();
    if members.is_empty() {
        String::new()
    } else {
        serde_json::to_string_pretty(&members).unwrap_or_default()
    }
}

impl OptionInput {
    /// Whether what is stored is none of the choices: an expression, or something that is gone.
    pub(super) fn is_another(&self, value: &str) -> bool {
        !value.is_empty() && !self.choices.iter().any(|choice| choice.value == value)
    }

    /// Whether it is an expression.
    pub(super) fn is_expression(&self) -> bool {
        self.kind == InputKind::Choice && self.value.contains('{')
    }
}
