//! Rewrites what Python has and Starlark lacks, without moving a single byte.
//!
//! Starlark has no `is`, and refuses `1 < a <= 5`. Every comparison is therefore
//! written as `|` before Starlark parses it: bitwise or is not available to authors,
//! binds just tighter than a comparison, and may follow itself. Which comparison stood
//! there is kept by its place, so the parsed tree has the author's meaning and places.

use std::collections::BTreeMap;

use super::error::ExpressionError;
use super::limits::{MAX_NESTING, MAX_SOURCE};
use super::operator::Operator;
use super::tokens::{Kind, Token, Tokens};

/// A source that Starlark can parse, byte for byte as long as the author's.
#[derive(Debug)]
pub(super) struct Spelling {
    pub(super) text: String,
    /// Each operator by its first byte.
    pub(super) operators: BTreeMap<usize, Placed>,
}

/// An operator, and the bracket it stands in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    pub(super) operator: Operator,
    /// Two operators of one bracket with the same number stand side by side.
    pub(super) bracket: usize,
}

/// A bracket that is open, and how deep the tree inside it may become.
#[derive(Debug)]
struct Bracket {
    opened_by: char,
    start: usize,
    number: usize,
    /// `and`, `or`, `not`, `if`, `else` since the last comma.
    logic: usize,
    /// Other operators since the last of those.
    inner: usize,
    /// A `for` waits for its `in`.
    in_for: bool,
}

struct Speller<'a> {
    source: &'a str,
    spelling: Spelling,
    open: Vec<Bracket>,
    brackets: usize,
}

/// Rewrites `source`; refuses what no Starlark parser should see.
pub(super) fn respell(source: &str) -> Result<Spelling, ExpressionError> {
    if source.len() > MAX_SOURCE {
        return Err(ExpressionError::limit(source, 0, "an expression may be 4 KB long at most"));
    }
    let tokens = all_tokens(source)?;
    let text = String::with_capacity(source.len());
    let mut speller = Speller {
        source,
        spelling: Spelling { text, operators: BTreeMap::new() },
        open: Vec::new(),
        brackets: 0,
    };
    speller.enter('\0', 0);
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        index += speller.token(token, tokens.get(index + 1))?;
    }
    speller.finish()
}

fn all_tokens(source: &str) -> Result<Vec<Token<'_>>, ExpressionError> {
    let mut tokens = Tokens::new(source, 0);
    let mut all = Vec::new();
    while let Some(token) = tokens.next()? {
        all.push(token);
    }
    if all.is_empty() {
        return Err(ExpressionError::syntax(source, 0, "the expression is empty"));
    }
    Ok(all)
}

