//! The network: between server and platform, in both directions.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, to_bytes},
    http,
};
use futures::{FutureExt, future::BoxFuture};
use handoff_core::plugins::Transport;
use handoff_model::connector::HttpError;
use handoff_simulators::faults::Abort;
use parking_lot::Mutex;
use reqwest::{Request, Response};
use serde_json::{Value, json};

use crate::{chance::Dice, desk::Desk, plan::Plan, power::Power, story::Story};

/// Largest answer, in bytes.
const LARGEST: usize = 64 * 1024 * 1024;
/// Longest time for one way when nothing is wrong, in milliseconds.
const WAY: u64 = 60;

/// The network of a run. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) dice: Dice,
    pub(crate) story: Story,
    /// Requests of a thousand that go wrong.
    pub(crate) per_mille: Arc<Mutex<u64>>,
    /// By how much a request may be late, in milliseconds.
    pub(crate) latest: u64,
}

/// What becomes of a request.
#[derive(Debug, Clone)]
pub(crate) enum Fate {
    Arrives,
    /// Nobody listens.
    NotSent,
    /// It never arrives.
    Lost,
    /// It arrives, and its answer does not.
    AnswerLost,
    /// It never arrives, and nobody says so.
    Hangs,
    /// It takes effect, and nobody says so.
    HangsAfter,
    /// It arrives much later.
    Late,
    /// The same, and whoever sent it is told at once that it is lost.
    Overdue,
    /// The platform does this instead.
    Instead(Value),
}

impl Network {
    pub(crate) fn new(plan: &Plan, dice: Dice, story: Story) -> Self {
        Self { dice, story, per_mille: Arc::default(), latest: plan.latest() }
    }

    /// From now on so many requests of a thousand go wrong.
    pub(crate) fn set(&self, per_mille: u64) {
        *self.per_mille.lock() = per_mille;
    }

    pub(crate) fn way(&self) -> Duration {
        self.dice.ms(1..WAY)
    }

    /// Whether something goes wrong now.
    pub(crate) fn is_bad(&self) -> bool {
        let share = *self.per_mille.lock();
        share > 0 && self.dice.per_mille(share)
    }

    fn fate(&self) -> Fate {
        if !self.is_bad() {
            return Fate::Arrives;
        }
        match self.dice.within(0..20) {
            0 => Fate::NotSent,
            1..=2 => Fate::Lost,
            3..=6 => Fate::AnswerLost,
            7 => Fate::Hangs,
            8..=9 => Fate::HangsAfter,
            10..=11 => Fate::Late,
            12 => Fate::Overdue,
            // Wrong credentials fail a handoff for good, so they come more rarely than what passes.
            13 if self.dice.per_mille(200) => Fate::Instead(json!({ "status": 401 })),
            _ => Fate::Instead(self.dice.pick(&[
                json!("html"),
                json!("html_ok"),
                json!("truncate"),
                json!({ "status": 500 }),
                json!({ "status": 503 }),
                json!({ "status": 503, "retry_after": 2 }),
                json!({ "status": 429 }),
                json!({ "status": 429, "retry_after": 3 }),
            ])),
        }
    }
}

/// One process's way to the platform.
pub(crate) struct Wire {
    pub(crate) network: Network,
    pub(crate) desk: Desk,
    pub(crate) power: Power,
}

impl Transport for Wire {
    fn exchange(&self, request: Request) -> BoxFuture<'_, Result<Response, HttpError>> {
        async move {
            self.power.gate().await;
            let limit = request.timeout().copied().unwrap_or(Duration::from_secs(30));
            let (network, desk) = (self.network.clone(), self.desk.clone());
            // What has left goes its way, whatever becomes of the process that sent it.
            let on_its_way = tokio::spawn(carry(network, desk, request));
            let answer = tokio::time::timeout(limit, on_its_way).await;
            self.power.gate().await;
            match answer {
                Ok(Ok(answer)) => answer,
                Ok(Err(error)) => Err(HttpError::Lost { detail: error.to_string() }),
                Err(_) => Err(HttpError::Lost { detail: "no answer in time".to_owned() }),
            }
        }
        .boxed()
    }
}

async fn carry(network: Network, desk: Desk, request: Request) -> Result<Response, HttpError> {
    let lost = |detail: &str| Err(HttpError::Lost { detail: detail.to_owned() });
    let fate = network.fate();
    let (method, path) = (request.method().clone(), request.url().path().to_owned());
    match &fate {
        Fate::Arrives => network.story.tell(format_args!("→ {method} {path}")),
        other => network.story.fault(format_args!("→ {method} {path}: {other:?}")),
    }
    tokio::time::sleep(network.way()).await;
    match &fate {
        Fate::NotSent => return Err(HttpError::NotSent { detail: "connection refused".to_owned() }),
        Fate::Lost => return lost("connection reset"),
        Fate::Hangs => std::future::pending().await,
        Fate::Overdue => {
            let late = network.dice.ms(1_000..network.latest);
            drop(tokio::spawn(async move {
                tokio::time::sleep(late).await;
                network.story.tell(format_args!("→ {method} {path} arrives after all"));
                answer(&desk, request).await
            }));
            return lost("connection reset");
        }
        Fate::Late => tokio::time::sleep(network.dice.ms(1_000..network.latest)).await,
        Fate::Instead(kind) => {
            let fault = json!({ "faults": [{ "times": 1, "kind": kind }] });
            let asked = desk.control("faults", fault).await;
            asked.map_err(|error| HttpError::NotSent { detail: error.to_string() })?;
        }
        Fate::Arrives | Fate::AnswerLost | Fate::HangsAfter => {}
    }
    let answer = answer(&desk, request).await;
    if let Ok(answer) = &answer {
        network.story.tell(format_args!("← {} {method} {path}", answer.status()));
    }
    match fate {
        Fate::AnswerLost => return lost("connection reset"),
        Fate::HangsAfter => std::future::pending().await,
        _ => tokio::time::sleep(network.way()).await,
    }
    answer
}

/// The platform's answer.
async fn answer(desk: &Desk, request: Request) -> Result<Response, HttpError> {
    let broken = |detail: String| HttpError::Lost { detail };
    let url = request.url();
    let target = url.query().map_or(url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let mut asked = http::Request::builder().method(request.method()).uri(target);
    for (name, value) in request.headers() {
        asked = asked.header(name, value);
    }
    let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default().to_vec();
    let asked = asked.body(Body::from(body)).map_err(|error| broken(error.to_string()))?;
    let (parts, body) = desk.request(asked).await.into_parts();
    if parts.extensions.get::<Abort>().is_some() {
        return Err(broken("connection reset".to_owned()));
    }
    let body = to_bytes(body, LARGEST).await.map_err(|error| broken(error.to_string()))?;
    Ok(http::Response::from_parts(parts, body.to_vec()).into())
}
