//! The fake Zendesk, and its live agent.

use std::ops::Deref;

use anyhow::Result;
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::platform::Platform;

/// What the simulator's account is known by.
const APP: &str = "67a0ecf8f0305f4a391e9d00";
const KEY: &str = "app_67a0ecf8f0305f4a391e9d01";
/// The key's secret.
pub const KEY_SECRET: &str = "sim-app-key-secret";
/// What its webhooks prove themselves with.
pub const WEBHOOK_SECRET: &str = "sim-webhook-secret";

/// A running fake Zendesk.
#[derive(Debug)]
pub struct Zendesk(Platform);

impl Deref for Zendesk {
    type Target = Platform;

    fn deref(&self) -> &Platform {
        &self.0
    }
}

impl Zendesk {
    /// Starts it.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(flags: &[&str]) -> Result<Self> {
        Platform::start("zendesk", flags).await.map(Self)
    }

    /// The section `connections.zendesk` of a server that uses this account.
    pub fn connection(&self) -> Value {
        json!({
            "connector": "zendesk",
            "settings": { "base_url": format!("{}/sc", self.base), "app_id": APP, "key_id": KEY },
            "secrets": { "key_secret": KEY_SECRET, "webhook_secret": WEBHOOK_SECRET },
        })
    }

    /// Sends the account's webhooks to a server.
    ///
    /// # Errors
    /// When the simulator refuses.
    pub async fn point_webhook(&self, server: &str) -> Result<()> {
        let target = json!({ "target": format!("{server}/webhooks/zendesk") });
        self.control("webhook", target).await.map(drop)
    }

    /// The live agent writes.
    ///
    /// # Errors
    /// When there is no such chat with a live agent.
    pub async fn replies(&self, chat: &str, text: &str) -> Result<()> {
        self.control("agent/reply", json!({ "conversation": chat, "text": text })).await.map(drop)
    }

    /// The live agent sends a file.
    ///
    /// # Errors
    /// When there is no such chat with a live agent.
    pub async fn attaches(&self, chat: &str, name: &str, media_type: &str, bytes: &[u8]) -> Result<()> {
        let file = json!({
            "conversation": chat, "file_name": name, "media_type": media_type,
            "content_base64": BASE64_STANDARD.encode(bytes),
        });
        self.control("agent/attach", file).await.map(drop)
    }

    /// The live agent closes the ticket.
    ///
    /// # Errors
    /// When there is no such chat with a live agent.
    pub async fn closes(&self, chat: &str) -> Result<()> {
        self.control("agent/close", json!({ "conversation": chat })).await.map(drop)
    }

    /// The conversations that a handoff made.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn conversations_of(&self, handoff: &str) -> Result<Vec<Value>> {
        let all = self.look("inspect").await?["conversations"].as_array().cloned().unwrap_or_default();
        Ok(all.into_iter().filter(|one| one["metadata"]["handoffId"] == handoff).collect())
    }
}
