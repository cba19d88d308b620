//! Faults on request: what a test asks the platform API to do wrong, and the layer that does it.
//!
//! A fault names the requests it strikes (method, path), how many to let pass first
//! (`skip`) and how many to strike (`times`). The control routes are never struck.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;
use http_body_util::BodyExt;
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::control::Control;

/// Larger requests are refused before they reach the platform.
const BODY_LIMIT: usize = 64 * 1024 * 1024;

/// Which requests go wrong, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The method to strike, any if absent.
    #[serde(default)]
    pub method: Option<String>,
    /// A substring of, or a regular expression on, path and query. Any if absent.
    #[serde(default)]
    pub path: Option<String>,
    /// Matching requests to let pass first.
    #[serde(default)]
    pub skip: u32,
    /// Matching requests to strike after that.
    #[serde(default = "once")]
    pub times: u32,
    /// How likely a matching request is struck, 0 to 1, drawn from the simulator's seed.
    #[serde(default = "always")]
    pub chance: f64,
    pub kind: Kind,
}

fn once() -> u32 {
    1
}

fn always() -> f64 {
    1.0
}

/// What goes wrong.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Kind {
    Named(Named),
    /// Answers this status instead, without effect.
    Status {
        status: u16,
        /// Seconds for the `Retry-After` header.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
        /// The platform's own error body if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<String>,
    },
    /// Waits this many real milliseconds before the effect.
    Delay {
        delay_ms: u64,
    },
}

/// The faults that need no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Named {
    /// 502 with a page, without effect.
    Html,
    /// 200 with a page, without effect.
    HtmlOk,
    /// No effect, no answer, connection open.
    Hang,
    /// Effect, no answer, connection open.
    HangAfter,
    /// No effect, connection closed.
    ResetBefore,
    /// Effect, connection closed without an answer.
    ResetAfter,
    /// Effect, connection closed in the middle of the answer's body.
    ResetMid,
    /// Effect, and an answer that is whole http but half a body.
    Truncate,
    /// Waits before the effect until released.
    Hold,
    /// Waits between the effect and the answer until released.
    HoldAfter,
}

/// Marks an answer whose connection is to be closed instead of sending it.
#[derive(Debug, Clone, Copy)]
pub struct Abort;

/// The faults not yet used up, and the requests they hold.
#[derive(Clone)]
pub struct Faults {
    list: Arc<Mutex<Vec<Fault>>>,
    random: Arc<Mutex<StdRng>>,
    released: watch::Sender<u64>,
    held: watch::Sender<usize>,
}

impl Faults {
    /// No faults yet. `seed` decides what a `chance` below 1 draws.
    pub fn new(seed: u64) -> Self {
        Self {
            list: Arc::default(),
            random: Arc::new(Mutex::new(StdRng::seed_from_u64(seed))),
            released: watch::Sender::new(0),
            held: watch::Sender::new(0),
        }
    }

    /// Appends faults, or says which of them makes no sense.
    pub fn add(&self, faults: Vec<Fault>) -> Result<(), String> {
        for fault in &faults {
            if let Some(path) = &fault.path {
                Regex::new(path)
                    .map_err(|why| format!("The path {path:?} is no regular expression: {why}."))?;
            }
            if let Kind::Status { status, .. } = fault.kind {
                StatusCode::from_u16(status).map_err(|_| format!("{status} is no status code."))?;
            }
        }
        self.list.lock().extend(faults);
        Ok(())
    }

    /// Removes all faults. Requests already held stay held.
    pub fn clear(&self) {
        self.list.lock().clear();
    }

    /// The faults that still can strike.
    pub fn list(&self) -> Vec<Fault> {
        self.list.lock().clone()
    }

    /// Lets every held request go on.
    pub fn release(&self) {
        self.released.send_modify(|n| *n += 1);
    }

    /// How many requests are held.
    pub fn held(&self) -> usize {
        *self.held.borrow()
    }

    /// The first fault that strikes this request, counted down.
    fn strike(&self, method: &str, target: &str) -> Option<Kind> {
        let mut list = self.list.lock();
        let mut struck = None;
        for fault in list.iter_mut().filter(|fault| fault.matches(method, target)) {
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if fault.times > 0
                && (fault.chance >= 1.0 || self.random.lock().random_bool(fault.chance.max(0.0)))
            {
                fault.times -= 1;
                struck = Some(fault.kind.clone());
                break;
            }
        }
        list.retain(|fault| fault.times > 0);
        struck
    }

    async fn hold(&self, control: &Control) {
        let mut released = self.released.subscribe();
        released.mark_unchanged();
        self.held.send_modify(|n| *n += 1);
        control.changed();
        // The sender lives in `self`, so this ends only by a release.
        let _ = released.changed().await;
        self.held.send_modify(|n| *n -= 1);
    }
}

