//! Catches every panic before it can reach the edge, where it would abort the host.

use std::{
    any::Any,
    cell::RefCell,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use handoff_abi::{AbiError, Host, Reply, abi_stable::std_types::RResult};
use serde_json::json;

use crate::logging;

thread_local! {
    /// Message and place of the panic under way, noted by the hook.
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Notes where a panic happened; called once for each plugin image.
pub(crate) fn install_hook() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let text = format!("panicked at {place}: {}", payload_text(info.payload()));
        LAST_PANIC.with_borrow_mut(|last| *last = Some(text));
    }));
}

/// Runs `work`; a panic becomes an error with its message and place.
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, AbiError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| report(&*payload))
}

/// A future whose panics become errors, and during whose polls log events go to `host`.
pub(crate) struct Guarded<F> {
    inner: Option<Pin<Box<F>>>,
    host: Host,
}

/// The inner future is boxed, so moving this moves nothing that is pinned.
impl<F> Unpin for Guarded<F> {}

impl<F> Guarded<F> {
    pub(crate) fn new(inner: F, host: Host) -> Self {
        Self { inner: Some(Box::pin(inner)), host }
    }

    /// Drops the inner future; what its destructors do wrong ends here.
    fn discard(&mut self) {
        let inner = self.inner.take();
        if let Err(error) = catch(|| drop(inner)) {
            logging::emit_panic(&self.host, error.body.as_slice());
        }
    }
}

impl<F: Future<Output = Reply>> Future for Guarded<F> {
    type Output = Reply;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reply> {
        let this = &mut *self;
        let Some(inner) = this.inner.as_mut() else {
            return Poll::Ready(RResult::RErr(error(500, "polled again after its end")));
        };
        let polled = logging::during(&this.host, || catch(|| inner.as_mut().poll(cx)));
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(reply)) => {
                this.discard();
                Poll::Ready(reply)
            }
            Err(panic) => {
                logging::emit_panic(&this.host, panic.body.as_slice());
                this.discard();
                Poll::Ready(RResult::RErr(panic))
            }
        }
    }
}

impl<F> Drop for Guarded<F> {
    fn drop(&mut self) {
        self.discard();
    }
}

/// An error with a message as its body.
pub(crate) fn error(code: u32, message: &str) -> AbiError {
    AbiError { code, body: json!({ "message": message }).to_string().into_bytes().into() }
}

fn report(payload: &(dyn Any + Send)) -> AbiError {
    let noted = LAST_PANIC.with_borrow_mut(Option::take);
    error(500, &noted.unwrap_or_else(|| payload_text(payload).to_owned()))
}

fn payload_text(payload: &dyn Any) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
