//! What the running server says of its connectors, for commands beside it.

use std::time::Duration;

use reqwest::Client;
use serde::Deserialize;

use crate::config::{ApiKeyConfig, Config};

/// A server on this machine answers faster.
const PATIENCE: Duration = Duration::from_secs(2);

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
    let admin = |key: &&ApiKeyConfig| key.scopes.iter().any(|scope| scope == "admin");
    let key = config.api_keys.values().find(admin)?.key.read().ok()?;
    let client = Client::builder().timeout(PATIENCE).no_proxy().build().ok()?;
    let url = format!("http://{}/v1/connectors", config.server.listen);
    let asked = client.get(url).bearer_auth(secrecy::ExposeSecret::expose_secret(&key)).send().await.ok()?;
    let answer: Answer = asked.error_for_status().ok()?.json().await.ok()?;
    Some(answer.files.into_iter().filter(|file| file.generation > 0).collect())
}
