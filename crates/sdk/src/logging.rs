//! Brings log events of a plugin to the host.
//!
//! `tracing` keeps its subscriber in a global, and a plugin file has globals of its own: without
//! this bridge its events would go nowhere.

use std::{
    cell::RefCell,
    fmt,
    sync::atomic::{AtomicU8, Ordering},
};

use handoff_abi::{Host, emit};
use serde_json::{Map, Value, json};
use tracing_core::{
    Event, Level, LevelFilter, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

thread_local! {
    /// The host of the call that this thread is polling.
    static CURRENT: RefCell<Option<Host>> = const { RefCell::new(None) };
}

/// 0 off, 1 error … 5 trace.
static LEVEL: AtomicU8 = AtomicU8::new(3);

/// Takes over this image's log events; called once for each image.
pub(crate) fn install() {
    let _ = tracing_core::dispatcher::set_global_default(tracing_core::Dispatch::new(Bridge));
}

/// Sets which events are worth sending: `off`, `error`, `warn`, `info`, `debug`, `trace`.
pub(crate) fn set_level(word: &str) {
    let level = match word {
        "off" => 0,
        "error" => 1,
        "warn" => 2,
        "debug" => 4,
        "trace" => 5,
        _ => 3,
    };
    LEVEL.store(level, Ordering::Relaxed);
    tracing_core::callsite::rebuild_interest_cache();
}

/// Runs `work` with log events going to `host`.
pub(crate) fn during<T>(host: &Host, work: impl FnOnce() -> T) -> T {
    let before = CURRENT.with_borrow_mut(|current| current.replace(host.clone()));
    let result = work();
    CURRENT.with_borrow_mut(|current| *current = before);
    result
}

pub(crate) fn emit_panic(host: &Host, body: &[u8]) {
    host.emit(emit::PANIC, body.to_vec().into());
}

struct Bridge;

impl Subscriber for Bridge {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        Some(*metadata.level()) <= filter().into_level()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(filter())
    }

    fn new_span(&self, _span: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _span: &span::Id, _values: &span::Record<'_>) {}

    fn record_follows_from(&self, _span: &span::Id, _follows: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let host = CURRENT.with_borrow(Clone::clone);
        if let Some(host) = host {
            let mut fields = Fields::default();
            event.record(&mut fields);
            let note = json!({
                "level": event.metadata().level().as_str(),
                "target": event.metadata().target(),
                "message": fields.message,
                "fields": fields.others,
            });
            host.emit(emit::LOG, note.to_string().into_bytes().into());
        }
    }

    fn enter(&self, _span: &span::Id) {}

    fn exit(&self, _span: &span::Id) {}
}

fn filter() -> LevelFilter {
    match LEVEL.load(Ordering::Relaxed) {
        0 => LevelFilter::OFF,
        1 => LevelFilter::from_level(Level::ERROR),
        2 => LevelFilter::from_level(Level::WARN),
        3 => LevelFilter::from_level(Level::INFO),
        4 => LevelFilter::from_level(Level::DEBUG),
        _ => LevelFilter::from_level(Level::TRACE),
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.keep(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.keep(field, format!("{value:?}"));
    }
}

impl Fields {
    fn keep(&mut self, field: &Field, text: String) {
        match field.name() {
            "message" => self.message = text,
            name => {
                self.others.insert(name.to_owned(), Value::String(text));
            }
        }
    }
}
