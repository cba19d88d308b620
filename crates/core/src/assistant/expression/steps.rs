//! The steps a compiled expression is made of, as Starlark functions.
//!
//! Each is given the place in the author's source that it stands for, pays from the
//! evaluation's budget, and fails with an error at that place.

use std::cell::Cell;

use starlark::environment::{Globals, GlobalsBuilder};
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::none::NoneType;
use starlark::values::tuple::UnpackTuple;
use starlark::values::{Heap, Value};

use super::catalogue::Function;
use super::error::ExpressionError;
use super::limits::{Budget, Checked, Fault, NODE};
use super::operator::Operator;
use super::{access, arithmetic as numbers, compare as comparison, functions, methods};

/// Everything a compiled expression can reach.
pub(super) fn globals() -> Globals {
    let mut globals = GlobalsBuilder::new();
    globals.set("None", NoneType);
    globals.set("True", true);
    globals.set("False", false);
    globals.with(steps).build()
}

#[starlark_module]
fn steps(builder: &mut GlobalsBuilder) {
    fn compare<'v>(
        left: Value<'v>,
        at: i32,
        operator: i32,
        right: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<bool> {
        step(eval, at, |_, budget| comparison::compare(budget, known(operator)?, left, right))
    }

    /// `a, at, <, b, at, <=, c`: the first link that does not hold decides.
    fn chain<'v>(
        #[starlark(args)] links: UnpackTuple<Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<bool> {
        let Some((first, links)) = links.items.split_first() else { return Ok(true) };
        let mut left = *first;
        for link in links.chunks_exact(3) {
            let &[at, operator, right] = link else { break };
            let (at, operator) = (at.unpack_i32().unwrap_or(1), operator.unpack_i32().unwrap_or(-1));
            if !step(eval, at, |_, budget| comparison::compare(budget, known(operator)?, left, right))? {
                return Ok(false);
            }
            left = right;
        }
        Ok(true)
    }

    fn arithmetic<'v>(
        at: i32,
        operator: i32,
        left: Value<'v>,
        right: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        step(eval, at, |heap, budget| numbers::calculate(heap, budget, known(operator)?, left, right))
    }

    fn index<'v>(
        at: i32,
        of: Value<'v>,
        key: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        step(eval, at, |heap, budget| access::index(heap, budget, of, key))
    }

    fn slice<'v>(
        at: i32,
        of: Value<'v>,
        from: Value<'v>,
        to: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        step(eval, at, |heap, budget| access::slice(heap, budget, of, from, to))
    }

    fn attribute<'v>(
        at: i32,
        of: Value<'v>,
        name: &str,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        step(eval, at, |_, budget| access::attribute(budget, of, name))
    }

    fn each<'v>(at: i32, of: Value<'v>, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<Value<'v>> {
        step(eval, at, |heap, budget| access::each(heap, budget, of))
    }

    fn built<'v>(at: i32, value: Value<'v>, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<Value<'v>> {
        step(eval, at, |_, budget| access::built(budget, value))
    }

    fn call<'v>(
        at: i32,
        function: i32,
        #[starlark(args)] given: UnpackTuple<Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        step(eval, at, |heap, budget| match Function::from_code(function) {
            Some(function) => functions::call(heap, budget, function, &given.items),
            None => Fault::value("this function is not known"),
        })
    }

    fn method<'v>(
        at: i32,
        name: &str,
        of: Value<'v>,
        #[starlark(args)] given: UnpackTuple<Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        step(eval, at, |heap, budget| methods::call(heap, budget, name, of, &given.items))
    }
}

fn known(operator: i32) -> Checked<Operator> {
    Operator::from_code(operator).ok_or_else(|| Fault::Value("this operator is not known".to_owned()))
}

/// Runs a step, and puts the source's place to whatever goes wrong in it.
fn step<'v, T>(
    eval: &mut Evaluator<'v, '_, '_>,
    at: i32,
    run: impl FnOnce(Heap<'v>, &Budget) -> Checked<T>,
) -> starlark::Result<T> {
    let Some(left) = eval.extra.and_then(|extra| extra.downcast_ref::<Cell<u64>>()) else {
        return Err(starlark::Error::new_other(ExpressionError::Internal("evaluated without a budget")));
    };
    let budget = Budget::on(left);
    let outcome = budget.spend(NODE).and_then(|()| run(eval.heap(), &budget));
    outcome.map_err(|fault| {
        let position = usize::try_from(at).unwrap_or(1);
        starlark::Error::new_other(fault.at(position))
    })
}
