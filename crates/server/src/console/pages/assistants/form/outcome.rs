//! What the person is told about a handoff: a text of the author, the usual words, or declared silence.

use handoff_core::handoff::{
    Leaves, Outcome, Texts,
    texts::{Silence, Words},
};

use handoff_model::Route;

use crate::console::fields::Fields;

/// When an outcome's text is said.
fn label(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Asked => "When the team is asked",
        Outcome::Accepted => "When the team has the chat",
        Outcome::Queued => "When the chat waits in the team's queue",
        Outcome::Delayed => "When it takes longer than it should",
        Outcome::FallenBack => "When one way failed and the next is tried",
        Outcome::NobodyThere => "When nobody of the team is there",
        Outcome::Failed => "When the handoff failed",
        Outcome::Closed => "When the team closed the chat",
    }
}

/// The text of one outcome.
pub(in crate::console::pages::assistants) struct OutcomeForm {
    outcome: Outcome,
    pub(in crate::console::pages::assistants) name: &'static str,
    pub(in crate::console::pages::assistants) label: &'static str,
    /// What is said when nothing is written.
    pub(in crate::console::pages::assistants) usual: String,
    pub(in crate::console::pages::assistants) text: String,
    pub(in crate::console::pages::assistants) silent: bool,
    pub(in crate::console::pages::assistants) problem: Option<String>,
}

/// Every outcome as it is stored.
pub(super) fn stored(texts: &Texts, leaves: Leaves) -> Vec<OutcomeForm> {
    let usual = Texts::default();
    let route = if leaves == Leaves::Ticket { Route::Ticket } else { Route::Bridge };
    let outcomes = Outcome::ALL.into_iter().map(|outcome| {
        let words = texts.chosen(outcome);
        OutcomeForm {
            outcome,
            name: outcome.name(),
            label: label(outcome),
            usual: usual.say(outcome, route).unwrap_or_default().to_owned(),
            text: if let Some(Words::Say(text)) = words { text.clone() } else { String::new() },
            silent: matches!(words, Some(Words::Silent(_))),
            problem: None,
        }
    });
    outcomes.collect()
}

/// Every outcome as it was typed.
pub(super) fn typed(fields: &Fields, leaves: Leaves) -> Vec<OutcomeForm> {
    let mut forms = stored(&Texts::default(), leaves);
    for form in &mut forms {
        form.text = fields.get(&format!("text_{}", form.name)).trim().to_owned();
        form.silent = fields.ticked(&format!("silent_{}", form.name));
    }
    forms
}

/// Puts the texts together; false when a field contradicts itself.
pub(super) fn write(forms: &mut [OutcomeForm], texts: &mut Texts) -> bool {
    let mut fits = true;
    for form in forms {
        let words = match (form.text.is_empty(), form.silent) {
            (true, false) => None,
            (true, true) => Some(Words::Silent(Silence)),
            (false, false) => Some(Words::Say(form.text.clone())),
            (false, true) => {
                form.problem = Some("Either write a text or say nothing, not both.".to_owned());
                fits = false;
                continue;
            }
        };
        texts.choose(form.outcome, words);
    }
    fits
}
