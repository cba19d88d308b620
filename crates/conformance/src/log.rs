//! The log of the server while the kit runs, by connection.

use std::{
    fmt::{Debug, Write},
    sync::Once,
};

use parking_lot::Mutex;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

static LINES: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

/// Begins to keep what is logged in this process; false when something else keeps it already.
pub(crate) fn listen() -> bool {
    static ONCE: Once = Once::new();
    static HEARD: Mutex<bool> = Mutex::new(false);
    ONCE.call_once(|| *HEARD.lock() = tracing::subscriber::set_global_default(Keeper).is_ok());
    *HEARD.lock()
}

/// What was logged about some connections or connectors since the last time.
pub(crate) fn take(about: impl Fn(&str) -> bool) -> Vec<String> {
    let mut lines = LINES.lock();
    let taken = lines.extract_if(.., |(found, _)| about(found)).map(|(_, line)| line);
    taken.collect()
}

struct Keeper;

#[derive(Default)]
struct Line {
    connection: String,
    text: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        match field.name() {
            // The connection says more than the connector, wherever both are said.
            "connection" => self.connection = text,
            "connector" if self.connection.is_empty() => self.connection = text,
            _ => {}
        }
        // Writing to a string does not fail.
        let _ = write!(self.text, " {}={value:?}", field.name());
    }
}

impl Subscriber for Keeper {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("handoff")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line { text: level(*event.metadata().level()).to_owned(), ..Line::default() };
        event.record(&mut line);
        if !line.connection.is_empty() {
            LINES.lock().push((line.connection, line.text));
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARN",
        Level::INFO => "INFO",
        Level::DEBUG => "DEBUG",
        _ => "TRACE",
    }
}
