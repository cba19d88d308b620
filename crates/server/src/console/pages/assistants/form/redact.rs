//! What does not leave: boxes for what the server knows by itself, lines for the rest.

use handoff_core::handoff::{Redaction, Rule};

use crate::console::fields::Fields;

/// What stands in the panel for the rules of an action.
pub(in crate::console::pages::assistants) struct RedactForm {
    pub(in crate::console::pages::assistants) known: Vec<KnownForm>,
    /// A name, `=` and an expression in each line.
    pub(in crate::console::pages::assistants) patterns: String,
    /// A field in each line.
    pub(in crate::console::pages::assistants) fields: String,
    pub(in crate::console::pages::assistants) problem: Option<String>,
}

/// A box for one rule.
pub(in crate::console::pages::assistants) struct KnownForm {
    rule: Rule,
    pub(in crate::console::pages::assistants) field: &'static str,
    pub(in crate::console::pages::assistants) label: &'static str,
    pub(in crate::console::pages::assistants) ticked: bool,
}

fn known(is_ticked: impl Fn(&Rule, &str) -> bool) -> Vec<KnownForm> {
    let boxes = [
        (Rule::CardNumbers, "redact_cards", "Card numbers"),
        (Rule::EmailAddresses, "redact_emails", "E-mail addresses"),
        (Rule::PhoneNumbers, "redact_phones", "Phone numbers"),
    ];
    let form = |(rule, field, label)| KnownForm { ticked: is_ticked(&rule, field), rule, field, label };
    boxes.into_iter().map(form).collect()
}

impl RedactForm {
    pub(super) fn stored(rules: &[Rule]) -> Self {
        let lines =
            |line: fn(&Rule) -> Option<String>| rules.iter().filter_map(line).collect::<Vec<_>>().join("\n");
        Self {
            known: known(|rule, _| rules.contains(rule)),
            patterns: lines(|rule| match rule {
                Rule::Pattern { pattern, name } => Some(format!("{name} = {pattern}")),
                _ => None,
            }),
            fields: lines(|rule| if let Rule::Field(path) = rule { Some(path.clone()) } else { None }),
            problem: None,
        }
    }

    pub(super) fn typed(fields: &Fields) -> Self {
        Self {
            known: known(|_, field| fields.ticked(field)),
            patterns: fields.lines("redact_patterns").join("\n"),
            fields: fields.lines("redact_fields").join("\n"),
            problem: None,
        }
    }

    /// The rules as they are to be stored. Rules that were there keep their order, new ones come after them.
    pub(super) fn write(&mut self, before: &[Rule]) -> Option<Vec<Rule>> {
        let rules = self.rules().and_then(|rules| {
            let checked = Redaction::new(&rules).map_err(|problems| problems.join("; "));
            checked.map(|_| rules)
        });
        match rules {
            Ok(rules) => {
                let kept = before.iter().filter(|rule| rules.contains(rule));
                let new = rules.iter().filter(|rule| !before.contains(rule));
                Some(kept.chain(new).cloned().collect())
            }
            Err(problem) => {
                let problem = problem.replace("redact: ", "");
                self.problem = Some(format!("{problem}."));
                None
            }
        }
    }

    fn rules(&self) -> Result<Vec<Rule>, String> {
        let mut rules: Vec<_> =
            self.known.iter().filter(|known| known.ticked).map(|known| known.rule.clone()).collect();
        for line in self.patterns.lines() {
            let (name, pattern) = line.split_once('=').ok_or_else(|| {
                format!("{line:?} is no pattern; write a name, = and the expression, such as contract number = C-\\d{{6}}")
            })?;
            let (name, pattern) = (name.trim().to_owned(), pattern.trim().to_owned());
            rules.push(Rule::Pattern { pattern, name });
        }
        rules.extend(self.fields.lines().map(|path| Rule::Field(path.to_owned())));
        Ok(rules)
    }
}
