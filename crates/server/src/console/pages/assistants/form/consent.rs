//! The question before a chat leaves.

use handoff_core::handoff::consent::{Consent, problems};

use crate::console::fields::Fields;

/// What stands in the panel; without a question nobody is asked.
pub(in crate::console::pages::assistants) struct ConsentForm {
    pub(in crate::console::pages::assistants) question: String,
    pub(in crate::console::pages::assistants) yes: String,
    pub(in crate::console::pages::assistants) no: String,
    pub(in crate::console::pages::assistants) problem: Option<String>,
}

impl ConsentForm {
    pub(super) fn stored(consent: Option<&Consent>) -> Self {
        let text = |of: fn(&Consent) -> &String| consent.map(of).cloned().unwrap_or_default();
        Self {
            question: text(|it| &it.question),
            yes: text(|it| &it.yes),
            no: text(|it| &it.no),
            problem: None,
        }
    }

    pub(super) fn typed(fields: &Fields) -> Self {
        let text = |name: &str| fields.get(name).trim().to_owned();
        Self {
            question: text("consent_question"),
            yes: text("consent_yes"),
            no: text("consent_no"),
            problem: None,
        }
    }

    /// The question as it is to be stored.
    pub(super) fn write(&mut self) -> Option<Consent> {
        if self.question.is_empty() {
            let lost = !self.yes.is_empty() || !self.no.is_empty();
            self.problem = lost.then(|| "Write the question to which these are the answers.".to_owned());
            return None;
        }
        let or = |typed: &str, usual: &str| if typed.is_empty() { usual } else { typed }.to_owned();
        let consent =
            Consent { question: self.question.clone(), yes: or(&self.yes, "Yes"), no: or(&self.no, "No") };
        let problem = problems(&consent).into_iter().next();
        self.problem = problem.map(|problem| format!("{}.", problem.replace("consent: ", "")));
        Some(consent)
    }
}
