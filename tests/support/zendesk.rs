//! The fake Zendesk, and its live agent.

use std::ops::Deref;

use anyhow::{Result, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::{
    chat::Chat,
    platform::Platform,
    web::{Web, send},
};

/// What the simulator's account is known by.
const APP: &str = "67a0ecf8f0305f4a391e9d00";
const KEY: &str = "app_67a0ecf8f0305f4a391e9d01";
/// The key's secret.
pub const KEY_SECRET: &str = "sim-app-key-secret";
/// Whose token the Support API takes, and the token.
const SUPPORT_USER: &str = "admin@example.org";
const SUPPORT_SECRET: &str = "sim-support-token";
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

/// The section `connections.zendesk` of a server that uses the account at this address.
pub fn connection(base: &str) -> Value {
    json!({
        "connector": "zendesk",
        "settings": {
            "base_url": format!("{base}/sc"), "app_id": APP, "key_id": KEY, "support_user": SUPPORT_USER,
        },
        "secrets": {
            "key_secret": KEY_SECRET, "webhook_secret": WEBHOOK_SECRET, "support_secret": SUPPORT_SECRET,
        },
    })
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
        connection(&self.base)
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

    /// Somebody deletes a conversation.
    ///
    /// # Errors
    /// When the simulator refuses.
    pub async fn delete_conversation(&self, chat: &str) -> Result<()> {
        let path = format!("/sc/v2/apps/{APP}/conversations/{chat}");
        self.api("DELETE", &path, None).await
    }

    /// Somebody with the app's key passes control.
    ///
    /// # Errors
    /// When the simulator refuses.
    pub async fn pass_control(&self, chat: &str, target: &str) -> Result<()> {
        let path = format!("/sc/v2/apps/{APP}/conversations/{chat}/passControl");
        self.api("POST", &path, Some(json!({ "switchboardIntegration": target }))).await
    }

    /// The tickets that a handoff made by the Support API, as live agents see them.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn tickets_of(&self, handoff: &str) -> Result<Vec<Chat>> {
        let wanted = format!("handoff:{handoff}");
        Ok(self
            .chats()
            .await?
            .into_iter()
            .filter(|chat| chat.raw["external_id"] == wanted.as_str())
            .collect())
    }

    /// The conversations that a handoff made.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn conversations_of(&self, handoff: &str) -> Result<Vec<Value>> {
        let all = self.look("inspect").await?["conversations"].as_array().cloned().unwrap_or_default();
        Ok(all.into_iter().filter(|one| one["metadata"]["handoffId"] == handoff).collect())
    }

    /// A request with the app's key, as somebody else of the account would make it.
    async fn api(&self, method: &str, path: &str, body: Option<Value>) -> Result<()> {
        let request = Web::new(&self.base).request(method, path).basic_auth(KEY, Some(KEY_SECRET));
        let answer = send(request.json(&body.unwrap_or_else(|| json!({})))).await?;
        ensure!((200..300).contains(&answer.status), "{path} was answered {}", answer.text());
        Ok(())
    }
}