impl Fault {
    fn matches(&self, method: &str, target: &str) -> bool {
        let method_fits = self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method));
        let path_fits = self.path.as_deref().is_none_or(|wanted| {
            target.contains(wanted) || Regex::new(wanted).is_ok_and(|wanted| wanted.is_match(target))
        });
        method_fits && path_fits
    }
}

/// The layer around the platform API: writes the journal and applies faults.
///
/// The request is worked off in a task of its own, because a real server carries on
/// when its client has given up.
pub async fn layer(State(control): State<Control>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let n = control.journal.arrived(control.clock.now_ms(), &parts.method, &parts.uri, &parts.headers, &body);
    let target = parts.uri.path_and_query().map_or(parts.uri.path(), |target| target.as_str());
    let struck = control.faults.strike(parts.method.as_str(), target);
    if let Some(kind) = &struck {
        control.journal.faulted(n, serde_json::to_value(kind).unwrap_or(Value::Null));
    }
    control.changed();
    let request = Request::from_parts(parts, Body::from(body));
    let task = tokio::spawn(answer(control, n, struck, request, next));
    task.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn answer(control: Control, n: usize, struck: Option<Kind>, request: Request, next: Next) -> Response {
    let response = match struck {
        None => next.run(request).await,
        Some(Kind::Status { status, retry_after, body }) => {
            status_answer(&control, status, retry_after, body)
        }
        Some(Kind::Delay { delay_ms }) => {
            tokio::time::sleep(Duration::from_millis(delay_ms)).await;
            next.run(request).await
        }
        Some(Kind::Named(named)) => named_answer(&control, named, request, next).await,
    };
    if response.extensions().get::<Abort>().is_none() {
        control.journal.answered(n, response.status());
    }
    control.changed();
    response
}

async fn named_answer(control: &Control, named: Named, request: Request, next: Next) -> Response {
    match named {
        Named::Html => (StatusCode::BAD_GATEWAY, Html(page("502 Bad Gateway"))).into_response(),
        Named::HtmlOk => Html(page("Please sign in")).into_response(),
        Named::Hang => std::future::pending().await,
        Named::ResetBefore => aborted(),
        Named::Hold => {
            control.faults.hold(control).await;
            next.run(request).await
        }
        Named::HangAfter => {
            next.run(request).await;
            control.changed();
            std::future::pending().await
        }
        Named::ResetAfter => {
            next.run(request).await;
            aborted()
        }
        Named::ResetMid => cut_off(next.run(request).await).await,
        Named::Truncate => truncated(next.run(request).await).await,
        Named::HoldAfter => {
            let response = next.run(request).await;
            control.faults.hold(control).await;
            response
        }
    }
}

fn status_answer(control: &Control, status: u16, retry_after: Option<u64>, body: Option<String>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (content_type, body) = match body {
        Some(body) if body.trim_start().starts_with(['{', '[']) => ("application/json", body),
        Some(body) => ("text/plain", body),
        None => ("application/json", (control.error_body)(status).to_string()),
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Some(seconds) = retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    (status, headers, body).into_response()
}

fn page(title: &str) -> String {
    format!("<!doctype html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>")
}

fn aborted() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Abort);
    response
}

async fn halved(response: Response) -> (axum::http::response::Parts, Bytes, usize) {
    let (mut parts, body) = response.into_parts();
    let whole = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    parts.headers.remove(header::CONTENT_LENGTH);
    (parts, whole.slice(..whole.len() / 2), whole.len())
}

async fn truncated(response: Response) -> Response {
    let (parts, half, _) = halved(response).await;
    Response::from_parts(parts, Body::from(half))
}

async fn cut_off(response: Response) -> Response {
    let (mut parts, half, whole) = halved(response).await;
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(whole));
    let broken = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "cut off on request");
    let frames = [Ok(half), Err(broken)].into_iter().map(|frame| frame.map(hyper::body::Frame::data));
    Response::from_parts(parts, Body::new(Frames(frames)))
}

/// A body made of ready frames, the last of which may be an error.
struct Frames<I>(I);

impl<I> hyper::body::Body for Frames<I>
where
    I: Iterator<Item = Result<hyper::body::Frame<Bytes>, std::io::Error>> + Unpin,
{
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, std::io::Error>>> {
        std::task::Poll::Ready(self.0.next())
    }
}

/// The faults as the control routes show them.
pub fn shown(faults: &Faults) -> Value {
    json!({ "faults": faults.list(), "held": faults.held() })
}
