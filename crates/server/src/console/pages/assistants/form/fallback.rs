//! Ways that are tried when the platform does not take the chat.

use handoff_core::{
    assistant::ExternalHandoff,
    handoff::{Fallback, Leaves, MOST_FALLBACKS, Targets},
};
use handoff_model::ConnectorId;
use serde_json::Value;

use crate::{chat::sentence, console::fields::Fields};

/// One row of the panel.
pub(in crate::console::pages::assistants) struct FallbackForm {
    /// The platform and what its team gets, as the form sends it; empty: nothing.
    pub(in crate::console::pages::assistants) value: String,
    pub(in crate::console::pages::assistants) platform: String,
    pub(in crate::console::pages::assistants) problem: Option<String>,
}

/// What stands in the form for a way.
pub(in crate::console::pages::assistants) fn value(platform: &str, route: Leaves) -> String {
    match route {
        Leaves::Chat => format!("{platform} chat"),
        Leaves::Ticket => format!("{platform} ticket"),
    }
}

pub(super) fn stored(fallbacks: &[Fallback]) -> Vec<FallbackForm> {
    let known = fallbacks.iter().map(|way| value(way.platform.as_str(), way.route));
    rows(known.chain(std::iter::repeat(String::new())))
}

pub(super) fn typed(fields: &Fields) -> Vec<FallbackForm> {
    rows((0..).map(|number| fields.get(&format!("fallback_{number}")).trim().to_owned()))
}

fn rows(values: impl Iterator<Item = String>) -> Vec<FallbackForm> {
    let row = |value: String| FallbackForm {
        platform: value.split(' ').next().unwrap_or_default().to_owned(),
        value,
        problem: None,
    };
    values.take(MOST_FALLBACKS).map(row).collect()
}

/// The ways as they are to be stored. What the form does not show of a way (its account, options and time) stays with
/// it.
pub(super) fn write(
    forms: &mut [FallbackForm],
    handoff: &ExternalHandoff,
    targets: &Targets,
) -> Vec<Fallback> {
    let mut ways = Vec::<Fallback>::new();
    for form in forms.iter_mut().filter(|form| !form.value.is_empty()) {
        let route = if form.value.ends_with(" ticket") { Leaves::Ticket } else { Leaves::Chat };
        let same = |way: &&Fallback| value(way.platform.as_str(), way.route) == form.value;
        let known = handoff.fallbacks.iter().find(same).cloned();
        let way = known.unwrap_or_else(|| Fallback {
            platform: ConnectorId::new(form.platform.clone()),
            connection: None,
            route,
            budget_seconds: handoff_core::assistant::definition::BUDGET_SECONDS,
            options: Value::Null,
        });
        let first = handoff.platform.as_ref() == Some(&way.platform)
            && handoff.connection == way.connection
            && handoff.route == way.route;
        form.problem = if first || ways.contains(&way) {
            Some("This way was tried before; choose another one.".to_owned())
        } else {
            let open =
                targets.choose(&way.platform, way.connection.as_ref()).and_then(|target| match route {
                    Leaves::Chat => Ok(()),
                    Leaves::Ticket => target.route(None, Leaves::Ticket).map(|_| ()),
                });
            open.err().map(|refusal| sentence(&refusal))
        };
        ways.push(way);
    }
    ways
}
