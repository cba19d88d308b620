//! What commands ask of the running server beside them.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::{Client, Method, Response};
use serde::Deserialize;
use serde_json::Value;

use crate::config::{ApiKeyConfig, Config};

/// A server on this machine answers faster.
const PATIENCE: Duration = Duration::from_secs(2);
/// When it asks a platform, that takes its time.
const LONGEST: Duration = Duration::from_secs(60);

/// A file that serves.
#[derive(Debug, Deserialize)]
pub(super) struct Live {
    pub(super) sha256: String,
    generation: u64,
    mode: String,
    calls: u64,
    errors: u64,
    faults: u64,
    on_probation: bool,
}

#[derive(Deserialize)]
struct Answer {
    files: Vec<Live>,
}

impl Live {
    /// In a few words.
    pub(super) fn words(&self) -> String {
        let Self { generation, calls, errors, faults, .. } = self;
        let mode = self.mode.replace('_', " ");
        let probation = if self.on_probation { ", on probation" } else { "" };
        format!("generation {generation}{probation}, {mode}, {calls} calls, {errors} errors, {faults} faults")
    }
}

/// The files that serve; none when no server answers, or the configuration has no key to ask it with.
pub(super) async fn serving(config: &Config) -> Option<Vec<Live>> {
    let asked = ask(config, Method::GET, "/v1/connectors", None, PATIENCE).await.ok()?;
    let answer: Answer = asked.error_for_status().ok()?.json().await.ok()?;
    Some(answer.files.into_iter().filter(|file| file.generation > 0).collect())
}

/// Tells the running server to do something.
///
/// # Errors
/// Why it did not, in its own words.
pub(super) async fn tell(config: &Config, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
    answered(ask(config, Method::POST, path, body, LONGEST).await?).await
}

/// Asks the running server.
///
/// # Errors
/// Why it did not answer, in its own words.
pub(super) async fn read(config: &Config, path: &str) -> anyhow::Result<Value> {
    answered(ask(config, Method::GET, path, None, LONGEST).await?).await
}

/// Has the running server delete something.
///
/// # Errors
/// Why it did not, in its own words.
pub(super) async fn delete(config: &Config, path: &str) -> anyhow::Result<()> {
    answered(ask(config, Method::DELETE, path, None, LONGEST).await?).await.map(drop)
}

async fn answered(answer: Response) -> anyhow::Result<Value> {
    #[derive(Deserialize)]
    struct Refusal {
        detail: String,
    }
    let unreadable = "the server's answer cannot be read";
    if answer.status() == reqwest::StatusCode::NO_CONTENT {
        return Ok(Value::Null);
    }
    if answer.status().is_success() {
        return answer.json().await.context(unreadable);
    }
    let refusal: Refusal = answer.json().await.context(unreadable)?;
    bail!("{}", refusal.detail)
}

async fn ask(
    config: &Config,
    method: Method,
    path: &str,
    body: Option<Value>,
    patience: Duration,
) -> anyhow::Result<Response> {
    let admin = |key: &&ApiKeyConfig| key.scopes.iter().any(|scope| scope == "admin");
    let key = config.api_keys.values().find(admin).context(
        "the running server has to do this, and the configuration has no API key with the scope admin to ask it \
         with; add one under [api_keys.…] and start the server again",
    )?;
    let key = key.key.read()?;
    let client = Client::builder().connect_timeout(PATIENCE).timeout(patience).no_proxy().build()?;
    let url = format!("http://{}{path}", config.server.listen);
    let request = client.request(method, url).bearer_auth(secrecy::ExposeSecret::expose_secret(&key));
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    let listen = config.server.listen;
    request
        .send()
        .await
        .with_context(|| format!("no server answers at {listen}; start it with: handoff serve"))
}
