//! A program that chats over the API channel `api`.

use anyhow::Result;
use serde_json::{Value, json};

use crate::{
    server::Server,
    setup::CHAT_KEY,
    web::{Answer, Web, send},
};

/// A program's conversation on the API channel.
#[derive(Debug, Clone)]
pub struct Caller {
    web: Web,
    path: String,
}

impl Caller {
    /// The conversation of this name.
    pub fn new(server: &Server, name: &str) -> Self {
        let path = format!("/v1/channels/api/conversations/{name}");
        Self { web: server.web().with_bearer(CHAT_KEY), path }
    }

    /// Says something and waits for the replies of its turn.
    ///
    /// # Errors
    /// When it is not accepted.
    pub async fn says(&self, text: &str) -> Result<Value> {
        self.web.post(&format!("{}/messages?wait=reply", self.path), &json!({ "text": text })).await
    }

    /// Says something, and gives the texts of the replies.
    ///
    /// # Errors
    /// When it is not accepted.
    pub async fn asks(&self, text: &str) -> Result<Vec<String>> {
        let turned = self.says(text).await?;
        let text = |reply: &Value| reply["text"].as_str().unwrap_or_default().to_owned();
        Ok(turned["replies"].as_array().into_iter().flatten().map(text).collect())
    }

    /// Posts any bytes as a message.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn posts(&self, media_type: &str, body: Vec<u8>) -> Result<Answer> {
        let request = self.web.request("POST", &format!("{}/messages?wait=reply", self.path));
        send(request.header("content-type", media_type).body(body)).await
    }
}
