//! What bots are told, in the two forms they may ask for: posted as PHP form fields,
//! or waiting to be fetched as JSON.

use serde_json::{Map, Value, json};

use super::first_events;
use super::model::{Bot, Chat, Command, EventMode, Kind, Message, Waiting};
use super::php;
use super::state::{Post, State};
use super::views;

/// The number of the first event subscription of the first bot; eight belong to each bot.
const FIRST_SUBSCRIPTION: i64 = 1201;

/// What a forger sends in place of the application's token.
const FORGED_TOKEN: &str = "00000000000000000000000000000000";

/// The eight subscriptions that the platform makes for a bot, in order.
const SUBSCRIPTIONS: [&str; 8] = [
    "ONIMBOTV2MESSAGEADD",
    "ONIMBOTV2MESSAGEUPDATE",
    "ONIMBOTV2MESSAGEDELETE",
    "ONIMBOTV2JOINCHAT",
    "ONIMBOTV2COMMANDADD",
    "ONIMBOTV2REACTIONCHANGE",
    "ONIMBOTV2CONTEXTGET",
    "ONIMBOTV2DELETE",
];

impl State {
    /// Tells every bot that is a member of a message which is not its own.
    pub(super) fn tell_bots(&mut self, chat: i64, message: i64) {
        let Some(entry) = self.chats.get(&chat) else { return };
        let Some(message) = entry.messages.iter().find(|known| known.id == message).cloned() else { return };
        let bots: Vec<i64> = entry.members.iter().copied().filter(|id| self.bots.contains_key(id)).collect();
        for bot in bots.into_iter().filter(|bot| *bot != message.author) {
            let commands = self.commands_in(bot, &message);
            if commands.is_empty() {
                message_added(self, bot, chat, &message);
            }
            for (command, params) in commands {
                command_added(self, bot, chat, &message, &command, &params, "textarea");
            }
        }
    }

    /// The bot's commands that a message consists of: every line that begins with one.
    fn commands_in(&self, bot: i64, message: &Message) -> Vec<(Command, String)> {
        let by_customer = self.users.get(&message.author).is_some_and(|user| user.kind == Kind::Customer);
        let called = message.text.lines().filter_map(|line| {
            let call = line.trim().strip_prefix('/')?;
            let (name, params) = call.split_once(char::is_whitespace).unwrap_or((call, ""));
            let mut known =
                self.commands.values().filter(|command| command.bot == bot && command.name == name);
            let command = known.find(|command| command.extranet || !by_customer)?;
            Some((command.clone(), params.trim().to_owned()))
        });
        called.collect()
    }
}

/// A bot was made a member of a chat. In open channels no user did it.
pub(super) fn bot_joined(state: &mut State, bot: i64, chat: i64) {
    let Some(entry) = state.chats.get(&chat) else { return };
    let data = json!({ "dialogId": entry.dialog_id(), "chat": event_chat(state, entry) });
    emit(state, bot, "ONIMBOTV2JOINCHAT", data, None);
}

/// A bot's button was pressed or its command was written.
pub(super) fn command_added(
    state: &mut State,
    bot: i64,
    chat: i64,
    message: &Message,
    command: &Command,
    params: &str,
    context: &str,
) {
    let Some(mut data) = about_message(state, chat, message) else { return };
    let called = format!("/{}", command.name);
    data["command"] = json!({ "id": command.id, "command": called, "params": params, "context": context });
    emit(state, bot, "ONIMBOTV2COMMANDADD", data, Some(message.author));
}

/// A bot is gone; nothing follows.
pub(super) fn bot_deleted(state: &mut State, bot: i64) {
    emit(state, bot, "ONIMBOTV2DELETE", json!({}), None);
}

/// Posts an event of the application itself to one address.
pub(super) fn application_event(
    state: &mut State,
    event: &str,
    url: &str,
    data: &Value,
    auth: &Value,
    handler: i64,
) {
    let ts = json!(state.now_ms / 1000);
    let fields = [
        ("event", &json!(event)),
        ("event_handler_id", &json!(handler)),
        ("data", data),
        ("ts", &ts),
        ("auth", auth),
    ];
    let body = php::encode(&fields);
    state.posts.push(Post { event: event.to_owned(), url: url.to_owned(), body });
}

