//! What the simulator was asked, in order: the raw material of a test's assertions.

use std::sync::Arc;

use axum::http::{HeaderMap, Method, StatusCode, Uri};
use bytes::Bytes;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;

/// Bodies that are not JSON are kept as text up to this many bytes.
const TEXT_KEPT: usize = 64 * 1024;

/// One request to the platform API.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Number, from 1 since start.
    pub n: usize,
    /// Simulated arrival time, milliseconds since the Unix epoch.
    pub at_ms: i64,
    pub method: String,
    pub path: String,
    /// The query string, undecoded and without the question mark.
    pub query: String,
    /// Headers as they came, credentials included.
    pub headers: serde_json::Map<String, Value>,
    /// Parsed JSON, or the text of anything else.
    pub body: Value,
    /// The status answered, or nothing while the request is unanswered.
    pub status: Option<u16>,
    /// The fault that was applied.
    pub fault: Option<Value>,
}

/// Every request so far.
#[derive(Debug, Clone, Default)]
pub struct Journal(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    last: usize,
    entries: Vec<Entry>,
}

impl Journal {
    /// Adds a request and returns its number.
    pub fn arrived(
        &self,
        at_ms: i64,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> usize {
        let mut inner = self.0.lock();
        inner.last += 1;
        let n = inner.last;
        inner.entries.push(Entry {
            n,
            at_ms,
            method: method.to_string(),
            path: uri.path().to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            headers: readable_headers(headers),
            body: readable_body(body),
            status: None,
            fault: None,
        });
        n
    }

    /// Records which fault a request met.
    pub fn faulted(&self, n: usize, fault: Value) {
        self.change(n, |entry| entry.fault = Some(fault));
    }

    /// Records the status a request was answered with.
    pub fn answered(&self, n: usize, status: StatusCode) {
        self.change(n, |entry| entry.status = Some(status.as_u16()));
    }

    /// A copy of all entries.
    pub fn list(&self) -> Vec<Entry> {
        self.0.lock().entries.clone()
    }

    /// When requests to these paths arrived, in order, in simulated milliseconds.
    pub fn arrivals(&self, wanted: impl Fn(&str) -> bool) -> Vec<i64> {
        let inner = self.0.lock();
        inner.entries.iter().filter(|entry| wanted(&entry.path)).map(|entry| entry.at_ms).collect()
    }

    /// Forgets everything; numbers go on, so that a request still running finds no stranger's entry.
    pub fn clear(&self) {
        self.0.lock().entries.clear();
    }

    fn change(&self, n: usize, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.0.lock().entries.iter_mut().find(|entry| entry.n == n) {
            change(entry);
        }
    }
}

fn readable_headers(headers: &HeaderMap) -> serde_json::Map<String, Value> {
    let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), Value::String(text(value)))).collect()
}

fn readable_body(body: &Bytes) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(body).unwrap_or_else(|_| {
        let kept = &body[..body.len().min(TEXT_KEPT)];
        Value::String(String::from_utf8_lossy(kept).into_owned())
    })
}
