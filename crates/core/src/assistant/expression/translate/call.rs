//! Calls of functions and methods, and lists built by `for`.

use starlark::syntax::ast::{
    Argument, AssignTarget, AstArgument, AstExpr, AstNoPayload, CallArgsP, Clause, Expr, ForClause,
};

use super::super::catalogue;
use super::super::error::ExpressionError;
use super::leaf::quoted;
use super::{Translator, Written, start};

impl Translator<'_> {
    pub(super) fn call(
        &mut self,
        tree: &AstExpr,
        callee: &AstExpr,
        arguments: &CallArgsP<AstNoPayload>,
    ) -> Written {
        let mut given = Vec::new();
        for argument in &arguments.args {
            given.push(self.argument(argument)?);
        }
        let at = self.at(callee);
        match &callee.node {
            Expr::Identifier(name) => {
                let function = catalogue::function(&name.node.ident, given.len())
                    .or_else(|reason| self.refuse(tree, reason))?;
                Ok(format!("call({at}, {}, {})", function.code(), given.join(", ")))
            }
            Expr::Dot(of, name) => {
                let at = self.at(name);
                catalogue::method(&name.node, given.len())
                    .map_err(|reason| ExpressionError::refused(self.source, start(name), reason))?;
                let mut values = vec![self.write(of)?];
                values.append(&mut given);
                Ok(format!("method({at}, {}, {})", quoted(name), values.join(", ")))
            }
            _ => self.refuse(tree, "only a function or a method is called with ( )"),
        }
    }

    fn argument(&mut self, argument: &AstArgument) -> Written {
        match &argument.node {
            Argument::Positional(value) => self.write(value),
            _ => Err(ExpressionError::refused(
                self.source,
                start(argument),
                "only plain values are given to a function",
            )),
        }
    }

    pub(super) fn comprehension(
        &mut self,
        tree: &AstExpr,
        item: &AstExpr,
        first: &ForClause,
        clauses: &[Clause],
    ) -> Written {
        let outer = self.locals.len();
        let mut tail = self.for_clause(first)?;
        for clause in clauses {
            let clause = match clause {
                Clause::For(each) => self.for_clause(each)?,
                Clause::If(condition) => format!("if {}", self.write(condition)?),
            };
            tail = format!("{tail} {clause}");
        }
        let item = self.write(item)?;
        self.locals.truncate(outer);
        Ok(self.paid(tree, format!("[{item} {tail}]")))
    }

    fn for_clause(&mut self, clause: &ForClause) -> Written {
        let AssignTarget::Identifier(name) = &clause.var.node else {
            return Err(ExpressionError::refused(
                self.source,
                start(&clause.var),
                "a `for` takes one name: [x for x in list]",
            ));
        };
        let name = name.node.ident.clone();
        let over = self.write(&clause.over)?;
        let written = format!("for l_{name} in each({}, {over})", self.at(&clause.over));
        self.locals.push(name);
        Ok(written)
    }
}
