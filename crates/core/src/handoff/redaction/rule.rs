//! What an author may write as a rule.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Rules of one action at most.
pub const MOST_RULES: usize = 20;
/// Fields of the person that a rule may name.
pub const PERSON_FIELDS: [&str; 4] = ["name", "email", "phone", "language"];
/// Longest name of what a pattern finds.
const LONGEST_NAME: usize = 40;
/// Names within a path to an option at most.
const DEEPEST: usize = 5;

/// Something that does not leave.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub enum Rule {
    /// Numbers of payment cards: 13 to 19 digits with a right check digit.
    CardNumbers,
    /// E-mail addresses.
    EmailAddresses,
    /// Telephone numbers that are written as such.
    PhoneNumbers,
    /// Whatever fits a regular expression.
    Pattern {
        /// The expression.
        pattern: String,
        /// What it finds, in a word or two.
        name: String,
    },
    /// A field of the person or a member of the options, such as `person.email` or `options.fields.360`.
    Field(String),
}

impl Rule {
    /// What the rule is called in receipts, in the plural where it can be.
    pub fn name(&self) -> String {
        match self {
            Self::CardNumbers => "card numbers".to_owned(),
            Self::EmailAddresses => "e-mail addresses".to_owned(),
            Self::PhoneNumbers => "phone numbers".to_owned(),
            Self::Pattern { name, .. } => name.clone(),
            Self::Field(path) => path.clone(),
        }
    }

    /// What stands in the place of what was removed.
    pub fn marker(&self) -> String {
        let what = match self {
            Self::CardNumbers => "card number",
            Self::EmailAddresses => "e-mail address",
            Self::PhoneNumbers => "phone number",
            Self::Pattern { name, .. } => name,
            Self::Field(path) => path,
        };
        format!("[{what} removed]")
    }

    fn problem(&self) -> Option<String> {
        match self {
            Self::Pattern { name, .. } if !is_name(name) => Some(format!(
                "redact: \"as\" names what a pattern finds, in 1 to {LONGEST_NAME} letters, digits, spaces and -; {name:?} does not"
            )),
            Self::Field(path) if !is_field(path) => Some(format!(
                "redact: there is no field {path:?}; there are person.name, person.email, person.phone, person.language, and options with the name of an option, such as options.subject"
            )),
            _ => None,
        }
    }
}

/// What is wrong with rules before any is compiled.
pub(super) fn problems(rules: &[Rule]) -> Vec<String> {
    let mut problems: Vec<_> = rules.iter().filter_map(Rule::problem).collect();
    if rules.len() > MOST_RULES {
        problems.push(format!("redact: at most {MOST_RULES} rules; there are {}", rules.len()));
    }
    for (at, rule) in rules.iter().enumerate() {
        // Two rules of one name could not be told apart in the receipt.
        if rules[..at].iter().any(|other| other.name() == rule.name()) {
            problems.push(format!("redact: there are two rules {:?}", rule.name()));
        }
    }
    problems
}

fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || c == ' ' || c == '-';
    name.trim() == name && (1..=LONGEST_NAME).contains(&name.chars().count()) && name.chars().all(fits)
}

fn is_field(path: &str) -> bool {
    let names: Vec<_> = path.split('.').collect();
    match names[..] {
        ["person", name] => PERSON_FIELDS.contains(&name),
        ["options", ref names @ ..] => {
            (1..=DEEPEST).contains(&names.len()) && names.iter().all(|name| !name.trim().is_empty())
        }
        _ => false,
    }
}

impl TryFrom<Value> for Rule {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let member = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let only = |names: &[&str]| {
            value.as_object().is_some_and(|members| members.keys().all(|key| names.contains(&key.as_str())))
        };
        match (value.as_str(), member("pattern"), member("field")) {
            (Some("card_numbers"), ..) => Ok(Self::CardNumbers),
            (Some("email_addresses"), ..) => Ok(Self::EmailAddresses),
            (Some("phone_numbers"), ..) => Ok(Self::PhoneNumbers),
            (None, Some(pattern), None) if only(&["pattern", "as"]) => {
                Ok(Self::Pattern { pattern, name: member("as").unwrap_or_else(|| "text".to_owned()) })
            }
            (None, None, Some(field)) if only(&["field"]) => Ok(Self::Field(field)),
            _ => Err(format!(
                "{value} is no rule of \"redact\"; there are \"card_numbers\", \"email_addresses\", \"phone_numbers\", {{\"pattern\": …, \"as\": …}} and {{\"field\": …}}"
            )),
        }
    }
}

impl From<Rule> for Value {
    fn from(rule: Rule) -> Self {
        match rule {
            Rule::CardNumbers => json!("card_numbers"),
            Rule::EmailAddresses => json!("email_addresses"),
            Rule::PhoneNumbers => json!("phone_numbers"),
            Rule::Pattern { pattern, name } => json!({ "pattern": pattern, "as": name }),
            Rule::Field(field) => json!({ "field": field }),
        }
    }
}
