//! A chat bot of the older methods `imbot`, for portals that do not know `imbot.v2`.
//!
//! Such a bot is told of events in their own form, which [`crate::event::v1`] reads. The methods of open channels are
//! the same for both.

use handoff_sdk::Result;
use serde_json::{Value, json};

use crate::{
    answer::Failure,
    client::{Client, dialog},
    wire,
};

/// The bot's number, if the portal knows it.
pub(super) async fn find(client: &Client<'_>) -> Result<Option<u64>, Failure> {
    let bots = client.read_as_client("imbot.bot.list", &json!({})).await?;
    let ours = |bot: &&Value| wire::text(&bot["CODE"]) == client.portal.settings.bot_code;
    Ok(wire::items(&bots).into_iter().find(ours).and_then(|bot| wire::id(&bot["ID"])))
}

/// Registers the bot, unless the portal has it already: whether registering a code twice makes one bot is not documented.
pub(super) async fn register(client: &Client<'_>, webhook_url: &str) -> Result<u64> {
    if let Some(known) = find(client).await? {
        return Ok(known);
    }
    let body = json!({
        "CODE": client.portal.settings.bot_code, "TYPE": "O", "OPENLINE": "Y", "EVENT_HANDLER": webhook_url,
        "PROPERTIES": properties(client),
    });
    let answer = client.act_as_client("imbot.register", &body).await?;
    wire::id(&answer).ok_or_else(super::unreadable)
}

/// Tells the bot's name and where its events go.
pub(super) async fn update(client: &Client<'_>, bot: u64, webhook_url: &str) -> Result<()> {
    let fields = json!({ "EVENT_HANDLER": webhook_url, "PROPERTIES": properties(client) });
    client.act_as_client("imbot.update", &json!({ "BOT_ID": bot, "FIELDS": fields })).await?;
    Ok(())
}

fn properties(client: &Client<'_>) -> Value {
    json!({ "NAME": client.portal.settings.bot_name, "WORK_POSITION": "Assistant" })
}

/// Says something; gives the message's number as the portal wrote it.
pub(super) async fn say(
    client: &Client<'_>,
    bot: u64,
    chat: u64,
    text: &str,
    keyboard: Option<&Value>,
) -> Result<Value, Failure> {
    let mut body = json!({ "BOT_ID": bot, "DIALOG_ID": dialog(chat), "MESSAGE": text, "URL_PREVIEW": "N" });
    if let Some(keyboard) = keyboard {
        body["KEYBOARD"] = keyboard.clone();
    }
    client.act_as_client("imbot.message.add", &body).await
}

/// Says something that only the portal's staff sees.
pub(super) async fn say_to_staff(
    client: &Client<'_>,
    bot: u64,
    chat: u64,
    text: &str,
) -> Result<(), Failure> {
    let body = json!({
        "BOT_ID": bot, "DIALOG_ID": dialog(chat), "MESSAGE": text, "URL_PREVIEW": "N", "SKIP_CONNECTOR": "Y",
    });
    client.act_as_client("imbot.message.add", &body).await.map(drop)
}

/// Numbers of everybody in a chat.
pub(super) async fn members(client: &Client<'_>, bot: u64, chat: u64) -> Result<Value, Failure> {
    client.read_as_client("imbot.chat.user.list", &json!({ "BOT_ID": bot, "CHAT_ID": chat })).await
}

/// Leaves a chat.
pub(super) async fn leave(client: &Client<'_>, bot: u64, chat: u64) -> Result<(), Failure> {
    let body = json!({ "BOT_ID": bot, "CHAT_ID": chat });
    client.act_as_client("imbot.chat.leave", &body).await.map(drop)
}
