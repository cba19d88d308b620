//! An action's options: values for the platform, in whose texts `{ }` holds an expression.

use serde_json::{Map, Value};

use super::{Text, expression::ExpressionError};

/// Texts with expressions that the options of one way out may hold.
const MOST_TEXTS: usize = 100;

/// Options with their texts compiled; none where no text holds an expression, so that the values can be shared.
#[derive(Debug)]
pub struct OptionTexts(Node);

#[derive(Debug)]
enum Node {
    Fixed(Value),
    Text(Text),
    List(Vec<Node>),
    Members(Vec<(String, Node)>),
}

impl OptionTexts {
    /// Compiles the texts of some options.
    ///
    /// # Errors
    /// What is wrong with each of them, with its place.
    pub fn compile(options: &Value) -> Result<Option<Self>, Vec<String>> {
        let mut build = Build::default();
        let node = build.node(options, "options");
        if build.texts > MOST_TEXTS {
            build.problems.push(format!("at most {MOST_TEXTS} of the options may hold expressions"));
        }
        match (build.problems.is_empty(), build.changes) {
            (false, _) => Err(build.problems),
            (true, false) => Ok(None),
            (true, true) => Ok(Some(Self(node))),
        }
    }

    /// The options for one session. What cannot be evaluated is left out, and said in `problems`.
    pub fn fill(&self, variables: &Map<String, Value>, problems: &mut Vec<String>) -> Value {
        fill(&self.0, "options", variables, problems)
    }
}

#[derive(Default)]
struct Build {
    texts: usize,
    /// A text reads otherwise than it is written: it holds an expression, or a brace that is written as two.
    changes: bool,
    problems: Vec<String>,
}

impl Build {
    fn node(&mut self, value: &Value, place: &str) -> Node {
        match value {
            Value::String(source) if source.contains(['{', '}']) => self.text(source, place),
            Value::Array(items) => {
                let node = |(at, item)| self.node(item, &format!("{place}[{at}]"));
                Node::List(items.iter().enumerate().map(node).collect())
            }
            Value::Object(members) => {
                let node = |(name, value): (&String, _)| {
                    (name.clone(), self.node(value, &format!("{place}.{name}")))
                };
                Node::Members(members.iter().map(node).collect())
            }
            fixed => Node::Fixed(fixed.clone()),
        }
    }

    fn text(&mut self, source: &str, place: &str) -> Node {
        self.texts += 1;
        self.changes = true;
        match Text::compile(source) {
            Ok(text) => Node::Text(text),
            Err(error) => {
                self.problems.push(format!("{place}: {error}"));
                Node::Fixed(Value::Null)
            }
        }
    }
}

fn fill(node: &Node, place: &str, variables: &Map<String, Value>, problems: &mut Vec<String>) -> Value {
    match node {
        Node::Fixed(value) => value.clone(),
        Node::Text(text) => value_of(text.value(variables), place, problems),
        Node::List(items) => {
            let item = |(at, item)| fill(item, &format!("{place}[{at}]"), variables, problems);
            Value::Array(items.iter().enumerate().map(item).collect())
        }
        Node::Members(members) => {
            let member = |(name, value): &(String, Node)| {
                (name.clone(), fill(value, &format!("{place}.{name}"), variables, problems))
            };
            Value::Object(members.iter().map(member).collect())
        }
    }
}

fn value_of(value: Result<Value, ExpressionError>, place: &str, problems: &mut Vec<String>) -> Value {
    value.unwrap_or_else(|error| {
        problems.push(format!("{place} was left out: {error}"));
        Value::Null
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(options: &Value, variables: Value) -> (Value, Vec<String>) {
        let Value::Object(variables) = variables else { panic!("variables are an object") };
        let mut problems = Vec::new();
        let compiled = OptionTexts::compile(options).unwrap().unwrap();
        (compiled.fill(&variables, &mut problems), problems)
    }

    #[test]
    fn an_expression_keeps_its_type_and_a_text_around_it_makes_it_a_text() {
        let options = json!({ "fields": { "1": "{ vip }", "2": "order { order }" }, "tags": ["{ _lang }", "chat"],
            "group": 7, "subject": "{ missing }" });
        let (values, problems) = filled(&options, json!({ "vip": true, "order": 12, "_lang": "de" }));
        assert_eq!(
            values,
            json!({ "fields": { "1": true, "2": "order 12" }, "tags": ["de", "chat"], "group": 7, "subject": null })
        );
        assert!(problems.is_empty());
    }

    #[test]
    fn what_cannot_be_evaluated_is_left_out_and_named() {
        let (values, problems) = filled(&json!({ "group": "{ 1 // n }", "subject": "a" }), json!({ "n": 0 }));
        assert_eq!(values, json!({ "group": null, "subject": "a" }));
        assert!(problems[0].starts_with("options.group was left out: "), "{problems:?}");
    }

    #[test]
    fn options_without_expressions_stay_as_they_are() {
        assert!(OptionTexts::compile(&json!({ "tags": ["a"], "n": 1 })).unwrap().is_none());
        assert!(OptionTexts::compile(&Value::Null).unwrap().is_none());
    }

    #[test]
    fn every_broken_text_is_named_with_its_place() {
        let broken = json!({ "subject": "{ 1 +", "fields": { "7": ["{ import os }"] } });
        let problems = OptionTexts::compile(&broken).unwrap_err();
        assert_eq!(problems.len(), 2);
        assert!(problems.iter().any(|problem| problem.starts_with("options.fields.7[0]: ")), "{problems:?}");
    }
}
