//! Has Starlark parse the respelled source, and says in our words where it fails.

use starlark::syntax::ast::{AstExpr, AstStmt, Stmt};
use starlark::syntax::{AstModule, Dialect, DialectTypes};

use super::error::ExpressionError;
use super::spelling::Spelling;
use super::tokens::{Kind, Tokens};

/// How far the bracket put around the source moves every place in the tree.
pub(super) const SHIFT: usize = 1;

/// Only expressions: no statement can be written inside the bracket either.
const DIALECT: Dialect = Dialect {
    enable_def: false,
    enable_lambda: false,
    enable_load: false,
    enable_keyword_only_arguments: false,
    enable_positional_only_arguments: false,
    enable_types: DialectTypes::Disable,
    enable_load_reexport: false,
    enable_top_level_stmt: false,
    enable_f_strings: false,
    _non_exhaustive: (),
};

/// Parses the respelled `source`.
///
/// # Errors
///
/// Says what is unexpected, by the author's source and not by the respelled one.
pub(super) fn parse(source: &str, spelling: &Spelling) -> Result<AstModule, ExpressionError> {
    let wrapped = format!("({})", spelling.text);
    AstModule::parse("expression", wrapped, &DIALECT).map_err(|error| {
        let begin = error.span().map_or(0, |span| span.span.begin().get() as usize);
        unexpected(source, begin.saturating_sub(SHIFT))
    })
}

/// The one expression of a parsed source.
pub(super) fn expression(statement: &AstStmt) -> Option<&AstExpr> {
    match &statement.node {
        Stmt::Expression(expression) => Some(expression),
        Stmt::Statements(statements) => match statements.as_slice() {
            [only] => expression(only),
            _ => None,
        },
        _ => None,
    }
}

/// Names the author's token at the place where Starlark stopped.
fn unexpected(source: &str, at: usize) -> ExpressionError {
    let mut tokens = Tokens::new(source, 0);
    while let Ok(Some(token)) = tokens.next() {
        if token.kind == Kind::Text && (token.start + 1..token.end()).contains(&at) {
            let reason = "this text cannot be read: a backslash is written as \\\\";
            return ExpressionError::syntax(source, token.start, reason);
        }
        if token.end() > at {
            let reason = format!("`{}` was not expected here", token.text);
            return ExpressionError::syntax(source, token.start, reason);
        }
    }
    ExpressionError::syntax(source, source.trim_end().len(), "something is missing at the end")
}