impl Speller<'_> {
    /// Takes one token, or two that are one operator; says how many.
    fn token(&mut self, token: &Token<'_>, next: Option<&Token<'_>>) -> Result<usize, ExpressionError> {
        let next_word = next.filter(|next| next.kind == Kind::Word).map(|next| next.text);
        match (token.kind, token.text, next_word) {
            (Kind::Word, "not", Some("in")) => self.pair(token, next, Operator::NotIn),
            (Kind::Word, "is", Some("not")) => self.pair(token, next, Operator::IsNot),
            (Kind::Word, _, _) => self.word(token),
            (Kind::Symbol, _, _) => self.symbol(token),
            (Kind::Number | Kind::Text, _, _) => self.keep(token),
        }?;
        let taken = self.spelling.text.len() > token.end();
        self.check_nesting(token)?;
        Ok(1 + usize::from(taken))
    }

    fn pair(
        &mut self,
        token: &Token<'_>,
        next: Option<&Token<'_>>,
        operator: Operator,
    ) -> Result<(), ExpressionError> {
        self.operator(token.start, next.map_or(token.end(), Token::end), operator)
    }

    fn word(&mut self, token: &Token<'_>) -> Result<(), ExpressionError> {
        let in_list = self.bracket()?.opened_by == '[';
        match token.text {
            "and" | "or" | "not" | "if" | "else" => self.deeper_logic()?,
            "for" if !in_list => {
                return self.refuse(token, "put [ ] around a `for`, as in any([x > 1 for x in list])");
            }
            "for" => {
                self.deeper_logic()?;
                self.bracket()?.in_for = true;
            }
            "in" if self.bracket()?.in_for => self.bracket()?.in_for = false,
            "in" | "is" => {
                let operator = if token.text == "in" { Operator::In } else { Operator::Is };
                return self.operator(token.start, token.end(), operator);
            }
            word if RESERVED.contains(&word) => {
                return self.refuse(token, format!("`{word}` is not available in an expression"));
            }
            _ => {}
        }
        self.keep(token)
    }

    fn symbol(&mut self, token: &Token<'_>) -> Result<(), ExpressionError> {
        if let Some(operator) = Operator::from_symbol(token.text) {
            return self.operator(token.start, token.end(), operator);
        }
        if let Some((_, reason)) = REFUSED.iter().find(|(symbol, _)| *symbol == token.text) {
            return self.refuse(token, *reason);
        }
        match token.text {
            "(" | "[" | "{" => {
                self.bracket()?.inner += 1;
                self.enter(token.text.chars().next().unwrap_or('('), token.start);
            }
            ")" | "]" | "}" => self.leave(token)?,
            "," if self.open.len() == 1 => {
                return self.refuse(token, "several values are written as a list: [1, 2]");
            }
            "," | ":" => {
                let bracket = self.bracket()?;
                (bracket.logic, bracket.inner) = (0, 0);
            }
            _ => self.bracket()?.inner += 1,
        }
        self.keep(token)
    }

    fn operator(&mut self, start: usize, end: usize, operator: Operator) -> Result<(), ExpressionError> {
        let bracket = self.bracket()?;
        bracket.inner += 1;
        let placed = Placed { operator, bracket: bracket.number };
        self.spelling.operators.insert(start, placed);
        self.blank(start);
        if operator.is_comparison() {
            self.spelling.text.push('|');
        } else {
            self.spelling.text.push_str(operator.symbol());
        }
        self.blank(end);
        Ok(())
    }

    fn keep(&mut self, token: &Token<'_>) -> Result<(), ExpressionError> {
        self.blank(token.start);
        self.spelling.text.push_str(token.text);
        Ok(())
    }

    /// Fills up with spaces to byte `end`, so that line breaks and wide spaces mean nothing.
    fn blank(&mut self, end: usize) {
        let missing = end.saturating_sub(self.spelling.text.len());
        self.spelling.text.extend(std::iter::repeat_n(' ', missing));
    }

    fn enter(&mut self, opened_by: char, start: usize) {
        self.brackets += 1;
        let number = self.brackets;
        self.open.push(Bracket { opened_by, start, number, logic: 0, inner: 0, in_for: false });
    }

    fn leave(&mut self, token: &Token<'_>) -> Result<(), ExpressionError> {
        let bracket = self.open.pop().ok_or(ExpressionError::Internal("read"))?;
        if matches!((bracket.opened_by, token.text), ('(', ")") | ('[', "]") | ('{', "}")) {
            return Ok(());
        }
        let reason = format!("there is no bracket that this `{}` closes", token.text);
        Err(ExpressionError::syntax(self.source, token.start, reason))
    }

    fn finish(mut self) -> Result<Spelling, ExpressionError> {
        match self.open.pop() {
            Some(bracket) if !self.open.is_empty() => {
                let reason = format!("this `{}` is never closed", bracket.opened_by);
                Err(ExpressionError::syntax(self.source, bracket.start, reason))
            }
            _ => Ok(self.spelling),
        }
    }

    fn deeper_logic(&mut self) -> Result<(), ExpressionError> {
        let bracket = self.bracket()?;
        bracket.logic += 1;
        bracket.inner = 0;
        Ok(())
    }

    fn bracket(&mut self) -> Result<&mut Bracket, ExpressionError> {
        self.open.last_mut().ok_or(ExpressionError::Internal("read"))
    }

    /// No path in the tree is longer than this sum, and the parser recurses no deeper.
    fn check_nesting(&self, token: &Token<'_>) -> Result<(), ExpressionError> {
        let depth: usize = self.open.iter().map(|bracket| 1 + bracket.logic + bracket.inner).sum();
        if depth <= MAX_NESTING {
            return Ok(());
        }
        let reason =
            "the expression is nested too deeply here: split it, or store a part in a variable first";
        Err(ExpressionError::limit(self.source, token.start, reason))
    }

    fn refuse(&self, token: &Token<'_>, reason: impl Into<String>) -> Result<(), ExpressionError> {
        Err(ExpressionError::refused(self.source, token.start, reason))
    }
}

/// Symbols Python or another language gives a meaning, and what to write here.
const REFUSED: &[(&str, &str)] = &[
    ("=", "one `=` would set a variable: write == to compare"),
    (":=", "a variable is set by the action Set Chat Variable: write == to compare"),
    ("===", "write == to compare"),
    ("!==", "write != to compare"),
    ("<>", "write != to compare"),
    ("&&", "write `and`"),
    ("||", "write `or`"),
    ("&", "write `and`"),
    ("|", "write `or`"),
    ("!", "write `not`"),
    ("~", "write `not`"),
    ("?", "a choice is written as: this if condition else that"),
    ("**", "powers are not available"),
    ("^", "powers are not available"),
    ("<<", "shifts are not available"),
    (">>", "shifts are not available"),
    (";", "one expression is all there can be: leave out the `;`"),
    ("->", "`->` is not available in an expression"),
    ("@", "`@` is not available in an expression"),
    ("+=", "a variable is set by the action Set Chat Variable"),
    ("-=", "a variable is set by the action Set Chat Variable"),
    ("*=", "a variable is set by the action Set Chat Variable"),
    ("/=", "a variable is set by the action Set Chat Variable"),
    ("%=", "a variable is set by the action Set Chat Variable"),
];

/// Words that Python or Starlark keep for statements.
const RESERVED: &[&str] = &[
    "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "except",
    "finally", "from", "global", "import", "lambda", "load", "nonlocal", "pass", "raise", "return", "try",
    "while", "with", "yield",
];

/// Whether a word means something to the parser.
pub(super) fn is_keyword(word: &str) -> bool {
    RESERVED.contains(&word) || matches!(word, "and" | "or" | "not" | "if" | "else" | "for" | "in" | "is")
}
