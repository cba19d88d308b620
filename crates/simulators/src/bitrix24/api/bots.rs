//! `imbot.v2.Bot.*`, `Command.register` and `Event.get`.

use serde_json::{Map, Value, json};
use url::Url;

use super::super::events;
use super::super::model::{Bot, Command, EventMode, Kind, User};
use super::super::state::{FIRST_LINE, State};
use super::super::views;
use super::answer::{Error, Outcome, bad, forbidden, ok};
use super::gate::Caller;
use super::params::Params;

/// Bots of one application, as documented.
const MOST_BOTS: usize = 100;
/// Characters of a bot's token, as documented.
const LONGEST_TOKEN: usize = 40;

/// The bot that a call names, if the caller may act for it.
pub(super) fn own(state: &State, caller: Caller, params: &Params) -> Result<Bot, Error> {
    if caller.by_webhook && !params.has("botToken") {
        return Err(bad("BOT_TOKEN_NOT_SPECIFIED", "Bot token is not specified"));
    }
    let Some(id) = params.id("botId") else { return Err(bad("BOT_ID_REQUIRED", "Bot ID is required")) };
    let Some(bot) = state.bots.get(&id) else { return Err(bad("BOT_NOT_FOUND", "Bot not found")) };
    // A bot is spoken for by the generation of methods that registered it.
    if bot.first_generation {
        return Err(bad("BOT_NOT_FOUND", "Bot not found"));
    }
    if !is_owner(state, caller, params, bot) {
        return Err(forbidden("BOT_OWNERSHIP_ERROR", "Bot is registered by another application"));
    }
    Ok(bot.clone())
}

fn is_owner(state: &State, caller: Caller, params: &Params, bot: &Bot) -> bool {
    if caller.by_webhook {
        bot.token.is_some() && bot.token == params.text("botToken")
    } else {
        bot.app == state.identity.client_id
    }
}

/// `imbot.v2.Revision.get`.
pub(super) fn revision(_: &mut State, _: Caller, _: Params) -> Outcome {
    ok(json!({ "rest": 36, "web": 36, "mobile": 36, "desktop": 36 }))
}

/// `imbot.v2.Bot.register`: the same code gives the same bot, unchanged.
pub(super) fn register(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let fields = params.nested("fields");
    let token = new_token(caller, &fields)?;
    let Some(code) = fields.text("code") else {
        return Err(bad("BOT_CODE_REQUIRED", "Bot code is required"));
    };
    let properties = fields.nested("properties");
    let Some(name) = properties.text("name") else {
        return Err(bad("BOT_PROPERTIES_REQUIRED", "Bot properties are required"));
    };
    let app =
        token.as_ref().map_or_else(|| state.identity.client_id.clone(), |token| format!("custom{token}"));
    if let Some(known) = state.bots.values().find(|bot| bot.code == code).cloned() {
        return if known.app == app {
            ok(described(state, &known))
        } else {
            Err(bad("BOT_CODE_ALREADY_TAKEN", "Bot code is already taken"))
        };
    }
    let kind = fields.text("type").unwrap_or_else(|| "bot".to_owned());
    if !["bot", "network", "openline", "supervisor", "personal"].contains(&kind.as_str()) {
        return Err(bad("BOT_INVALID_TYPE", "Invalid bot type"));
    }
    let (event_mode, webhook_url) = delivery(&fields, EventMode::Fetch, "")?;
    if state.bots.values().filter(|bot| bot.app == app).count() >= MOST_BOTS {
        return Err(bad("BOT_LIMIT_EXCEEDED", "Bot limit exceeded"));
    }
    state.ids.bot += 1;
    let id = state.ids.bot;
    let open_lines = kind == "openline" || fields.flag("isSupportOpenline", false);
    let bot = Bot {
        id,
        code,
        kind,
        first_generation: false,
        app,
        token,
        event_mode,
        webhook_url,
        open_lines,
        hidden: fields.flag("isHidden", false),
        reactions: fields.flag("isReactionsEnabled", true),
        work_position: properties.text("workPosition").unwrap_or_default(),
        gender: properties.text("gender").unwrap_or_else(|| "M".to_owned()),
        sent: 0,
        waiting: Vec::new(),
    };
    let last_name = properties.text("lastName").unwrap_or_default();
    let user = User { id, first_name: name, last_name, kind: Kind::Bot, online: true, accepts_after: None };
    state.users.insert(id, user);
    state.bots.insert(id, bot.clone());
    if open_lines && state.settings.assign_bot {
        assign(state, id);
    }
    ok(described(state, &bot))
}