/// The `auth` block of an event: where it comes from, and the token of whoever caused it.
pub(super) fn auth_block(state: &mut State, user: Option<i64>) -> Value {
    let mut block = views::portal(state);
    let token = if state.settings.forge_events { FORGED_TOKEN } else { &state.identity.application_token };
    block["application_token"] = json!(token);
    if let Some(user) = user.filter(|_| state.settings.event_tokens) {
        let pair = state.tokens.for_event(user, state.settings.access_token_seconds, state.now_ms);
        merge(&mut block, &views::token(state, &pair));
    }
    block
}

fn message_added(state: &mut State, bot: i64, chat: i64, message: &Message) {
    if let Some(data) = about_message(state, chat, message) {
        emit(state, bot, "ONIMBOTV2MESSAGEADD", data, Some(message.author));
    }
}

fn about_message(state: &State, chat: i64, message: &Message) -> Option<Value> {
    let chat = state.chats.get(&chat)?;
    let user = state.users.get(&message.author)?;
    Some(json!({
        "message": views::message(chat.id, message),
        "chat": event_chat(state, chat),
        "user": views::event_user(user),
    }))
}

/// A chat without what differs from member to member.
fn event_chat(state: &State, chat: &Chat) -> Value {
    let mut view = views::chat(state, chat);
    if let Value::Object(fields) = &mut view {
        fields.retain(|field, _| !["role", "muteList"].contains(&field.as_str()));
    }
    view
}

fn emit(state: &mut State, bot: i64, event: &str, mut data: Value, actor: Option<i64>) {
    let Some(known) = state.bots.get(&bot).cloned().filter(|_| state.settings.installed) else { return };
    if event != "ONIMBOTV2DELETE" {
        data["language"] = json!(state.settings.language);
    }
    if known.first_generation {
        return first_events::post(state, &known, event, &data, actor);
    }
    match known.event_mode {
        EventMode::Fetch => keep(state, &known, event, data),
        EventMode::Webhook => post(state, &known, event, data, actor),
    }
}

fn keep(state: &mut State, bot: &Bot, event: &str, mut data: Value) {
    data["bot"] = views::bot(state, bot);
    state.ids.event += 1;
    let waiting = Waiting { id: state.ids.event, name: event.to_owned(), at_ms: state.now_ms, data };
    if let Some(bot) = state.bots.get_mut(&bot.id) {
        bot.waiting.push(waiting);
    }
}

fn post(state: &mut State, bot: &Bot, event: &str, mut data: Value, actor: Option<i64>) {
    // The posted form repeats two ids in snake case.
    if let Some(Value::Object(message)) = data.get_mut("message") {
        for (copy, field) in [("chat_id", "chatId"), ("author_id", "authorId")] {
            let value = message.get(field).cloned().unwrap_or(Value::Null);
            message.insert(copy.to_owned(), value);
        }
    }
    data["bot"] = json!({ "id": bot.id, "code": bot.code, "auth": bot_auth(state, bot) });
    // A bot that belongs to an inbound webhook has no application that could own tokens.
    let auth = auth_block(state, actor.filter(|_| bot.token.is_none()));
    let place = SUBSCRIPTIONS.iter().position(|known| *known == event).unwrap_or(0) as i64;
    let handler = FIRST_SUBSCRIPTION + (bot.id - 456) * 8 + place;
    application_event(state, event, &bot.webhook_url, &data, &auth, handler);
}

fn bot_auth(state: &mut State, bot: &Bot) -> Value {
    let by_application = bot.token.is_none();
    let mut block = auth_block(state, Some(bot.id).filter(|_| by_application));
    if by_application {
        block["client_id"] = json!(bot.app);
    }
    block
}

fn merge(block: &mut Value, more: &Value) {
    let (Value::Object(block), Value::Object(more)) = (block, more) else { return };
    let more: Map<String, Value> = more.clone();
    block.extend(more);
}
