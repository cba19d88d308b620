//! What every simulator offers a test besides the platform API: the routes under `/_sim`.
//!
//! A platform hands over its router, its script routes and something that can be
//! inspected and reset; [`serve`] puts the common control around it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::ServiceExt;

use crate::clock::Clock;
use crate::deliveries::{self, Deliveries, Outlet};
use crate::faults::{self, Abort, Fault, Faults};
use crate::journal::Journal;

/// A long poll never waits longer than this.
const LONGEST_POLL: Duration = Duration::from_secs(60);

/// The options every simulator has.
#[derive(Debug, Clone, clap::Args)]
pub struct Common {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// How many times faster simulated time runs.
    #[arg(long, default_value_t = 1.0)]
    pub clock_factor: f64,
    /// Decides ids, secrets and all randomness.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// What a simulator takes from outside: time, and the way by which its deliveries leave.
#[derive(Clone)]
pub struct Surroundings {
    pub clock: Clock,
    pub outlet: Outlet,
}

/// The parts of a simulator that no platform owns.
#[derive(Clone)]
pub struct Control {
    pub clock: Clock,
    pub faults: Faults,
    pub journal: Journal,
    pub deliveries: Deliveries,
    /// The platform's error body for a status that a fault asks for.
    pub error_body: fn(StatusCode) -> Value,
    revision: watch::Sender<u64>,
}

impl Control {
    /// A control with a running clock and nothing recorded, whose deliveries leave by the network.
    ///
    /// # Errors
    ///
    /// When no http client can be made for the deliveries.
    pub fn new(common: &Common, error_body: fn(StatusCode) -> Value) -> anyhow::Result<Self> {
        let surroundings =
            Surroundings { clock: Clock::new(common.clock_factor), outlet: deliveries::over_http()? };
        Ok(Self::within(surroundings, common.seed, error_body))
    }

    /// A control with nothing recorded, within these surroundings.
    pub fn within(surroundings: Surroundings, seed: u64, error_body: fn(StatusCode) -> Value) -> Self {
        let Surroundings { clock, outlet } = surroundings;
        let revision = watch::Sender::new(0);
        Self {
            faults: Faults::new(seed),
            journal: Journal::default(),
            deliveries: Deliveries::new(clock.clone(), revision.clone(), outlet),
            clock,
            error_body,
            revision,
        }
    }

    /// Tells whoever waits on `inspect` that something is different now.
    pub fn changed(&self) {
        self.revision.send_modify(|revision| *revision += 1);
    }

    /// How often anything has changed.
    pub fn revision(&self) -> u64 {
        *self.revision.borrow()
    }

    /// Waits until the revision is above `after`, at most `timeout`.
    pub async fn wait_after(&self, after: u64, timeout: Duration) {
        let mut revision = self.revision.subscribe();
        // Either the change or the end of patience: the caller looks at the revision.
        let _ = tokio::time::timeout(timeout, revision.wait_for(|now| *now > after)).await;
    }
}

/// A platform that can be looked into and started afresh.
pub trait Simulated: Send + Sync + 'static {
    /// The whole state as a JSON object, with the `live_agent` view.
    fn inspect(&self) -> Value;

    /// Back to the state after start. The control clears its own part.
    fn reset(&self);
}

/// A control request that makes no sense: answered 400 with the sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

impl Refused {
    /// A refusal for this reason.
    pub fn because(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, axum::Json(json!({ "error": self.0 }))).into_response()
    }
}

impl From<JsonRejection> for Refused {
    fn from(rejection: JsonRejection) -> Self {
        Self(rejection.body_text())
    }
}

/// A JSON body of a control request; wrong ones are refused with a sentence.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(Refused))]
pub struct Json<T>(pub T);

impl<T: serde::Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// A platform with the control around it.
///
/// `platform` answers the platform API and is struck by faults; `script` holds the
/// platform's own control routes, without the `/_sim` prefix.
pub fn around(control: Control, simulated: Arc<dyn Simulated>, platform: Router, script: Router) -> Router {
    Router::new()
        .nest("/_sim", routes(control.clone(), simulated).merge(script))
        .route("/_sim/", get(|| async { Redirect::temporary("/_sim") }))
        .fallback_service(platform.layer(axum::middleware::from_fn_with_state(control, faults::layer)))
}

/// Serves a platform until the task is dropped.
///
/// # Errors
///
/// When the listener fails.
pub async fn serve(listener: TcpListener, router: Router) -> anyhow::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(connection(stream, router.clone()));
    }
}

