//! An author's choices, checked against what the connector takes and what the account has.

use std::collections::BTreeSet;

use futures::future::join_all;
use handoff_model::{
    ConnectionId, ConnectorId,
    connector::{Choice, Manifest, OptionField, OptionKind},
};
use serde_json::Value;

use super::Runtime;
use crate::{
    assistant::{
        Assistant, ExternalHandoff, Finding,
        definition::{Do, Node},
    },
    handoff::{Leaves, Targets},
};

/// A platform that lists as many may have more.
const ENDLESS: usize = 1000;

/// One way out of an action.
struct Way<'a> {
    platform: &'a ConnectorId,
    connection: Option<&'a ConnectionId>,
    route: Leaves,
    options: &'a Value,
    checked: bool,
}

/// Something about an option: whether it only is a warning, and what.
type Remark = (bool, String);

impl Runtime {
    /// What the accounts say about the options of every External Handoff. Every finding names its node.
    pub async fn check_choices(&self, definition: &Assistant) -> Vec<Finding> {
        let targets = self.targets();
        let mut handoffs = Vec::new();
        definition.visit(&mut |node| {
            if let Node::Action(action) = node
                && let Do::ExternalHandoff(handoff) = &action.does
            {
                handoffs.push((&action.id, handoff));
            }
        });
        let mut findings = Vec::new();
        for (id, handoff) in handoffs {
            for way in ways(handoff) {
                let found = self.check_way(&way, &targets).await;
                findings.extend(found.into_iter().map(|(only_a_warning, problem)| Finding {
                    node: Some(id.clone()),
                    problem,
                    only_a_warning,
                }));
            }
        }
        findings
    }

    async fn check_way(&self, way: &Way<'_>, targets: &Targets) -> Vec<Remark> {
        // A platform that cannot be chosen at all is a finding of its own.
        let Ok(target) = targets.choose(way.platform, way.connection) else { return Vec::new() };
        let Some(manifest) = self.0.parts.connectors.manifest(&target.connection) else { return Vec::new() };
        let mut remarks = Vec::new();
        if way.checked && way.route == Leaves::Chat && !manifest.capabilities.availability {
            let name = &manifest.name;
            remarks.push((
                true,
                format!("{name} cannot say whether live agents are there: chats go there all the same"),
            ));
        }
        let Value::Object(options) = way.options else { return remarks };
        let checks = options.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| {
            let field = manifest.capabilities.options.iter().find(|field| field.name == *name);
            self.check_option(&target.connection, &manifest, name, field, value)
        });
        remarks.extend(join_all(checks).await.into_iter().flatten());
        remarks.extend(idle(&manifest, way));
        remarks
    }

    async fn check_option(
        &self,
        connection: &ConnectionId,
        manifest: &Manifest,
        name: &str,
        field: Option<&OptionField>,
        value: &Value,
    ) -> Vec<Remark> {
        let platform = &manifest.name;
        let Some(field) = field else {
            return vec![(true, format!("{platform} knows no option {name:?}; it does nothing"))];
        };
        if let Some(problem) = shape(field, value) {
            return vec![(false, problem)];
        }
        let chosen = chosen(field, value);
        let listed = field.live || !field.among.is_empty();
        if chosen.is_empty() || !listed {
            return Vec::new();
        }
        match self.choices(connection, &field.name).await {
            Ok(choices) => unknown(field, &chosen, &choices, platform),
            Err(cause) => {
                vec![(
                    true,
                    format!("{}: {platform} could not be asked whether it exists: {cause}", field.title),
                )]
            }
        }
    }
}

fn ways(handoff: &ExternalHandoff) -> Vec<Way<'_>> {
    let checked = handoff.check_availability;
    let first = handoff.platform.iter().map(|platform| Way {
        platform,
        connection: handoff.connection.as_ref(),
        route: handoff.route,
        options: &handoff.options,
        checked,
    });
    let others = handoff.fallbacks.iter().map(|way| Way {
        platform: &way.platform,
        connection: way.connection.as_ref(),
        route: way.route,
        options: &way.options,
        checked,
    });
    first.chain(others).collect()
}

/// Options that mean nothing on the chosen route.
fn idle(manifest: &Manifest, way: &Way<'_>) -> Vec<Remark> {
    let given = manifest.capabilities.options.iter().filter(|field| {
        way.options.get(&field.name).is_some_and(|value| !value.is_null())
            && !field.fits(way.route == Leaves::Ticket)
    });
    let what = if way.route == Leaves::Ticket { "a ticket" } else { "a chat" };
    given.map(|field| (true, format!("{} means nothing for {what}; it does nothing", field.title))).collect()
}

/// What is wrong with a value that is not of its kind.
fn shape(field: &OptionField, value: &Value) -> Option<String> {
    let wanted = match field.kind {
        OptionKind::Text => "a text",
        OptionKind::Choice => "one of the list",
        OptionKind::Words => "a list of words",
        OptionKind::Fields => "an object: values by field",
    };
    (!field.kind.holds(value)).then(|| format!("{} ({}) must be {wanted}", field.title, field.name))
}

/// What was chosen from the list. Expressions cannot be checked before they are evaluated.
fn chosen(field: &OptionField, value: &Value) -> BTreeSet<String> {
    let chosen: Vec<String> = match (field.kind, value) {
        (OptionKind::Fields, Value::Object(fields)) => fields.keys().cloned().collect(),
        (OptionKind::Choice, Value::String(text)) => vec![text.trim().to_owned()],
        (OptionKind::Choice, Value::Number(number)) => vec![number.to_string()],
        _ => Vec::new(),
    };
    chosen.into_iter().filter(|text| !text.is_empty() && !text.contains('{')).collect()
}

fn unknown(
    field: &OptionField,
    chosen: &BTreeSet<String>,
    choices: &[Choice],
    platform: &str,
) -> Vec<Remark> {
    let missing = chosen.iter().filter(|value| !choices.iter().any(|choice| choice.value == **value));
    let remark = |value: &String| {
        let title = &field.title;
        (choices.len() >= ENDLESS, format!("{title}: {platform} has no {value:?}; {}", named(choices)))
    };
    missing.map(remark).collect()
}

/// Some of the choices, so that a slip is seen at once.
fn named(choices: &[Choice]) -> String {
    const SHOWN: usize = 8;
    if choices.is_empty() {
        return "it has none at all".to_owned();
    }
    let shown: Vec<_> =
        choices.iter().take(SHOWN).map(|choice| format!("{} ({})", choice.value, choice.label)).collect();
    let more = choices.len().saturating_sub(SHOWN);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("it has {}{rest}", shown.join(", "))
}
