//! Notes that connectors leave: log lines and panics. They go to the host's log, so many for each
//! second and connection, and without secrets.

use std::time::{Duration, Instant};

use handoff_abi::emit;
use handoff_model::{ConnectionId, ConnectorId};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Map, Value};
use tracing::{debug, error, info, trace, warn};

use super::measure::Measures;
use crate::plugins::{answer, secrets::Secrets};

/// Lines that a connection may log within one [`WINDOW`].
const MAX_LINES: u32 = 100;
const WINDOW: Duration = Duration::from_secs(1);
/// Longest text of a line and of its fields, in characters.
const MAX_TEXT: usize = 4000;
/// Largest note, in bytes.
const MAX_NOTE: usize = 64 * 1024;

/// Where the notes of one connection go.
pub(in crate::plugins) struct Notes {
    connector: ConnectorId,
    connection: ConnectionId,
    secrets: Secrets,
    measures: Measures,
    window: Mutex<Window>,
}

struct Window {
    since: Instant,
    lines: u32,
}

#[derive(Deserialize)]
struct Line {
    level: String,
    #[serde(default)]
    target: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    fields: Map<String, Value>,
}

impl Notes {
    pub(in crate::plugins) fn new(
        connector: ConnectorId,
        connection: ConnectionId,
        secrets: Secrets,
        measures: Measures,
    ) -> Self {
        let window = Mutex::new(Window { since: Instant::now(), lines: 0 });
        Self { connector, connection, secrets, measures, window }
    }

    /// Takes a note.
    pub(in crate::plugins) fn take(&self, kind: u32, payload: &[u8]) {
        if payload.len() > MAX_NOTE {
            return;
        }
        if kind == emit::METRIC {
            if let Ok(note) = serde_json::from_slice(payload) {
                self.measures.take(&self.connector, &self.connection, note);
            }
            return;
        }
        if !self.has_room() {
            return;
        }
        if kind == emit::PANIC {
            let message = self.clean(&answer::message(payload));
            let (connector, connection) = (&self.connector, &self.connection);
            error!(%connector, %connection, "Connector {connector} panicked: {message}");
        } else if let (emit::LOG, Ok(line)) = (kind, serde_json::from_slice(payload)) {
            self.log(&line);
        }
    }

    fn log(&self, line: &Line) {
        let (connector, connection) = (&self.connector, &self.connection);
        let (message, module) = (self.clean(&line.message), self.clean(&line.target));
        let fields = self.clean(&Value::Object(line.fields.clone()).to_string());
        match line.level.as_str() {
            "ERROR" => error!(%connector, %connection, module, fields, "{message}"),
            "WARN" => warn!(%connector, %connection, module, fields, "{message}"),
            "INFO" => info!(%connector, %connection, module, fields, "{message}"),
            "DEBUG" => debug!(%connector, %connection, module, fields, "{message}"),
            _ => trace!(%connector, %connection, module, fields, "{message}"),
        }
    }

    /// The text without secrets, and not too long.
    fn clean(&self, text: &str) -> String {
        let mut text = self.secrets.redact(text);
        if let Some((at, _)) = text.char_indices().nth(MAX_TEXT) {
            text.truncate(at);
            text.push('…');
        }
        text
    }

    fn has_room(&self) -> bool {
        let mut window = self.window.lock();
        if window.since.elapsed() >= WINDOW {
            let dropped = window.lines.saturating_sub(MAX_LINES);
            *window = Window { since: Instant::now(), lines: 0 };
            if dropped > 0 {
                let (connector, connection) = (&self.connector, &self.connection);
                warn!(%connector, %connection, "{dropped} log lines of connector {connector} were dropped");
            }
        }
        window.lines = window.lines.saturating_add(1);
        window.lines <= MAX_LINES
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fmt::Debug, sync::Arc};

    use tracing::{
        Event, Metadata, Subscriber,
        field::{Field, Visit},
        span,
    };

    use super::*;

    /// Keeps the lines of a log.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<String>>>);

    struct Text(String);

    impl Visit for Text {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            self.0.push_str(&format!(" {field}={value:?}"));
        }
    }

    impl Subscriber for Log {
        fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _span: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }

        fn record(&self, _span: &span::Id, _values: &span::Record<'_>) {}

        fn record_follows_from(&self, _span: &span::Id, _follows: &span::Id) {}

        fn event(&self, event: &Event<'_>) {
            let mut text = Text(event.metadata().level().to_string());
            event.record(&mut text);
            self.0.lock().push(text.0);
        }

        fn enter(&self, _span: &span::Id) {}

        fn exit(&self, _span: &span::Id) {}
    }

    fn logged(work: impl FnOnce(&Notes)) -> Vec<String> {
        let all = BTreeMap::from([("token".to_owned(), "hunter2".to_owned().into())]);
        let secrets = Secrets::only(&all, &["token"]);
        let notes = Notes::new(ConnectorId::new("x"), ConnectionId::new("c1"), secrets, Measures::default());
        let log = Log::default();
        tracing::subscriber::with_default(log.clone(), || work(&notes));
        let lines = log.0.lock();
        lines.clone()
    }

    #[test]
    fn notes_become_log_lines_without_secrets() {
        let lines = logged(|notes| {
            notes.take(
                emit::LOG,
                br#"{"level":"WARN","target":"t","message":"no hunter2","fields":{"key":"hunter2"}}"#,
            );
            notes.take(emit::PANIC, br#"{"message":"panicked with hunter2"}"#);
            notes.take(emit::METRIC, br#"{"name":"n","value":1}"#);
            notes.take(emit::LOG, b"\xff");
            notes.take(77, b"{}");
        });
        assert_eq!(lines.len(), 2, "{lines:?}");
        for expected in ["WARN", "no [token]", "connector=x", "connection=c1", r#"{\"key\":\"[token]\"}"#] {
            assert!(lines[0].contains(expected), "{expected}: {}", lines[0]);
        }
        assert!(lines[1].starts_with("ERROR") && lines[1].contains("panicked with [token]"), "{}", lines[1]);
    }

    #[test]
    fn a_flood_is_cut_off() {
        let line = br#"{"level":"INFO","message":"again"}"#;
        let lines = logged(|notes| (0..10_000).for_each(|_| notes.take(emit::LOG, line)));
        assert!(lines.len() >= MAX_LINES as usize && lines.len() < 2_000, "{}", lines.len());
    }
}
