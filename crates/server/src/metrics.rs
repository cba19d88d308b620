//! Numbers for Prometheus.

use std::{
    fmt::Write,
    sync::atomic::{AtomicU64, Ordering},
};

use axum::{
    Router,
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::header,
    middleware::Next,
    response::{IntoResponse, Response},
    routing::get,
};
use handoff_core::{
    audit::Promise,
    plugins::{Measure, MeasureKind},
    store::Page,
};

use crate::{
    AppState,
    auth::Admin,
    console::{ConnectorDesk, ConnectorView},
    web::Problem,
};

/// States in which handoffs wait for something, or for somebody.
const OPEN_STATES: [&str; 6] = ["requested", "waiting", "transferring", "in_doubt", "carrying", "failed"];
/// Handoffs of one state are counted up to here.
const MOST_COUNTED: usize = 1000;
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Requests that were answered, by class of status.
#[derive(Debug, Default)]
pub(crate) struct Counts([AtomicU64; CLASSES.len()]);

/// The address that Prometheus asks.
pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/metrics", get(metrics))
}

/// Counts a request and logs its outcome; by the route's pattern, because addresses may hold secrets.
pub(crate) async fn count(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let response = next.run(request).await;
    let status = response.status().as_u16();
    if let Some(count) = usize::from(status / 100).checked_sub(1).and_then(|class| state.counts.0.get(class))
    {
        count.fetch_add(1, Ordering::Relaxed);
    }
    tracing::debug!(
        http.method = %method,
        http.route = route.as_deref().unwrap_or("none"),
        http.status = status,
        "Answered a request"
    );
    response
}

/// All numbers as text.
async fn metrics(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    if !state.options.open_metrics {
        Admin::from_request_parts(&mut request.into_parts().0, &state).await?;
    }
    let mut text = String::new();
    runtime_numbers(&state, &mut text);
    edge_numbers(&state, &mut text);
    audit_numbers(&state, &mut text);
    handoffs_by_state(&state, &mut text).await?;
    if let Some(desk) = state.connectors.as_deref() {
        connector_numbers(desk, &mut text);
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

fn runtime_numbers(state: &AppState, text: &mut String) {
    for (name, help, value) in state.runtime.counters().snapshot() {
        family(text, name, help, "counter");
        line(text, format_args!("{name} {value}"));
    }
}

fn edge_numbers(state: &AppState, text: &mut String) {
    family(text, "handoff_http_requests_total", "Requests that were answered.", "counter");
    for (class, count) in CLASSES.iter().zip(&state.counts.0) {
        let count = count.load(Ordering::Relaxed);
        line(text, format_args!("handoff_http_requests_total{{status=\"{class}\"}} {count}"));
    }
    let open = state.options.most_streams.saturating_sub(state.streams.available_permits());
    family(text, "handoff_event_streams_open", "Event streams and long polls that are open.", "gauge");
    line(text, format_args!("handoff_event_streams_open {open}"));
}

fn audit_numbers(state: &AppState, text: &mut String) {
    let audited = state.runtime.audited();
    family(text, "handoff_audit_findings", "Rows that go against a promise.", "gauge");
    for promise in Promise::ALL {
        let (name, count) = (promise.name(), audited.count(promise));
        line(text, format_args!("handoff_audit_findings{{promise=\"{name}\"}} {count}"));
    }
}

async fn handoffs_by_state(state: &AppState, text: &mut String) -> Result<(), Problem> {
    family(text, "handoff_handoffs", "Handoffs by state, counted up to 1000.", "gauge");
    for name in OPEN_STATES {
        let page = Page { after: None, limit: MOST_COUNTED };
        let count = state.runtime.store().handoffs(Some(name), page).await?.len();
        line(text, format_args!("handoff_handoffs{{state=\"{name}\"}} {count}"));
    }
    Ok(())
}

/// How connectors do, and what they count themselves. Their names and ids are letters that need no escaping.
fn connector_numbers(desk: &dyn ConnectorDesk, text: &mut String) {
    type Number = fn(&ConnectorView) -> u64;
    let numbers: [(&str, &str, &str, Number); 4] = [
        ("handoff_connector_calls_total", "Calls of the serving generation.", "counter", |file| file.calls),
        ("handoff_connector_errors_total", "Calls that failed.", "counter", |file| file.errors),
        (
            "handoff_connector_faults_total",
            "Calls that broke off by the connector's own fault.",
            "counter",
            |file| file.faults,
        ),
        ("handoff_connector_generation", "Which file serves, counted from 1.", "gauge", |file| {
            file.generation
        }),
    ];
    let files: Vec<_> = desk.files().into_iter().filter(|file| file.generation > 0).collect();
    for (name, help, kind, number) in numbers {
        family(text, name, help, kind);
        for file in &files {
            line(text, format_args!("{name}{{connector=\"{}\"}} {}", file.id, number(file)));
        }
    }
    let measures = desk.measures();
    for (kind, name) in [(MeasureKind::Counter, "counter"), (MeasureKind::Gauge, "gauge")] {
        let family_name = format!("handoff_connector_own_{name}");
        family(text, &family_name, "What connectors keep count of themselves.", name);
        for Measure { connector, connection, name, value, .. } in
            measures.iter().filter(|one| one.kind == kind)
        {
            line(
                text,
                format_args!(
                    "{family_name}{{connector=\"{connector}\",connection=\"{connection}\",name=\"{name}\"}} {value}"
                ),
            );
        }
    }
}

fn family(text: &mut String, name: &str, help: &str, kind: &str) {
    line(text, format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}
