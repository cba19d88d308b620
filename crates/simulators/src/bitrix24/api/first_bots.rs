//! `imbot.*`: chat bots by the methods of the first generation.

use serde_json::{Value, json};
use url::Url;

use super::super::model::{Bot, Command, EventMode, Kind, User};
use super::super::state::{Draft, State};
use super::answer::{Error, Outcome, bad, forbidden, ok};
use super::bots::{assign, remove};
use super::chats::cut;
use super::gate::Caller;
use super::params::Params;

/// Bots of one application, as documented.
const MOST_BOTS: usize = 5;

/// `imbot.register`: a bot's id. The same code gives the same bot.
pub(super) fn register(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let params = params.upper();
    let Some(code) = params.text("CODE") else { return Err(bad("CODE_ERROR", "Bot code isn't specified")) };
    let properties = params.nested("PROPERTIES").upper();
    let Some(name) = properties.text("NAME").or_else(|| properties.text("LAST_NAME")) else {
        return Err(bad("NAME_ERROR", "Bot name isn't specified"));
    };
    let url = handler(&params)?;
    let token = match (caller.by_webhook, params.text("CLIENT_ID")) {
        (true, None) => return Err(forbidden("WRONG_AUTH_TYPE", "CLIENT_ID is not specified")),
        (true, token) => token,
        (false, _) => None,
    };
    let app = app(state, token.as_deref());
    if let Some(known) = state.bots.values().find(|bot| bot.code == code) {
        return if known.app == app {
            ok(json!(known.id))
        } else {
            Err(bad("CODE_ERROR", "Bot code is taken"))
        };
    }
    if state.bots.values().filter(|bot| bot.app == app).count() >= MOST_BOTS {
        return Err(bad("MAX_COUNT_ERROR", "Has reached the maximum number of bots for application"));
    }
    state.ids.bot += 1;
    let id = state.ids.bot;
    let kind = params.text("TYPE").unwrap_or_else(|| "B".to_owned());
    let open_lines = kind == "O" || params.flag("OPENLINE", false);
    let bot = Bot {
        id,
        code,
        kind,
        first_generation: true,
        app,
        token,
        event_mode: EventMode::Webhook,
        webhook_url: url,
        hidden: false,
        reactions: false,
        open_lines,
        work_position: properties.text("WORK_POSITION").unwrap_or_default(),
        gender: "M".to_owned(),
        sent: 0,
        waiting: Vec::new(),
    };
    let last_name = properties.text("LAST_NAME").unwrap_or_default();
    let user = User { id, first_name: name, last_name, kind: Kind::Bot, online: true, accepts_after: None };
    state.users.insert(id, user);
    state.bots.insert(id, bot);
    if open_lines && state.settings.assign_bot {
        assign(state, id);
    }
    ok(json!(id))
}

/// `imbot.update`.
pub(super) fn update(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let params = params.upper();
    let mut bot = own(state, caller, &params)?;
    let fields = params.nested("FIELDS").upper();
    if fields.has("EVENT_HANDLER") || fields.has("EVENT_MESSAGE_ADD") {
        bot.webhook_url = handler(&fields)?;
    }
    let name = fields.nested("PROPERTIES").upper().text("NAME");
    if let (Some(name), Some(user)) = (name, state.users.get_mut(&bot.id)) {
        user.first_name = name;
    }
    state.bots.insert(bot.id, bot);
    ok(json!(true))
}

/// `imbot.unregister`.
pub(super) fn unregister(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let bot = own(state, caller, &params.upper())?;
    remove(state, bot.id);
    ok(json!(true))
}

/// `imbot.bot.list`: every bot of the portal, of either generation.
pub(super) fn list(state: &mut State, _: Caller, _: Params) -> Outcome {
    let row = |bot: &Bot| {
        let open = if bot.open_lines { "Y" } else { "N" };
        let row = json!({ "ID": bot.id, "NAME": state.name_of(bot.id), "CODE": bot.code, "OPENLINE": open });
        (bot.id.to_string(), row)
    };
    ok(super::super::views::php_map(state.bots.values().map(row).collect()))
}

/// `imbot.message.add`: the message's id.
pub(super) fn message_add(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let params = params.upper();
    let bot = own(state, caller, &params)?;
    let Some(dialog) = params.text("DIALOG_ID") else {
        return Err(bad("DIALOG_ID_EMPTY", "Dialog ID can't be empty"));
    };
    let Some(text) = params.text("MESSAGE") else {
        return Err(bad("MESSAGE_EMPTY", "Message can't be empty"));
    };
    let id = dialog.strip_prefix("chat").and_then(|id| id.parse().ok()).unwrap_or(0);
    if !is_member(state, &bot, id) {
        return Err(forbidden("ACCESS_ERROR", "Action unavailable"));
    }
    let system = params.flag("SYSTEM", false);
    let draft = Draft {
        author: if system { 0 } else { bot.id },
        text: cut(&text),
        system,
        reaches_customer: !params.flag("SKIP_CONNECTOR", false),
        keyboard: params.get("KEYBOARD").cloned().filter(Value::is_array),
        ..Draft::default()
    };
    let message = state.add_message(id, draft);
    if let Some(bot) = state.bots.get_mut(&bot.id) {
        bot.sent += 1;
    }
    ok(json!(message))
}

