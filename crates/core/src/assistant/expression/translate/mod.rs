//! Turns the parsed tree into a Starlark function that calls nothing but our own checked steps.
//!
//! What is written out is an allow-list: a kind of expression without a line here is
//! refused. Starlark's operators, functions and methods are never reached, because none
//! of them is bounded; only `and`, `or`, `not`, `if` and the building of lists remain
//! its own. A variable `x` is written `v_x`, a name bound by `for` `l_x`, so no author's
//! name can meet one of ours.

mod call;
mod leaf;
mod operation;

use std::collections::BTreeSet;

use starlark::codemap::Spanned;
use starlark::syntax::ast::{AstExpr, BinOp, Expr};

use super::error::{ExpressionError, position};
use super::operator::Operator;
use super::parse::SHIFT;
use super::spelling::Spelling;

use self::leaf::quoted;

pub(super) use self::leaf::is_constant_name;

/// The function's name in the module that is written.
pub(super) const FUNCTION: &str = "expression";

/// A Starlark module of one function, and the variables it takes, in their order.
#[derive(Debug)]
pub(super) struct Translation {
    pub(super) module: String,
    pub(super) names: Vec<String>,
}

type Written = Result<String, ExpressionError>;

struct Translator<'a> {
    source: &'a str,
    spelling: &'a Spelling,
    names: BTreeSet<String>,
    /// Names bound by the `for`s around the place being written.
    locals: Vec<String>,
}

/// Translates the tree of the respelled `source`.
pub(super) fn translate(
    source: &str,
    spelling: &Spelling,
    tree: &AstExpr,
) -> Result<Translation, ExpressionError> {
    let mut translator = Translator { source, spelling, names: BTreeSet::new(), locals: Vec::new() };
    let body = translator.write(tree)?;
    let names: Vec<String> = translator.names.into_iter().collect();
    let parameters: Vec<String> = names.iter().map(|name| format!("v_{name}")).collect();
    let module = format!("def {FUNCTION}({}):\n    return {body}\n", parameters.join(", "));
    Ok(Translation { module, names })
}

impl Translator<'_> {
    fn write(&mut self, tree: &AstExpr) -> Written {
        match &tree.node {
            Expr::Identifier(name) => self.name(tree, &name.node.ident),
            Expr::Literal(literal) => self.literal(tree, literal),
            Expr::Tuple(items) | Expr::List(items) => self.list(tree, items),
            Expr::Dict(entries) => self.dictionary(tree, entries),
            Expr::Not(inner) => Ok(format!("(not {})", self.write(inner)?)),
            Expr::Minus(inner) => self.sign(tree, Operator::Subtract, inner),
            Expr::Plus(inner) => self.sign(tree, Operator::Add, inner),
            Expr::Op(left, BinOp::And, right) => self.logic(left, "and", right),
            Expr::Op(left, BinOp::Or, right) => self.logic(left, "or", right),
            Expr::Op(left, _, right) => self.operation(tree, left, right),
            Expr::If(parts) => {
                let (condition, then, other) = &**parts;
                let (then, condition) = (self.write(then)?, self.write(condition)?);
                Ok(format!("({then} if {condition} else {})", self.write(other)?))
            }
            Expr::Dot(of, name) => {
                let at = self.at(name);
                Ok(format!("attribute({at}, {}, {})", self.write(of)?, quoted(name)))
            }
            Expr::Index(parts) => {
                let at = self.position(end(&parts.0));
                Ok(format!("index({at}, {}, {})", self.write(&parts.0)?, self.write(&parts.1)?))
            }
            Expr::Slice(of, from, to, None) => self.slice(of, from.as_deref(), to.as_deref()),
            Expr::Slice(..) | Expr::Index2(_) => {
                self.refuse(tree, "only [index] and [from:to] are available")
            }
            Expr::Call(callee, arguments) => self.call(tree, callee, arguments),
            Expr::ListComprehension(item, each, clauses) => self.comprehension(tree, item, each, clauses),
            Expr::DictComprehension(..) => {
                self.refuse(tree, "a `for` is only available in a list: [x for x in y]")
            }
            Expr::Lambda(_) => self.refuse(tree, "`lambda` is not available in an expression"),
            Expr::BitNot(_) => self.refuse(tree, "write `not`"),
            Expr::FString(_) => self.refuse(tree, "f\"...\" is not available: join texts with +"),
        }
    }

    fn slice(&mut self, of: &AstExpr, from: Option<&AstExpr>, to: Option<&AstExpr>) -> Written {
        let at = self.position(end(of));
        let of = self.write(of)?;
        let mut bound = |tree: Option<&AstExpr>| tree.map_or(Ok("None".to_owned()), |tree| self.write(tree));
        Ok(format!("slice({at}, {of}, {}, {})", bound(from)?, bound(to)?))
    }

    fn at<T>(&self, node: &Spanned<T>) -> usize {
        self.position(start(node))
    }

    fn position(&self, byte: usize) -> usize {
        position(self.source, byte)
    }

    fn refuse<T, N>(&self, node: &Spanned<N>, reason: impl Into<String>) -> Result<T, ExpressionError> {
        Err(ExpressionError::refused(self.source, start(node), reason))
    }
}

fn start<T>(node: &Spanned<T>) -> usize {
    (node.span.begin().get() as usize).saturating_sub(SHIFT)
}

fn end<T>(node: &Spanned<T>) -> usize {
    (node.span.end().get() as usize).saturating_sub(SHIFT)
}
