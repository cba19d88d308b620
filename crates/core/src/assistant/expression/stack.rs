//! A stack of known size to compile on.
//!
//! Starlark's parser and compiler recurse as deep as an expression nests, with large
//! frames. What the caller has left of its own stack is not known, so the deepest
//! expression that is accepted is compiled where it is known to fit.

use std::thread;

use super::error::ExpressionError;

/// Twice what the deepest accepted expression takes in a build without optimisation.
/// Memory that is not touched is not taken.
const SIZE: usize = 8 * 1024 * 1024;

/// Runs `work` on a thread of its own and waits for it.
///
/// # Errors
///
/// Those of `work`, and [`ExpressionError::Internal`] when no thread could be started or `work` panicked.
pub(super) fn on_own_stack<T: Send>(
    work: impl FnOnce() -> Result<T, ExpressionError> + Send,
) -> Result<T, ExpressionError> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("expression".to_owned()).stack_size(SIZE);
        let running = thread.spawn_scoped(scope, work);
        let running = running.map_err(|_| ExpressionError::Internal("given a thread to be compiled on"))?;
        running.join().unwrap_or(Err(ExpressionError::Internal("compiled")))
    })
}
