//! The chat bot: registered once, remembered by number. What it does in a chat, by the methods of its generation.

mod v1;

use handoff_sdk::{ConnectorError, Cx, Result, model::connector::Installed, tracing::info};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    answer::Failure,
    client::{Client, dialog},
    digest::digest,
    settings::BotApi,
    wire,
};

/// Where the bot is remembered.
const SLOT: &str = "bot";

/// How often a write is tried when somebody else writes at the same time.
const TRIES: u32 = 10;

/// Most bots looked through in search of ours; Bitrix24 allows 100 for one application.
const MOST_BOTS: u32 = 200;

/// The bot as we registered it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    id: u64,
    /// Of the webhook's address, which is half a secret, and of what else we may have to change.
    registered: String,
}

/// Registers the bot, and tells it where to send events when that is not what it was told last.
pub(crate) async fn install(client: &Client<'_>, webhook_url: &str) -> Result<Installed> {
    let settings = &client.portal.settings;
    let mode = settings.event_mode.as_str();
    let generation = settings.bot_api.as_str();
    let registered = digest(&[webhook_url, mode, &settings.bot_code, &settings.bot_name, generation]);
    let remembered = remembered(client.cx).await?;
    let id = match settings.bot_api {
        BotApi::V1 => v1::register(client, webhook_url).await?,
        BotApi::V2 => {
            let answer = client.register(&json!({ "fields": fields(client, webhook_url) })).await?;
            wire::id(&answer["bot"]["id"]).ok_or_else(unreadable)?
        }
    };
    let bot = Remembered { id, registered };
    // Registering gives an existing bot back unchanged, and does not say that it existed.
    if remembered.as_ref() != Some(&bot) {
        update(client, id, webhook_url).await?;
        remember(client.cx, &bot).await?;
    }
    info!(bot.id = id, "The bot is registered on Bitrix24");
    Ok(Installed { notes: notes(&settings.bot_name, id), ..Installed::default() })
}

/// The bot's number, from memory or, when that was lost, from the portal.
///
/// # Errors
/// [`ConnectorError::Refused`] when there is none: the connection was never installed.
pub(crate) async fn number(client: &Client<'_>) -> Result<u64> {
    if let Some(bot) = remembered(client.cx).await? {
        return Ok(bot.id);
    }
    let found = search(client).await?.ok_or_else(|| ConnectorError::Refused {
        detail: "the bot is not registered on Bitrix24: install the connection".to_owned(),
    })?;
    // What it was told last is not known, so the next installation tells it again.
    remember(client.cx, &Remembered { id: found, registered: String::new() }).await?;
    Ok(found)
}

/// The bot's number as far as we remember it, without a call.
pub(crate) async fn remembered_number(cx: &Cx) -> Option<u64> {
    remembered(cx).await.ok().flatten().map(|bot| bot.id)
}

