//! How large and how long anything about an expression may become.
//!
//! Values are typed by persons, so every limit is met with an error and never with
//! a large allocation: a function first asks for what its result will cost.

use std::cell::Cell;

use super::error::ExpressionError;

/// The longest expression, in bytes.
pub const MAX_SOURCE: usize = 4 * 1024;
/// The longest text with expressions in it, in bytes.
pub const MAX_TEXT_SOURCE: usize = 64 * 1024;
/// The most expressions one text may hold.
pub const MAX_TEXT_PARTS: usize = 100;
/// The largest text an expression may make, and the largest result, in bytes.
pub const MAX_RESULT: usize = 64 * 1024;
/// How deep brackets, operators and `not` may nest within each other.
pub(super) const MAX_NESTING: usize = 100;
/// How deep lists and dictionaries may nest in a variable.
pub(super) const MAX_VALUE_DEPTH: usize = 64;
/// How deep they may nest while evaluating: a variable inside as many brackets as a source may hold.
pub(super) const MAX_WALK_DEPTH: usize = MAX_VALUE_DEPTH + MAX_NESTING;
/// What reading the variables may cost: about a byte of text each, and [`NODE`] a value.
const MAX_INPUT: u64 = 1024 * 1024;
/// What evaluating may cost, in the same coin.
const MAX_WORK: u64 = 1024 * 1024;
/// The cost of handling one value.
pub(super) const NODE: usize = 16;

/// What one evaluation, or one rendering of a text, may still spend.
#[derive(Debug)]
pub(super) struct Allowance {
    input: Cell<u64>,
    work: Cell<u64>,
}

impl Allowance {
    pub(super) fn new() -> Self {
        Self { input: Cell::new(MAX_INPUT), work: Cell::new(MAX_WORK) }
    }

    /// For bringing variables in.
    pub(super) fn input(&self) -> Budget<'_> {
        Budget { left: &self.input, exceeded: "the variables used here are too large" }
    }

    /// For the steps of the evaluation.
    pub(super) fn work(&self) -> Budget<'_> {
        Budget::on(&self.work)
    }

    /// What [`Self::work`] draws on, in a shape that can be handed through Starlark.
    pub(super) fn left_to_work(&self) -> &Cell<u64> {
        &self.work
    }
}

/// Where costs are paid from.
#[derive(Debug)]
pub(super) struct Budget<'a> {
    left: &'a Cell<u64>,
    exceeded: &'static str,
}

impl<'a> Budget<'a> {
    /// A budget for steps, on what is left.
    pub(super) fn on(left: &'a Cell<u64>) -> Self {
        Self { left, exceeded: "this takes too long with the values it was given" }
    }

    /// Pays. Once there is not enough, nothing is left.
    pub(super) fn spend(&self, cost: usize) -> Checked<()> {
        let rest = u64::try_from(cost).ok().and_then(|cost| self.left.get().checked_sub(cost));
        self.left.set(rest.unwrap_or(0));
        rest.map(|_| ()).ok_or(Fault::Limit(self.exceeded))
    }

    /// Pays for a text of `length` bytes that is about to be made.
    pub(super) fn make_text(&self, length: usize) -> Checked<()> {
        if length > MAX_RESULT {
            return Err(Fault::Limit("the text would become longer than 64 KB"));
        }
        self.spend(NODE + length)
    }
}

/// What went wrong at a place the caller knows.
#[derive(Debug)]
pub(super) enum Fault {
    /// The values do not fit.
    Value(String),
    /// A limit was met.
    Limit(&'static str),
}

/// The result of a step that knows nothing of the source.
pub(super) type Checked<T> = Result<T, Fault>;

impl Fault {
    pub(super) fn value<T>(reason: impl Into<String>) -> Checked<T> {
        Err(Self::Value(reason.into()))
    }

    pub(super) fn at(self, position: usize) -> ExpressionError {
        match self {
            Self::Value(reason) => ExpressionError::Value { position, reason },
            Self::Limit(reason) => ExpressionError::Limit { position, reason: reason.to_owned() },
        }
    }
}
