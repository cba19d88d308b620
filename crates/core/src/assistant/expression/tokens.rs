//! Splits a source into words, numbers, texts and symbols, as Python does.
//!
//! Starlark's own parser reads the expression afterwards. This comes first because
//! what Python has and Starlark lacks is found here, and because a source that nests
//! too deeply must never reach a parser that recurses.

use super::error::ExpressionError;

/// Every symbol of more than one character, the longer before its own beginning.
const SYMBOLS: &[&str] = &[
    "===", "!==", "**", "//", "==", "!=", "<=", ">=", "<>", "<<", ">>", "&&", "||", ":=", "->", "+=", "-=",
    "*=", "/=", "%=",
];
const SINGLE: &str = "()[]{},:.+-*/%<>=!&|^~;@?";

/// A piece of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    /// The piece as written.
    pub(super) text: &'a str,
    /// Its first byte in the source.
    pub(super) start: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Number,
    Text,
    Symbol,
}

impl Token<'_> {
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// Reads one token after the other.
pub(super) struct Tokens<'a> {
    source: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    /// Reads `source` from byte `at`, a character boundary.
    pub(super) fn new(source: &'a str, at: usize) -> Self {
        Self { source, at }
    }

    /// The next token, or `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, ExpressionError> {
        let rest = &self.source[self.at..];
        let rest = rest.trim_start();
        self.at = self.source.len() - rest.len();
        let Some(first) = rest.chars().next() else { return Ok(None) };
        let (kind, length) = match first {
            'a'..='z' | 'A'..='Z' | '_' => (Kind::Word, self.word(rest)?),
            '0'..='9' => (Kind::Number, self.number(rest)?),
            '.' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => (Kind::Number, self.number(rest)?),
            '"' | '\'' => (Kind::Text, self.text(rest, first)?),
            _ => (Kind::Symbol, self.symbol(rest, first)?),
        };
        let token = Token { kind, text: &rest[..length], start: self.at };
        self.at += length;
        Ok(Some(token))
    }

    fn word(&self, rest: &str) -> Result<usize, ExpressionError> {
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        match rest[length..].chars().next() {
            Some('"' | '\'') => Err(self.refused(
                "a letter right before a quotation mark (such as f\"...\") is not available: write the text alone, \
                 and join texts with +",
            )),
            Some(c) if c.is_alphanumeric() => Err(self.refused(NAMES)),
            _ => Ok(length),
        }
    }

    fn number(&self, rest: &str) -> Result<usize, ExpressionError> {
        let digits = |from: usize| {
            rest[from..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |found| from + found)
        };
        let mut length = digits(0);
        if rest[length..].starts_with('.') {
            length = digits(length + 1);
        }
        if rest[length..].starts_with(['e', 'E']) {
            let sign = usize::from(rest[length + 1..].starts_with(['+', '-']));
            length = digits(length + 1 + sign);
        }
        let number = &rest[..length];
        let leading_zero = number.len() > 1 && number.starts_with('0') && number.parse::<u64>().is_ok();
        let unfinished = rest[length..].starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.');
        if unfinished || leading_zero || number.parse::<f64>().is_err() {
            return Err(ExpressionError::syntax(
                self.source,
                self.at,
                "this is not a number: write it as 12 or 12.5",
            ));
        }
        Ok(length)
    }

    fn text(&self, rest: &str, quote: char) -> Result<usize, ExpressionError> {
        if rest[1..].starts_with(quote) && rest[2..].starts_with(quote) {
            return Err(self.refused("a text is written between single quotation marks, not three of them"));
        }
        let mut escaped = false;
        for (index, c) in rest.char_indices().skip(1) {
            match c {
                '\n' | '\r' => break,
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                c if c == quote => return Ok(index + 1),
                _ => {}
            }
        }
        Err(ExpressionError::syntax(self.source, self.at, "this text is not closed by a quotation mark"))
    }

    fn symbol(&self, rest: &str, first: char) -> Result<usize, ExpressionError> {
        if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            return Ok(symbol.len());
        }
        match first {
            c if SINGLE.contains(c) => Ok(1),
            '“' | '”' | '„' | '«' | '»' | '‘' | '’' | '`' => {
                Err(self.refused("write straight quotation marks: \" or '"))
            }
            '#' => Err(self.refused("a comment is not available in an expression")),
            c if c.is_alphabetic() => Err(self.refused(NAMES)),
            _ => Err(ExpressionError::syntax(self.source, self.at, "this character has no meaning here")),
        }
    }

    fn refused(&self, reason: &str) -> ExpressionError {
        ExpressionError::refused(self.source, self.at, reason)
    }
}

const NAMES: &str = "a name is made of the letters a to z, digits and _";
