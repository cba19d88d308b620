//! A compiled expression: a frozen Starlark function, called with a fresh heap each time.

use std::sync::LazyLock;

use serde_json::{Map, Value as Json};
use starlark::ErrorKind;
use starlark::environment::{FrozenModule, Globals, Module};
use starlark::eval::Evaluator;
use starlark::syntax::{AstModule, Dialect};
use starlark::values::{OwnedFrozenValue, Value};

use super::error::ExpressionError;
use super::limits::{Allowance, Budget, Checked};
use super::translate::{FUNCTION, Translation};
use super::values::from_json;
use super::{parse, spelling, steps, translate};

/// Bounds of the interpreter itself, behind the budget that the steps keep.
const MAX_TICKS: u64 = 1_000_000;
const MAX_HEAP: usize = 32 * 1024 * 1024;
const MAX_CALLS: usize = 8;

static GLOBALS: LazyLock<Globals> = LazyLock::new(steps::globals);

/// The function, and the variables it takes.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) source: String,
    pub(super) names: Vec<String>,
    function: OwnedFrozenValue,
}

impl Program {
    pub(super) fn compile(source: &str) -> Result<Self, ExpressionError> {
        let spelling = spelling::respell(source)?;
        let parsed = parse::parse(source, &spelling)?;
        let tree =
            parse::expression(parsed.statement()).ok_or_else(|| ExpressionError::syntax(source, 0, ONE))?;
        let Translation { module, names } = translate::translate(source, &spelling, tree)?;
        let function = load(module)?
            .get(FUNCTION)
            .map_err(|_| ExpressionError::Internal("found after it was compiled"))?;
        Ok(Self { source: source.to_owned(), names, function })
    }

    /// Calls the function, and hands its value to `take` while its heap lives.
    pub(super) fn run<R>(
        &self,
        variables: &Map<String, Json>,
        allowance: &Allowance,
        take: impl FnOnce(Value<'_>, &Budget) -> Checked<R>,
    ) -> Result<R, ExpressionError> {
        Module::with_temp_heap(|module| {
            let mut given = Vec::with_capacity(self.names.len());
            for name in &self.names {
                given.push(match variables.get(name) {
                    Some(value) => from_json(module.heap(), value, &allowance.input())
                        .map_err(|fault| fault.at(self.first(name)))?,
                    None => Value::new_none(),
                });
            }
            let mut eval = Evaluator::new(&module);
            bound(&mut eval)?;
            eval.extra = Some(allowance.left_to_work());
            let function = module.heap().access_owned_frozen_value(&self.function);
            let value = eval.eval_function(function, &given, &[]).map_err(failure)?;
            take(value, &allowance.work()).map_err(|fault| fault.at(1))
        })
    }

    /// About where a variable stands in the source: only used to say where it was too large.
    fn first(&self, name: &str) -> usize {
        super::error::position(&self.source, self.source.find(name).unwrap_or(0))
    }
}

const ONE: &str = "one expression is all there can be";

/// Compiles a module of our own writing and freezes it, so that every thread may call into it.
fn load(module: String) -> Result<FrozenModule, ExpressionError> {
    let parsed = AstModule::parse("expression", module, &Dialect::Standard)
        .map_err(|_| ExpressionError::Internal("translated"))?;
    Module::with_temp_heap(|module| {
        {
            let mut eval = Evaluator::new(&module);
            bound(&mut eval)?;
            eval.eval_module(parsed, &GLOBALS).map_err(|_| ExpressionError::Internal("compiled"))?;
        }
        module.freeze().map_err(|_| ExpressionError::Internal("kept after it was compiled"))
    })
}

fn bound(eval: &mut Evaluator<'_, '_, '_>) -> Result<(), ExpressionError> {
    eval.disable_gc();
    let set = eval
        .set_max_tick_count(MAX_TICKS)
        .and_then(|()| eval.set_max_heap_size(MAX_HEAP))
        .and_then(|()| eval.set_max_callstack_size(MAX_CALLS));
    set.map_err(|_| ExpressionError::Internal("bounded"))
}

/// Our own error where a step failed. Starlark's words may hold a person's: they are dropped.
fn failure(error: starlark::Error) -> ExpressionError {
    match error.into_kind() {
        ErrorKind::Other(error) => match error.downcast::<ExpressionError>() {
            Ok(error) => error,
            Err(_) => ExpressionError::Limit {
                position: 1,
                reason: "this takes too long with the values it was given".to_owned(),
            },
        },
        _ => ExpressionError::Internal("evaluated"),
    }
}
