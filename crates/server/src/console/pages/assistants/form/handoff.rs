//! External Handoff: the platform, and what is folded away under *Advanced*.

use handoff_core::{
    assistant::{ExternalHandoff, check_platform, definition::BUDGET_SECONDS},
    handoff::{Leaves, Refusal},
};
use handoff_model::{ConnectionId, ConnectorId};

use super::{
    Setting,
    consent::ConsentForm,
    fallback::{self, FallbackForm},
    options::OptionsForm,
    outcome::{self, OutcomeForm},
    redact::RedactForm,
};
use crate::{
    chat::sentence,
    console::{fields::Fields, pages::assistants::platforms},
};

/// Seconds for which attempts may go on.
const BUDGET: std::ops::RangeInclusive<u64> = 5..=86_400;

/// The panel's fields.
pub(in crate::console::pages::assistants) struct HandoffForm {
    pub(in crate::console::pages::assistants) platform: String,
    pub(in crate::console::pages::assistants) platform_problem: Option<String>,
    pub(in crate::console::pages::assistants) connection: String,
    pub(in crate::console::pages::assistants) connection_problem: Option<String>,
    pub(in crate::console::pages::assistants) ticket: bool,
    pub(in crate::console::pages::assistants) route_problem: Option<String>,
    pub(in crate::console::pages::assistants) outcomes: Vec<OutcomeForm>,
    pub(in crate::console::pages::assistants) budget: String,
    pub(in crate::console::pages::assistants) budget_problem: Option<String>,
    pub(in crate::console::pages::assistants) options: OptionsForm,
    /// Ask first whether somebody is there.
    pub(in crate::console::pages::assistants) check_availability: bool,
    pub(in crate::console::pages::assistants) consent: ConsentForm,
    pub(in crate::console::pages::assistants) redact: RedactForm,
    /// Ways that are tried when this one fails, with room for as many as there may be.
    pub(in crate::console::pages::assistants) fallbacks: Vec<FallbackForm>,
}

impl HandoffForm {
    pub(super) fn stored(handoff: &ExternalHandoff) -> Self {
        let text = |id: Option<&str>| id.unwrap_or_default().to_owned();
        Self {
            platform: text(handoff.platform.as_ref().map(ConnectorId::as_str)),
            platform_problem: None,
            connection: text(handoff.connection.as_ref().map(ConnectionId::as_str)),
            connection_problem: None,
            ticket: handoff.route == Leaves::Ticket,
            route_problem: None,
            outcomes: outcome::stored(&handoff.texts, handoff.route),
            budget: handoff.budget_seconds.to_string(),
            budget_problem: None,
            options: OptionsForm::stored(&handoff.options),
            check_availability: handoff.check_availability,
            consent: ConsentForm::stored(handoff.consent.as_ref()),
            redact: RedactForm::stored(&handoff.redact),
            fallbacks: fallback::stored(&handoff.fallbacks),
        }
    }

    pub(super) fn typed(fields: &Fields) -> Self {
        let text = |name: &str| fields.get(name).trim().to_owned();
        let ticket = fields.get("route") == "ticket";
        Self {
            platform: text("platform"),
            platform_problem: None,
            connection: text("connection"),
            connection_problem: None,
            ticket,
            route_problem: None,
            outcomes: outcome::typed(fields, leaves(ticket)),
            budget: text("budget"),
            budget_problem: None,
            options: OptionsForm::typed(fields),
            check_availability: fields.ticked("check_availability"),
            consent: ConsentForm::typed(fields),
            redact: RedactForm::typed(fields),
            fallbacks: fallback::typed(fields),
        }
    }

    /// Whether something under *Advanced* was refused: it is unfolded then.
    pub(in crate::console::pages::assistants) fn advanced_refused(&self) -> bool {
        self.connection_problem.is_some()
            || self.route_problem.is_some()
            || self.budget_problem.is_some()
            || self.options.problem.is_some()
            || self.redact.problem.is_some()
            || self.consent.problem.is_some()
            || self.fallbacks.iter().any(|form| form.problem.is_some())
            || self.outcomes.iter().any(|form| form.problem.is_some())
    }

    pub(super) fn write(&mut self, handoff: &mut ExternalHandoff, setting: &Setting) -> bool {
        self.choose(handoff, setting);
        handoff.route = leaves(self.ticket);
        let refusal = check_platform(handoff, &setting.targets).err();
        if let Some(refusal @ Refusal::NoTickets(_)) = refusal {
            self.route_problem = Some(sentence(&refusal));
        }
        match self.seconds() {
            Ok(seconds) => handoff.budget_seconds = seconds,
            Err(problem) => self.budget_problem = Some(problem),
        }
        if let Some(options) = self.options.write(&handoff.options) {
            handoff.options = options;
        }
        handoff.consent = self.consent.write();
        if let Some(rules) = self.redact.write(&handoff.redact) {
            handoff.redact = rules;
        }
        handoff.check_availability = self.check_availability;
        handoff.fallbacks = fallback::write(&mut self.fallbacks, handoff, &setting.targets);
        outcome::write(&mut self.outcomes, &mut handoff.texts);
        self.platform_problem.is_none() && !self.advanced_refused()
    }

    /// The platform and account, checked here whatever the page let somebody choose.
    fn choose(&mut self, handoff: &mut ExternalHandoff, setting: &Setting) {
        if self.platform.is_empty() {
            self.platform_problem = Some("Choose a platform.".to_owned());
            return;
        }
        let platform = ConnectorId::new(self.platform.clone());
        let connection = (!self.connection.is_empty()).then(|| ConnectionId::new(self.connection.clone()));
        let kept = handoff.platform.as_ref() == Some(&platform) && handoff.connection == connection;
        let refusal = platforms::refusal(&setting.targets, &platform, connection.as_ref());
        match refusal {
            None if !setting.choices.iter().any(|choice| choice.id == self.platform) => {
                self.platform_problem = Some("Nothing can be handed over to this platform.".to_owned());
            }
            None => {}
            Some(refusal @ Refusal::Ambiguous(_)) => self.connection_problem = Some(sentence(&refusal)),
            // A draft may keep a platform whose plugin or account is missing just now.
            Some(Refusal::NotLoaded(_) | Refusal::NoConnection(_)) if kept => {}
            Some(refusal) => self.refuse(&refusal, &platform, setting),
        }
        (handoff.platform, handoff.connection) = (Some(platform), connection);
    }

    fn refuse(&mut self, refusal: &Refusal, platform: &ConnectorId, setting: &Setting) {
        let without = platforms::refusal(&setting.targets, platform, None);
        if matches!(without, None | Some(Refusal::Ambiguous(_))) {
            let name = platforms::name(&setting.choices, platform);
            self.connection_problem = Some(format!("This is not a connection to {name}."));
        } else {
            self.platform_problem = Some(sentence(refusal));
        }
    }

    fn seconds(&self) -> Result<u64, String> {
        if self.budget.is_empty() {
            return Ok(BUDGET_SECONDS);
        }
        let seconds = self.budget.parse().ok().filter(|seconds| BUDGET.contains(seconds));
        seconds.ok_or_else(|| format!("Write a whole number from {} to {}.", BUDGET.start(), BUDGET.end()))
    }
}

fn leaves(ticket: bool) -> Leaves {
    if ticket { Leaves::Ticket } else { Leaves::Chat }
}
