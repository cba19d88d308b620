//! Operators between values: the comparisons that were respelled become what they were.

use starlark::syntax::ast::{AstExpr, AstLiteral, BinOp, Expr};

use super::super::error::ExpressionError;
use super::super::operator::Operator;
use super::super::spelling::Placed;
use super::{Translator, Written, end};

impl Translator<'_> {
    pub(super) fn sign(&mut self, tree: &AstExpr, operator: Operator, inner: &AstExpr) -> Written {
        let at = self.at(tree);
        Ok(format!("arithmetic({at}, {}, 0, {})", operator.code(), self.write(inner)?))
    }

    pub(super) fn logic(&mut self, left: &AstExpr, word: &str, right: &AstExpr) -> Written {
        Ok(format!("({} {word} {})", self.write(left)?, self.write(right)?))
    }

    pub(super) fn operation(&mut self, tree: &AstExpr, left: &AstExpr, right: &AstExpr) -> Written {
        let (start, placed) = self.operator(left)?;
        let (at, code) = (self.position(start), placed.operator.code());
        if placed.operator.is_comparison() {
            return self.comparison(tree, placed.bracket);
        }
        if placed.operator == Operator::Multiply && (is_sequence(left) || is_sequence(right)) {
            return self.refuse(tree, "`*` is for numbers: a text or list is not repeated");
        }
        if placed.operator == Operator::Remainder && is_sequence(left) {
            return self.refuse(tree, "`%` is for numbers: join texts with +");
        }
        Ok(format!("arithmetic({at}, {code}, {}, {})", self.write(left)?, self.write(right)?))
    }

    /// `a < b`, or a chain of them as long as the operators stand in the same bracket.
    fn comparison(&mut self, tree: &AstExpr, bracket: usize) -> Written {
        let mut links = Vec::new();
        let mut first = tree;
        while let Expr::Op(left, BinOp::BitOr, right) = &first.node {
            let (start, placed) = self.operator(left)?;
            if placed.bracket != bracket {
                break;
            }
            links.push((start, placed.operator, &**right));
            first = left;
        }
        links.reverse();
        let mut written = self.write(first)?;
        let mut before = first;
        let step = if links.len() == 1 { "compare" } else { "chain" };
        for (start, operator, right) in &links {
            self.check_identity(*start, *operator, before, right)?;
            let at = self.position(*start);
            written = format!("{written}, {at}, {}, {}", operator.code(), self.write(right)?);
            before = right;
        }
        Ok(format!("{step}({written})"))
    }

    fn check_identity(
        &self,
        start: usize,
        operator: Operator,
        left: &AstExpr,
        right: &AstExpr,
    ) -> Result<(), ExpressionError> {
        let identity = matches!(operator, Operator::Is | Operator::IsNot);
        if !identity || is_constant(left) || is_constant(right) {
            return Ok(());
        }
        let instead = if operator == Operator::Is { "==" } else { "!=" };
        let reason = format!("`{}` is for None, True and False: write {instead}", operator.symbol());
        Err(ExpressionError::refused(self.source, start, reason))
    }

    /// The operator that follows `left`: brackets may close in between, but nothing else.
    fn operator(&self, left: &AstExpr) -> Result<(usize, Placed), ExpressionError> {
        let found = self.spelling.operators.range(end(left)..).next();
        found.map(|(start, placed)| (*start, *placed)).ok_or(ExpressionError::Internal("read"))
    }
}

fn is_sequence(tree: &AstExpr) -> bool {
    match &tree.node {
        Expr::Literal(AstLiteral::String(_)) => true,
        node => matches!(node, Expr::List(_) | Expr::Tuple(_) | Expr::Dict(_) | Expr::ListComprehension(..)),
    }
}

fn is_constant(tree: &AstExpr) -> bool {
    matches!(&tree.node, Expr::Identifier(name) if matches!(&*name.node.ident, "None" | "True" | "False"))
}