/// `imbot.v2.Bot.update`.
pub(super) fn update(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let mut bot = own(state, caller, &params)?;
    let fields = params.nested("fields");
    (bot.event_mode, bot.webhook_url) = delivery(&fields, bot.event_mode, &bot.webhook_url)?;
    if caller.by_webhook && fields.has("botToken") {
        bot.token = new_token(caller, &fields)?;
    }
    bot.hidden = fields.flag("isHidden", bot.hidden);
    bot.reactions = fields.flag("isReactionsEnabled", bot.reactions);
    bot.open_lines = bot.kind == "openline" || fields.flag("isSupportOpenline", bot.open_lines);
    let properties = fields.nested("properties");
    bot.work_position = properties.text("workPosition").unwrap_or(bot.work_position);
    bot.gender = properties.text("gender").unwrap_or(bot.gender);
    if let Some(user) = state.users.get_mut(&bot.id) {
        user.first_name = properties.text("name").unwrap_or_else(|| user.first_name.clone());
        user.last_name = properties.text("lastName").unwrap_or_else(|| user.last_name.clone());
    }
    state.bots.insert(bot.id, bot.clone());
    ok(described(state, &bot))
}

/// `imbot.v2.Bot.get`.
pub(super) fn get(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let bot = own(state, caller, &params)?;
    ok(described(state, &bot))
}

/// `imbot.v2.Bot.list`.
pub(super) fn list(state: &mut State, caller: Caller, params: Params) -> Outcome {
    if caller.by_webhook && !params.has("botToken") {
        return Err(bad("BOT_TOKEN_NOT_SPECIFIED", "Bot token is not specified"));
    }
    let kind = params.nested("filter").text("type");
    let fits = |bot: &&Bot| {
        !bot.first_generation
            && is_owner(state, caller, &params, bot)
            && kind.as_ref().is_none_or(|kind| *kind == bot.kind)
    };
    let all: Vec<Bot> = state.bots.values().filter(fits).cloned().collect();
    let limit = params.id("limit").unwrap_or(50) as usize;
    let offset = params.id("offset").unwrap_or(0) as usize;
    let page = all.iter().skip(offset).take(limit);
    let bots: Vec<Value> = page.clone().map(|bot| views::bot(state, bot)).collect();
    let users: Vec<Value> = page.filter_map(|bot| user_of(state, bot.id)).collect();
    let more = all.len() > offset.saturating_add(limit);
    ok(json!({ "bots": bots, "users": users, "hasNextPage": more }))
}

/// `imbot.v2.Bot.unregister`: the bot learns of it, and leaves chats and lines.
pub(super) fn unregister(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let bot = own(state, caller, &params)?;
    remove(state, bot.id);
    ok(json!({ "result": true }))
}

/// The bot learns of it, and leaves chats and lines.
pub(super) fn remove(state: &mut State, bot: i64) {
    events::bot_deleted(state, bot);
    state.bots.remove(&bot);
    state.users.remove(&bot);
    state.commands.retain(|_, command| command.bot != bot);
    for chat in state.chats.values_mut() {
        chat.members.remove(&bot);
    }
    for line in state.lines.values_mut().filter(|line| line.number("WELCOME_BOT_ID") as i64 == bot) {
        line.fields.insert("WELCOME_BOT_ID".to_owned(), "0".to_owned());
        line.fields.insert("WELCOME_BOT_ENABLE".to_owned(), "N".to_owned());
    }
}

/// `imbot.v2.Command.register`: the same command again is changed.
pub(super) fn command_register(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let bot = own(state, caller, &params)?;
    let fields = params.nested("fields");
    let Some(name) = fields.text("command") else {
        return Err(bad("COMMAND_REQUIRED", "Command is required"));
    };
    let name = name.trim_start_matches('/').to_owned();
    if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
        return Err(bad("COMMAND_NAME_INVALID", "Command name is invalid"));
    }
    let Some(title) = fields.get("title").filter(|title| title.is_object()).cloned() else {
        return Err(bad("COMMAND_TITLE_REQUIRED", "Command title is required"));
    };
    let known = state.commands.values().find(|command| command.bot == bot.id && command.name == name);
    let id = known.map_or(state.ids.command + 1, |command| command.id);
    state.ids.command = state.ids.command.max(id);
    let command = Command {
        id,
        bot: bot.id,
        name,
        title,
        params: fields.get("params").cloned().unwrap_or_default(),
        common: fields.flag("common", false),
        hidden: fields.flag("hidden", false),
        extranet: fields.flag("extranetSupport", false),
    };
    state.commands.insert(id, command.clone());
    ok(json!({ "command": views::command(state, &command) }))
}

