//! Which platforms can be chosen, and why the others cannot.

use std::collections::BTreeMap;

use handoff_core::handoff::{Refusal, Targets};
use handoff_model::{ConnectionId, ConnectorId};

use crate::console::{ConnectorView, ConsoleState};

/// A platform in the panel of an External Handoff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) id: String,
    pub(super) name: String,
    /// Why it cannot be chosen; none when it can.
    pub(super) reason: Option<String>,
}

/// A configured account in the panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) label: String,
}

/// Every platform that is known: by a connection, by a plugin file, or by the table of plans.
pub(super) fn choices(state: &ConsoleState) -> Vec<Choice> {
    let targets = state.runtime.targets();
    let files = state.connectors.files();
    let mut names: BTreeMap<ConnectorId, String> = BTreeMap::new();
    let unnamed = targets.missing.iter().chain(targets.lowest.keys());
    names.extend(unnamed.map(|id| (id.clone(), capitalised(id.as_str()))));
    names.extend(files.iter().filter(|view| !view.id.is_empty()).map(named));
    for target in &targets.targets {
        if target.routes.is_empty() {
            // A channel only: nothing can be handed over to it.
            names.remove(&target.connector);
        } else {
            names.insert(target.connector.clone(), target.name.clone());
        }
    }
    names
        .into_iter()
        .map(|(id, name)| Choice { reason: reason(&id, &targets), id: id.to_string(), name })
        .collect()
}

/// The configured accounts that are loaded.
pub(super) fn accounts(targets: &Targets) -> Vec<Account> {
    let accounts = targets.targets.iter();
    accounts
        .map(|target| Account {
            id: target.connection.to_string(),
            label: format!("{} ({})", target.connection, target.name),
        })
        .collect()
}

/// What to call a platform.
pub(super) fn name(choices: &[Choice], id: &ConnectorId) -> String {
    let known = choices.iter().find(|choice| choice.id == id.as_str());
    known.map_or_else(|| capitalised(id.as_str()), |choice| choice.name.clone())
}

/// Why this platform and account cannot be chosen.
pub(super) fn refusal(
    targets: &Targets,
    platform: &ConnectorId,
    connection: Option<&ConnectionId>,
) -> Option<Refusal> {
    targets.choose(platform, connection).err()
}

fn reason(id: &ConnectorId, targets: &Targets) -> Option<String> {
    match refusal(targets, id, None)? {
        Refusal::Ambiguous(_) => None,
        Refusal::Plan { needed, .. } => Some(format!("needs the {needed} plan")),
        Refusal::NotLoaded(_) => Some("its connector is not loaded".to_owned()),
        Refusal::NoConnection(_) => Some("no connection is configured".to_owned()),
        other @ (Refusal::NoRoute(_) | Refusal::NoTickets(_)) => Some(other.to_string()),
    }
}

fn named(view: &ConnectorView) -> (ConnectorId, String) {
    let name = if view.name.is_empty() { capitalised(&view.id) } else { view.name.clone() };
    (ConnectorId::new(view.id.clone()), name)
}

fn capitalised(id: &str) -> String {
    let mut letters = id.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
