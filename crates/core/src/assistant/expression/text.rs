//! A text with `{ expression }` parts, such as `Hello { _customer.name }!`.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::Expression;
use super::error::ExpressionError;
use super::limits::{Allowance, MAX_RESULT, MAX_TEXT_PARTS, MAX_TEXT_SOURCE};
use super::program::Program;
use super::stack::on_own_stack;
use super::tokens::Tokens;
use super::values::to_text;

/// A text whose parts in braces are expressions; `{{` and `}}` stand for a brace.
///
/// Cheap to clone. An expression that begins or ends with a brace of its own is set
/// apart by a space: `{ {"en": "Hello"}[_lang] }`.
#[derive(Debug, Clone)]
pub struct Text(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    source: String,
    parts: Vec<Part>,
    names: Vec<String>,
}

#[derive(Debug)]
enum Part {
    Plain(String),
    /// With the characters of the source that come before the expression.
    Expression(Expression, usize),
}

impl Text {
    /// Compiles a text of at most 64 KB with at most 100 expressions.
    ///
    /// # Errors
    ///
    /// A brace that is not closed or not opened, and whatever [`Expression::compile`] refuses;
    /// positions count from the text's own beginning.
    pub fn compile(source: &str) -> Result<Self, ExpressionError> {
        if source.len() > MAX_TEXT_SOURCE {
            return Err(ExpressionError::limit(source, 0, "a text may be 64 KB long at most"));
        }
        let parts = on_own_stack(|| parts(source))?;
        let mut names: Vec<String> = Vec::new();
        for part in &parts {
            if let Part::Expression(expression, _) = part {
                names.extend_from_slice(expression.names());
            }
        }
        names.sort_unstable();
        names.dedup();
        Ok(Self(Arc::new(Compiled { source: source.to_owned(), parts, names })))
    }

    /// The text with the value of each expression in its place.
    ///
    /// None is written as nothing, True, False and numbers as Python writes them, lists and
    /// dictionaries as JSON.
    ///
    /// # Errors
    ///
    /// As [`Expression::evaluate`]; all expressions of a text share one budget.
    pub fn render(&self, variables: &Map<String, Json>) -> Result<String, ExpressionError> {
        let allowance = Allowance::new();
        let mut text = String::new();
        for part in &self.0.parts {
            match part {
                Part::Plain(plain) => text.push_str(plain),
                Part::Expression(expression, before) => {
                    let value = expression.0.run(variables, &allowance, |value, budget| {
                        if value.is_none() { Ok(String::new()) } else { to_text(value, budget) }
                    });
                    text.push_str(&value.map_err(|error| error.moved(*before))?);
                }
            }
            if text.len() > MAX_RESULT {
                return Err(ExpressionError::limit("", 0, "the text would become longer than 64 KB"));
            }
        }
        Ok(text)
    }

    /// The value of its expression when it is one and nothing else, so that a number stays a number; otherwise the
    /// text.
    ///
    /// # Errors
    ///
    /// As [`Text::render`].
    pub fn value(&self, variables: &Map<String, Json>) -> Result<Json, ExpressionError> {
        match self.0.parts.as_slice() {
            [Part::Expression(only, before)] => {
                only.evaluate(variables).map_err(|error| error.moved(*before))
            }
            _ => self.render(variables).map(Json::String),
        }
    }

    /// The variables it reads, sorted.
    pub fn names(&self) -> &[String] {
        &self.0.names
    }

    /// The text as it was written.
    pub fn source(&self) -> &str {
        &self.0.source
    }
}

fn parts(source: &str) -> Result<Vec<Part>, ExpressionError> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let (mut at, mut expressions) = (0, 0);
    while let Some(found) = source[at..].find(['{', '}']).map(|found| at + found) {
        plain.push_str(&source[at..found]);
        let brace = &source[found..=found];
        if source[found + 1..].starts_with(brace) {
            plain.push_str(brace);
            at = found + 2;
            continue;
        }
        if brace == "}" {
            return Err(ExpressionError::syntax(
                source,
                found,
                "this } closes nothing: a brace is written as }}",
            ));
        }
        expressions += 1;
        if expressions > MAX_TEXT_PARTS {
            return Err(ExpressionError::limit(source, found, "a text may hold 100 expressions at most"));
        }
        if !plain.is_empty() {
            parts.push(Part::Plain(std::mem::take(&mut plain)));
        }
        let end = closing(source, found)?;
        parts.push(expression(source, found + 1, end)?);
        at = end + 1;
    }
    plain.push_str(&source[at..]);
    if !plain.is_empty() {
        parts.push(Part::Plain(plain));
    }
    Ok(parts)
}

fn expression(source: &str, start: usize, end: usize) -> Result<Part, ExpressionError> {
    let before = source[..start].chars().count();
    let program = Program::compile(&source[start..end]).map_err(|error| error.moved(before))?;
    Ok(Part::Expression(Expression(Arc::new(program)), before))
}

/// The brace that closes the one at `open`; those in texts and dictionaries do not.
fn closing(source: &str, open: usize) -> Result<usize, ExpressionError> {
    let mut tokens = Tokens::new(source, open + 1);
    let mut depth = 0usize;
    while let Some(token) = tokens.next()? {
        match token.text {
            "{" => depth += 1,
            "}" if depth == 0 => return Ok(token.start),
            "}" => depth -= 1,
            _ => {}
        }
    }
    Err(ExpressionError::syntax(source, open, "this { is never closed: a brace is written as {{"))
}
