//! The fake Bitrix24, its customers and its operators.

use std::ops::Deref;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{chat::Chat, platform::Platform};

/// An operator of the line that the bot greets in.
pub const OPERATOR: i64 = 27;
/// What the portal's events prove themselves with.
pub const APPLICATION_TOKEN: &str = "831c76b092f9f135d9b6b36c3a720757";
/// The secret part of the inbound webhook's address.
pub const WEBHOOK_CODE: &str = "simulatedwebhook";

/// The secret of the bot.
pub const BOT_TOKEN: &str = "a-bot-token-of-these-tests";
/// The local application.
pub const CLIENT_ID: &str = "local.65f0c0ffee0001.12345678";

/// The local application's secret.
pub const CLIENT_SECRET: &str = "simulatedclientsecret";

/// A running fake Bitrix24.
#[derive(Debug)]
pub struct Bitrix24(Platform);

impl Deref for Bitrix24 {
    type Target = Platform;

    fn deref(&self) -> &Platform {
        &self.0
    }
}

/// Tests that are not about the portal's rate do not wait for it.
fn limitless() -> Value {
    json!({ "per_second": 10_000, "burst": 10_000, "at_once": 1_000 })
}

/// The section `connections.bitrix24` of a server that uses the portal at this address, its bot being the assistant
/// `line`.
pub fn connection(portal: &str) -> Value {
    json!({
        "connector": "bitrix24",
        "assistant": "line",
        "settings": { "portal": portal, "webhook_user_id": 1, "bot_name": "Ada" },
        "secrets": {
            "webhook_code": WEBHOOK_CODE, "bot_token": BOT_TOKEN,
            "application_token": APPLICATION_TOKEN,
        },
        "quota": limitless(),
    })
}

/// The section `connections.bitrix24` of a server that brings its own chats to line 30 of the portal at this address
/// through the local application, and has no bot.
pub fn application(portal: &str) -> Value {
    json!({
        "connector": "bitrix24",
        "settings": { "portal": portal, "client_id": CLIENT_ID, "native": false, "line": 30 },
        "secrets": { "client_secret": CLIENT_SECRET },
        "quota": limitless(),
    })
}

impl Bitrix24 {
    /// Starts it.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(flags: &[&str]) -> Result<Self> {
        Platform::start("bitrix24", flags).await.map(Self)
    }

    /// The section `connections.bitrix24` of a server that uses this portal, its bot being the
    /// assistant `line`.
    pub fn connection(&self) -> Value {
        connection(&self.base)
    }

    /// The section `connections.bitrix24` of a server that brings its own chats to line 30 through the
    /// local application, and has no bot.
    pub fn application(&self) -> Value {
        application(&self.base)
    }

    /// Waits until the bot is registered and greets on its line.
    ///
    /// # Errors
    /// When that does not happen.
    pub async fn until_installed(&self) -> Result<()> {
        let greets = |seen: &Value| {
            let bots = seen["bots"].as_object().is_some_and(|bots| !bots.is_empty());
            bots && seen["lines"]["22"]["fields"]["WELCOME_BOT_ENABLE"] == "Y"
        };
        self.until("a bot on the line", greets).await.map(drop)
    }

    /// The parameters with which a method was called, each time, without what shows who calls.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn calls(&self, method: &str) -> Result<Vec<Value>> {
        let asked = self.requests().await?;
        let is_meant = |request: &&Value| request["path"].as_str().is_some_and(|path| path.ends_with(method));
        let parameters = |request: &Value| {
            let mut body = request["body"].clone();
            if let Some(members) = body.as_object_mut() {
                members.retain(|name, _| !["auth", "botToken", "CLIENT_ID"].contains(&name.as_str()));
            }
            body
        };
        Ok(asked.iter().filter(is_meant).map(parameters).collect())
    }

    /// How near the portal's rate came everything that it was asked: `requests` in all, the `highest` level of its
    /// bucket, and how many came `above` what it takes.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn rate(&self) -> Result<Value> {
        self.look("rate").await
    }

    /// A customer writes in the live chat; gives the chat's id.
    ///
    /// # Errors
    /// When the simulator refuses.
    pub async fn says(&self, person: &str, text: &str) -> Result<i64> {
        let said = self.control("person/message", json!({ "person": person, "text": text })).await?;
        said["chat_id"].as_i64().context("no chat")
    }

    /// What a customer sees, in order.
    ///
    /// # Errors
    /// When there is no such customer.
    pub async fn seen_by(&self, person: &str) -> Result<Vec<(String, String)>> {
        let seen = self.look(&format!("person/{person}/messages")).await?;
        let line = |one: &Value| {
            let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
            (text("author"), text("text"))
        };
        Ok(seen["messages"].as_array().into_iter().flatten().map(line).collect())
    }

    /// The chat of a customer.
    ///
    /// # Errors
    /// When there is none.
    pub async fn chat(&self, id: i64) -> Result<Chat> {
        let chats = self.chats().await?;
        chats.into_iter().find(|chat| chat.id == id.to_string()).context("no such chat")
    }

    /// Waits until a chat is as wanted.
    ///
    /// # Errors
    /// When that does not happen.
    pub async fn until_chat(&self, id: i64, what: &str, wanted: impl Fn(&Chat) -> bool) -> Result<Chat> {
        let id = id.to_string();
        let fits = |chat: &&Chat| chat.id == id && wanted(chat);
        let chats = self.until_chats(what, |chats| chats.iter().any(|chat| fits(&chat))).await?;
        chats.into_iter().find(|chat| fits(&chat)).context("the chat is gone")
    }

    /// An operator presses *Answer*.
    ///
    /// # Errors
    /// When the chat does not wait for one.
    pub async fn accepts(&self, chat: i64) -> Result<()> {
        self.control("operator/accept", json!({ "chat_id": chat, "operator": OPERATOR })).await.map(drop)
    }

    /// The operator writes.
    ///
    /// # Errors
    /// When the chat is not theirs.
    pub async fn replies(&self, chat: i64, text: &str) -> Result<()> {
        let reply = json!({ "chat_id": chat, "operator": OPERATOR, "text": text });
        self.control("operator/reply", reply).await.map(drop)
    }

    /// The operator sends a text file.
    ///
    /// # Errors
    /// When the chat is not theirs.
    pub async fn attaches(&self, chat: i64, name: &str, content: &str) -> Result<()> {
        let file = json!({ "name": name, "text": content });
        let attach = json!({ "chat_id": chat, "operator": OPERATOR, "file": file });
        self.control("operator/attach", attach).await.map(drop)
    }

    /// The session is finished.
    ///
    /// # Errors
    /// When none is open.
    pub async fn closes(&self, chat: i64) -> Result<()> {
        self.control("operator/close", json!({ "chat_id": chat })).await.map(drop)
    }
}