/// One connection. An answer marked [`Abort`] closes it instead.
async fn connection(stream: TcpStream, router: Router) {
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let router = router.clone();
        async move {
            let response =
                router.oneshot(request.map(Body::new)).await.unwrap_or_else(|never| match never {});
            match response.extensions().get::<Abort>() {
                Some(_) => Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
                None => Ok(response),
            }
        }
    });
    let served =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    if let Err(why) = served {
        tracing::debug!("Connection ended early: {why}");
    }
}

#[derive(Clone)]
struct Shared {
    control: Control,
    simulated: Arc<dyn Simulated>,
}

fn routes(control: Control, simulated: Arc<dyn Simulated>) -> Router {
    Router::new()
        .route("/faults", get(list_faults).post(add_faults).delete(clear_faults))
        .route("/release", post(release))
        .route("/requests", get(requests))
        .route("/inspect", get(inspect))
        .route("/reset", post(reset))
        .route("/deliveries", get(list_deliveries))
        .route("/deliveries/hold", post(hold_deliveries))
        .route("/deliveries/release", post(release_deliveries))
        .route("/deliveries/faults", post(add_delivery_faults).delete(clear_delivery_faults))
        .route("/deliveries/{n}/redeliver", post(redeliver))
        .with_state(Shared { control, simulated })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddFaults {
    faults: Vec<Fault>,
}

async fn list_faults(State(shared): State<Shared>) -> Json<Value> {
    Json(faults::shown(&shared.control.faults))
}

async fn add_faults(
    State(shared): State<Shared>,
    Json(body): Json<AddFaults>,
) -> Result<Json<Value>, Refused> {
    shared.control.faults.add(body.faults).map_err(Refused)?;
    Ok(Json(faults::shown(&shared.control.faults)))
}

async fn clear_faults(State(shared): State<Shared>) -> Json<Value> {
    shared.control.faults.clear();
    Json(faults::shown(&shared.control.faults))
}

async fn release(State(shared): State<Shared>) -> Json<Value> {
    let held = shared.control.faults.held();
    shared.control.faults.release();
    Json(json!({ "released": held }))
}

async fn requests(State(shared): State<Shared>) -> Json<Value> {
    Json(json!(shared.control.journal.list()))
}

#[derive(Deserialize)]
struct Poll {
    after: Option<u64>,
    timeout_ms: Option<u64>,
}

async fn inspect(State(shared): State<Shared>, Query(poll): Query<Poll>) -> Json<Value> {
    if let Some(after) = poll.after {
        let timeout = Duration::from_millis(poll.timeout_ms.unwrap_or(10_000)).min(LONGEST_POLL);
        shared.control.wait_after(after, timeout).await;
    }
    // The number is read first: a change in between is then seen again, never missed.
    let revision = shared.control.revision();
    let mut state = shared.simulated.inspect();
    state["revision"] = json!(revision);
    state["now_ms"] = json!(shared.control.clock.now_ms());
    state["control"] = faults::shown(&shared.control.faults);
    Json(state)
}

async fn reset(State(shared): State<Shared>) -> Json<Value> {
    shared.control.faults.clear();
    shared.control.faults.release();
    shared.control.deliveries.reset();
    shared.simulated.reset();
    shared.control.journal.clear();
    shared.control.changed();
    Json(json!({ "reset": true }))
}

async fn list_deliveries(State(shared): State<Shared>) -> Json<Value> {
    Json(shared.control.deliveries.shown())
}

async fn hold_deliveries(State(shared): State<Shared>) -> Json<Value> {
    shared.control.deliveries.hold(true);
    Json(json!({ "held": true }))
}

async fn release_deliveries(State(shared): State<Shared>) -> Json<Value> {
    shared.control.deliveries.hold(false);
    Json(json!({ "held": false }))
}

async fn add_delivery_faults(
    State(shared): State<Shared>,
    Json(faults): Json<deliveries::Faults>,
) -> Json<Value> {
    shared.control.deliveries.fault(faults);
    Json(json!({ "accepted": true }))
}

async fn clear_delivery_faults(State(shared): State<Shared>) -> Json<Value> {
    shared.control.deliveries.clear_faults();
    Json(json!({ "cleared": true }))
}

async fn redeliver(
    State(shared): State<Shared>,
    axum::extract::Path(n): axum::extract::Path<usize>,
) -> Result<Json<Value>, Refused> {
    let again = shared.control.deliveries.redeliver(n);
    let again = again.ok_or_else(|| Refused::because(format!("There is no delivery {n}.")))?;
    Ok(Json(json!({ "delivery": again })))
}