/// `imbot.v2.Event.get`: `offset` confirms every event with a smaller id.
pub(super) fn event_get(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let bot = own(state, caller, &params)?;
    if params.flag("withUserEvents", false) {
        return Err(bad("USER_NOT_SUBSCRIBED", "User not subscribed"));
    }
    let limit = params.id("limit").unwrap_or(100).min(1000) as usize;
    let Some(bot) = state.bots.get_mut(&bot.id) else { return Err(bad("BOT_NOT_FOUND", "Bot not found")) };
    if let Some(offset) = params.id("offset") {
        bot.waiting.retain(|event| event.id >= offset);
    }
    let page: Vec<Value> = bot
        .waiting
        .iter()
        .take(limit)
        .map(|event| json!({ "eventId": event.id, "type": event.name, "date": views::date(event.at_ms), "data": event.data }))
        .collect();
    let next = bot.waiting.iter().take(limit).next_back().map_or(0, |event| event.id + 1);
    ok(json!({ "events": page, "nextOffset": next, "hasMore": bot.waiting.len() > limit }))
}

/// The bot and its user.
fn described(state: &State, bot: &Bot) -> Value {
    let users: Vec<Value> = user_of(state, bot.id).into_iter().collect();
    json!({ "bot": views::bot(state, bot), "users": users })
}

fn user_of(state: &State, id: i64) -> Option<Value> {
    state.users.get(&id).map(|user| views::user(state, user))
}

fn new_token(caller: Caller, fields: &Params) -> Result<Option<String>, Error> {
    if !caller.by_webhook {
        return Ok(None);
    }
    match fields.text("botToken") {
        None => Err(bad("BOT_TOKEN_NOT_SPECIFIED", "Bot token is not specified")),
        Some(token) if token.chars().count() > LONGEST_TOKEN => {
            Err(bad("BOT_TOKEN_INVALID_LENGTH", "Bot token is too long"))
        }
        Some(token) => Ok(Some(token)),
    }
}

/// The event mode and address that the fields ask for, else the given ones.
fn delivery(fields: &Params, mode: EventMode, url: &str) -> Result<(EventMode, String), Error> {
    let mode = match fields.text("eventMode").as_deref() {
        None => mode,
        Some("fetch") => EventMode::Fetch,
        Some("webhook") => EventMode::Webhook,
        Some(_) => return Err(bad("BOT_INVALID_EVENT_MODE", "Invalid event mode")),
    };
    let url = fields.text("webhookUrl").unwrap_or_else(|| url.to_owned());
    if mode == EventMode::Webhook && url.is_empty() {
        return Err(bad("BOT_WEBHOOK_URL_REQUIRED", "Webhook URL is required"));
    }
    let is_address = |url: &str| Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if !url.is_empty() && !is_address(&url) {
        return Err(bad("BOT_INVALID_CALLBACK", "Invalid callback URL"));
    }
    Ok((mode, url))
}

/// Makes the bot the welcome bot of the first line, if that has none.
pub(super) fn assign(state: &mut State, bot: i64) {
    let first = state.lines.get_mut(&FIRST_LINE);
    if let Some(line) = first.filter(|line| line.welcome_bot().is_none()) {
        let chosen = [("WELCOME_BOT_ENABLE", "Y".to_owned()), ("WELCOME_BOT_ID", bot.to_string())];
        line.fields.extend(chosen.map(|(name, value)| (name.to_owned(), value)));
    }
}

/// The chat that `dialogId` names, if the bot is a member of it.
pub(super) fn member_chat(state: &State, bot: &Bot, params: &Params) -> Result<i64, Error> {
    let denied = forbidden("ACCESS_DENIED", "Access denied");
    let dialog = params.text("dialogId").unwrap_or_default();
    let id: i64 = dialog.strip_prefix("chat").and_then(|id| id.parse().ok()).ok_or(denied.clone())?;
    let is_member = state.chats.get(&id).is_some_and(|chat| chat.members.contains(&bot.id));
    if is_member { Ok(id) } else { Err(denied) }
}

/// An empty `uuidMap` is a list, as PHP has it.
pub(super) fn empty_map() -> Value {
    views::php_map(Map::new())
}
