//! What does not leave: an author's rules, applied to everything that goes to the platform and to nothing else.
//!
//! Plain functions of what is stored and of the rules, so that a second attempt says what the first one said. The
//! history keeps what was said. Read [`Rule`] for what an author may write, [`Redaction`] for what becomes of it.

mod card;
mod digits;
mod email;
mod phone;
mod rule;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;

use handoff_model::{Content, Person};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use rule::{MOST_RULES, PERSON_FIELDS, Rule};
use words::{Finder, Words};

/// How often each rule removed something, by the rule's name. Never what.
pub type Removed = BTreeMap<String, u64>;

/// Rules, ready to be applied.
#[derive(Debug, Default)]
pub struct Redaction {
    words: Words,
    /// Fields that do not leave, as paths.
    fields: Vec<(String, Vec<String>)>,
}

impl Redaction {
    /// Compiles an author's rules.
    ///
    /// # Errors
    /// What is wrong with each of them.
    pub fn new(rules: &[Rule]) -> Result<Self, Vec<String>> {
        let mut problems = rule::problems(rules);
        let (mut finders, mut fields) = (Vec::new(), Vec::new());
        for rule in rules {
            if let Rule::Field(path) = rule {
                fields.push((rule.name(), path.split('.').map(str::to_owned).collect()));
            }
            match Finder::new(rule) {
                Ok(finder) => finders.extend(finder),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(Self { words: Words::new(finders), fields }) } else { Err(problems) }
    }

    /// A text as it leaves.
    pub fn text(&self, text: &str, removed: &mut Removed) -> String {
        self.words.redact(text, removed)
    }

    /// A message as it leaves: its words, the answers it offers, and the names of its files. What is in the files is
    /// not looked at.
    pub fn content(&self, content: Content, removed: &mut Removed) -> Content {
        let Content { text, quick_replies, mut attachments } = content;
        for file in &mut attachments {
            file.name = self.text(&file.name, removed);
        }
        let quick_replies = quick_replies.iter().map(|reply| self.text(reply, removed)).collect();
        Content { text: self.text(&text, removed), quick_replies, attachments }
    }

    /// The person as the platform may know them.
    pub fn person(&self, person: Person, removed: &mut Removed) -> Person {
        let Person { id, name, email, phone, language } = person;
        Person {
            id: self.id(id),
            name: self.member("name", name, removed).map(|name| self.text(&name, removed)),
            email: self.whole("email", email, removed),
            phone: self.whole("phone", phone, removed),
            language: self.whole("language", language, removed),
        }
    }

    /// The options of an action. Where a chat goes (`routes`, by name) is no secret of the person's, and a number
    /// among them is no number of a card.
    pub fn options(&self, options: &Value, routes: impl Fn(&str) -> bool, removed: &mut Removed) -> Value {
        let mut left = options.clone();
        for (name, path) in self.fields.iter().filter(|(_, path)| path[0] == "options") {
            if take(&mut left, &path[1..]) {
                count(removed, name, 1);
            }
        }
        if let Value::Object(members) = &mut left {
            for (_, value) in members.iter_mut().filter(|(name, _)| !routes(name)) {
                self.value(value, removed);
            }
        }
        left
    }

    fn value(&self, value: &mut Value, removed: &mut Removed) {
        match value {
            Value::String(text) => *text = self.text(text, removed),
            Value::Number(number) => {
                let digits = number.to_string();
                let left = self.text(&digits, removed);
                if left != digits {
                    *value = Value::String(left);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item, removed)),
            Value::Object(members) => members.values_mut().for_each(|member| self.value(member, removed)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// The platform tells persons apart by this name, so what may not leave is replaced by what is as much their own.
    fn id(&self, id: String) -> String {
        if self.text(&id, &mut Removed::new()) == id { id } else { hex(&Sha256::digest(&id)[..16]) }
    }

    /// A field of the person, unless it is named by a rule.
    fn member(&self, name: &str, value: Option<String>, removed: &mut Removed) -> Option<String> {
        let value = value?;
        let rule = self.fields.iter().find(|(_, path)| path[0] == "person" && path[1] == name);
        if let Some((rule, _)) = rule {
            count(removed, rule, 1);
            return None;
        }
        Some(value)
    }

    /// A field that means nothing to the platform in part.
    fn whole(&self, name: &str, value: Option<String>, removed: &mut Removed) -> Option<String> {
        let value = self.member(name, value, removed)?;
        (self.text(&value, removed) == value).then_some(value)
    }
}

/// Removes the member at a path; false when there is none.
fn take(value: &mut Value, path: &[String]) -> bool {
    match (path, value) {
        ([last], Value::Object(members)) => members.remove(last).is_some_and(|gone| !gone.is_null()),
        ([first, rest @ ..], Value::Object(members)) => {
            members.get_mut(first).is_some_and(|member| take(member, rest))
        }
        _ => false,
    }
}

fn count(removed: &mut Removed, name: &str, times: u64) {
    *removed.entry(name.to_owned()).or_default() += times;
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