/// `imbot.chat.sendTyping`.
pub(super) fn typing(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let params = params.upper();
    let bot = own(state, caller, &params)?;
    let Some(dialog) = params.text("DIALOG_ID") else {
        return Err(bad("DIALOG_ID_EMPTY", "Dialog ID can't be empty"));
    };
    let id: i64 = dialog.strip_prefix("chat").and_then(|id| id.parse().ok()).unwrap_or(0);
    if let Some(chat) = state.chats.get_mut(&id).filter(|chat| chat.members.contains(&bot.id)) {
        chat.input_actions += 1;
    }
    ok(json!(true))
}

/// `imbot.chat.leave`.
pub(super) fn leave(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let params = params.upper();
    let bot = own(state, caller, &params)?;
    let chat = params.id("CHAT_ID").ok_or(bad("CHAT_ID_EMPTY", "Chat ID can't be empty"))?;
    if !is_member(state, &bot, chat) {
        return Err(bad("WRONG_REQUEST", "You don't have access or user isn't member in chat"));
    }
    if !state.settings.chat_leave {
        return Err(forbidden("ACCESS_ERROR", "Removing users from this chat is forbidden"));
    }
    state.remove_member(chat, bot.id);
    ok(json!(true))
}

/// `imbot.chat.user.list`: ids of the members.
pub(super) fn user_list(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let params = params.upper();
    own(state, caller, &params)?;
    let chat = params.id("CHAT_ID").ok_or(bad("CHAT_ID_EMPTY", "Chat ID can't be empty"))?;
    ok(state.chats.get(&chat).map_or(json!([]), |chat| json!(chat.members)))
}

/// `imbot.command.register`: the command's id.
pub(super) fn command_register(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let params = params.upper();
    let bot = own(state, caller, &params)?;
    let Some(name) = params.text("COMMAND") else {
        return Err(bad("COMMAND_ERROR", "Command isn't specified"));
    };
    handler_of(params.text("EVENT_COMMAND_ADD"), "EVENT_COMMAND_ADD_ERROR")?;
    let name = name.trim_start_matches('/').to_owned();
    let known = state.commands.values().find(|command| command.bot == bot.id && command.name == name);
    let id = known.map_or(state.ids.command + 1, |command| command.id);
    state.ids.command = state.ids.command.max(id);
    let command = Command {
        id,
        bot: bot.id,
        name,
        title: json!({}),
        params: json!({}),
        common: params.flag("COMMON", false),
        hidden: params.flag("HIDDEN", false),
        extranet: params.flag("EXTRANET_SUPPORT", false),
    };
    state.commands.insert(id, command);
    ok(json!(id))
}

/// The bot that a call is for: the one it names, or the application's first.
fn own(state: &State, caller: Caller, params: &Params) -> Result<Bot, Error> {
    let app = app(state, params.text("CLIENT_ID").filter(|_| caller.by_webhook).as_deref());
    let mut ours = state.bots.values().filter(|bot| bot.first_generation && bot.app == app);
    let bot = match params.id("BOT_ID") {
        Some(id) => match state.bots.get(&id).filter(|bot| bot.first_generation) {
            Some(bot) if bot.app == app => Some(bot),
            Some(_) => {
                return Err(forbidden("APP_ID_ERROR", "Bot was installed by another rest application"));
            }
            None => None,
        },
        None => ours.next(),
    };
    bot.cloned().ok_or(bad("BOT_ID_ERROR", "Bot not found"))
}

/// Whose a bot is: the application's, or that of a webhook's word.
fn app(state: &State, token: Option<&str>) -> String {
    token.map_or_else(|| state.identity.client_id.clone(), |token| format!("custom{token}"))
}

fn is_member(state: &State, bot: &Bot, chat: i64) -> bool {
    state.chats.get(&chat).is_some_and(|chat| chat.members.contains(&bot.id))
}

/// One address for everything, or that of messages.
fn handler(params: &Params) -> Result<String, Error> {
    handler_of(
        params.text("EVENT_HANDLER").or_else(|| params.text("EVENT_MESSAGE_ADD")),
        "EVENT_MESSAGE_ADD_ERROR",
    )
}

fn handler_of(url: Option<String>, code: &'static str) -> Result<String, Error> {
    let is_address = |url: &String| Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    url.filter(is_address).ok_or(bad(code, "Handler for event isn't specified"))
}
