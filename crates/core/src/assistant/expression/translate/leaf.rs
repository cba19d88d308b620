//! Names, numbers, texts, and the lists and dictionaries written around them.

use std::collections::BTreeSet;

use starlark::syntax::ast::{AstExpr, AstLiteral, AstString, Expr};

use super::super::catalogue;
use super::{Translator, Written};

impl Translator<'_> {
    pub(super) fn name(&mut self, tree: &AstExpr, name: &str) -> Written {
        if let Some((_, meant)) = CONSTANTS.iter().find(|(written, _)| *written == name) {
            return if name == *meant {
                Ok(name.to_owned())
            } else {
                self.refuse(tree, format!("write {meant}"))
            };
        }
        if self.locals.iter().any(|local| local == name) {
            return Ok(format!("l_{name}"));
        }
        if catalogue::is_function(name) {
            return self.refuse(tree, format!("`{name}` is a function: write {name}(...)"));
        }
        self.names.insert(name.to_owned());
        Ok(format!("v_{name}"))
    }

    pub(super) fn literal(&self, tree: &AstExpr, literal: &AstLiteral) -> Written {
        match literal {
            AstLiteral::Int(number) => match number.node.to_string().parse::<i64>() {
                Ok(number) => Ok(number.to_string()),
                Err(_) => self.refuse(tree, "this number is too large"),
            },
            AstLiteral::Float(number) if number.node.is_finite() => Ok(format!("{:e}", number.node)),
            AstLiteral::Float(_) => self.refuse(tree, "this number is too large"),
            AstLiteral::String(text) => Ok(quoted(text)),
            AstLiteral::Bytes(_) | AstLiteral::Ellipsis => self.refuse(tree, "this is not available"),
        }
    }

    pub(super) fn list(&mut self, tree: &AstExpr, items: &[AstExpr]) -> Written {
        let items = items.iter().map(|item| self.write(item)).collect::<Result<Vec<_>, _>>()?;
        Ok(self.paid(tree, format!("[{}]", items.join(", "))))
    }

    pub(super) fn dictionary(&mut self, tree: &AstExpr, entries: &[(AstExpr, AstExpr)]) -> Written {
        let mut keys = BTreeSet::new();
        let mut written = Vec::new();
        for (key, value) in entries {
            let Expr::Literal(AstLiteral::String(name)) = &key.node else {
                return self.refuse(key, "a key in { } is written as a text: {\"en\": ...}");
            };
            if !keys.insert(&name.node) {
                return self.refuse(key, "this key is there twice");
            }
            written.push(format!("{}: {}", quoted(name), self.write(value)?));
        }
        Ok(self.paid(tree, format!("{{{}}}", written.join(", "))))
    }

    /// A list that is built once costs no more than its source; one built in a `for` is paid for.
    pub(super) fn paid(&self, tree: &AstExpr, literal: String) -> String {
        if self.locals.is_empty() { literal } else { format!("built({}, {literal})", self.at(tree)) }
    }
}

/// Constants as they are written here and elsewhere.
const CONSTANTS: &[(&str, &str)] = &[
    ("True", "True"),
    ("true", "True"),
    ("TRUE", "True"),
    ("False", "False"),
    ("false", "False"),
    ("FALSE", "False"),
    ("None", "None"),
    ("none", "None"),
    ("null", "None"),
    ("undefined", "None"),
];

/// Whether `name` is a constant, or is taken for one elsewhere.
pub(in super::super) fn is_constant_name(name: &str) -> bool {
    CONSTANTS.iter().any(|(written, _)| *written == name)
}

/// A text as Starlark reads it back, whatever is in it.
pub(super) fn quoted(text: &AstString) -> String {
    let mut written = String::from("\"");
    for c in text.node.chars() {
        match c {
            '"' | '\\' => written.extend(['\\', c]),
            c if c.is_ascii_control() => written.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => written.push(c),
        }
    }
    written.push('"');
    written
}