/// The bot as the portal knows it, if it does. Remembers nothing.
pub(crate) async fn look(client: &Client<'_>) -> Result<Option<u64>, Failure> {
    let remembered = remembered(client.cx).await?.filter(|_| client.portal.settings.bot_api == BotApi::V2);
    let Some(bot) = remembered else { return search(client).await };
    match client.read_as_bot("imbot.v2.Bot.get", &json!({ "botId": bot.id })).await {
        Ok(_) => Ok(Some(bot.id)),
        Err(failure) if failure.is("BOT_NOT_FOUND") => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Says something in BB code; gives the message's number as the portal wrote it.
pub(crate) async fn say(
    client: &Client<'_>,
    bot: u64,
    chat: u64,
    text: &str,
    keyboard: Option<&Value>,
) -> Result<Value, Failure> {
    if client.portal.settings.bot_api == BotApi::V1 {
        return v1::say(client, bot, chat, text, keyboard).await;
    }
    let mut fields = json!({ "message": text, "urlPreview": false });
    if let Some(keyboard) = keyboard {
        fields["keyboard"] = keyboard.clone();
    }
    let body = json!({ "botId": bot, "dialogId": dialog(chat), "fields": fields });
    Ok(client.act_as_bot("imbot.v2.Chat.Message.send", &body).await?["id"].take())
}

/// Says something that only the portal's staff sees.
pub(crate) async fn say_to_staff(
    client: &Client<'_>,
    bot: u64,
    chat: u64,
    text: &str,
) -> Result<(), Failure> {
    if client.portal.settings.bot_api == BotApi::V1 {
        return v1::say_to_staff(client, bot, chat, text).await;
    }
    let fields = json!({ "message": text, "urlPreview": false, "skipConnector": true });
    let body = json!({ "botId": bot, "dialogId": dialog(chat), "fields": fields });
    client.act_as_bot("imbot.v2.Chat.Message.send", &body).await.map(drop)
}

/// Whether the bot is in a chat.
pub(crate) async fn is_in(client: &Client<'_>, bot: u64, chat: u64) -> Result<bool, Failure> {
    let body = json!({ "botId": bot, "dialogId": dialog(chat), "limit": 200 });
    let listed = match client.portal.settings.bot_api {
        BotApi::V1 => v1::members(client, bot, chat).await,
        BotApi::V2 => client.read_as_bot("imbot.v2.Chat.User.list", &body).await,
    };
    match listed {
        Ok(answer) => {
            let users = if answer["users"].is_null() { &answer } else { &answer["users"] };
            let is_bot = |user: &Value| wire::id(&user["id"]).or_else(|| wire::id(user)) == Some(bot);
            Ok(wire::items(users).into_iter().any(is_bot))
        }
        // Only members may ask.
        Err(failure) if failure.is("ACCESS_DENIED") || failure.is("ACCESS_ERROR") => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// Leaves a chat. That the bot is out already is no failure; the older methods have no word of their own for it.
pub(crate) async fn leave(client: &Client<'_>, bot: u64, chat: u64) -> Result<(), Failure> {
    let body = json!({ "botId": bot, "dialogId": dialog(chat) });
    let (left, out) = match client.portal.settings.bot_api {
        BotApi::V1 => (v1::leave(client, bot, chat).await, &["ACCESS_ERROR", "WRONG_REQUEST"][..]),
        BotApi::V2 => {
            (client.act_as_bot("imbot.v2.Chat.leave", &body).await.map(drop), &["ACCESS_DENIED"][..])
        }
    };
    match left {
        Err(failure) if out.iter().any(|code| failure.is(code)) => Ok(()),
        left => left,
    }
}

async fn search(client: &Client<'_>) -> Result<Option<u64>, Failure> {
    if client.portal.settings.bot_api == BotApi::V1 {
        return v1::find(client).await;
    }
    let (mut offset, limit) = (0, 50);
    while offset < MOST_BOTS {
        let body = json!({ "filter": { "type": "openline" }, "limit": limit, "offset": offset });
        let page = client.read_as_bot("imbot.v2.Bot.list", &body).await?;
        let ours = |bot: &&Value| wire::text(&bot["code"]) == client.portal.settings.bot_code;
        if let Some(id) =
            wire::items(&page["bots"]).into_iter().find(ours).and_then(|bot| wire::id(&bot["id"]))
        {
            return Ok(Some(id));
        }
        if !wire::is_yes(&page["hasNextPage"]) {
            break;
        }
        offset += limit;
    }
    Ok(None)
}

async fn update(client: &Client<'_>, id: u64, webhook_url: &str) -> Result<()> {
    if client.portal.settings.bot_api == BotApi::V1 {
        return v1::update(client, id, webhook_url).await;
    }
    let (name, mode) = (&client.portal.settings.bot_name, client.portal.settings.event_mode.as_str());
    let fields = json!({ "eventMode": mode, "webhookUrl": webhook_url, "properties": { "name": name } });
    client.act_as_bot("imbot.v2.Bot.update", &json!({ "botId": id, "fields": fields })).await?;
    Ok(())
}

fn fields(client: &Client<'_>, webhook_url: &str) -> Value {
    let settings = &client.portal.settings;
    json!({
        "code": settings.bot_code,
        "type": "openline",
        "eventMode": settings.event_mode.as_str(),
        "webhookUrl": webhook_url,
        "properties": { "name": settings.bot_name, "workPosition": "Assistant" },
    })
}

async fn remembered(cx: &Cx) -> Result<Option<Remembered>> {
    let kept = cx.kept(SLOT).await?;
    Ok(kept.and_then(|kept| serde_json::from_value(kept.value).ok()))
}

async fn remember(cx: &Cx, bot: &Remembered) -> Result<()> {
    for _ in 0..TRIES {
        let version = cx.kept(SLOT).await?.map_or(0, |kept| kept.version);
        if cx.swap(SLOT, version, &json!(bot)).await? {
            return Ok(());
        }
    }
    Err(ConnectorError::Unavailable { detail: "too many writers at once".to_owned() })
}

fn unreadable() -> ConnectorError {
    ConnectorError::Lost { detail: "the answer to the registration names no bot".to_owned() }
}

fn notes(name: &str, id: u64) -> Vec<String> {
    vec![
        format!("The chat bot {name} is registered on Bitrix24 as user {id}."),
        "Choose it now in Contact Center > Open Channels > your open channel > Chat bots; until then it \
         hears nothing."
            .to_owned(),
        "In the same place: let the bot join every conversation, set the time until the conversation is \
         passed to live agents to 0, and let the bot leave when it has passed the conversation on."
            .to_owned(),
    ]
}
