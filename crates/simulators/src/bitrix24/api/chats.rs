//! `imbot.v2.Chat.*`: what a bot says and sees in a chat.

use serde_json::{Value, json};

use super::super::model::User;
use super::super::state::{Draft, State};
use super::super::views;
use super::answer::{Outcome, bad, forbidden, ok};
use super::bots::{empty_map, member_chat, own};
use super::gate::Caller;
use super::params::Params;

/// Characters of a message; the rest is cut off.
const LONGEST_MESSAGE: usize = 20_000;
/// What takes the place of the rest.
const CUT: &str = " (...)";
/// Bytes of a keyboard or an attachment as JSON.
const LARGEST_EXTRA: usize = 30 * 1024;

/// What a bot may be seen doing.
const ACTIONS: [&str; 11] = [
    "THINKING",
    "SEARCHING",
    "GENERATING",
    "ANALYZING",
    "PROCESSING",
    "TRANSLATING",
    "CONNECTING",
    "CHECKING",
    "CALCULATING",
    "READING_DOCS",
    "COMPOSING",
];

/// `imbot.v2.Chat.get`.
pub(super) fn get(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let bot = own(state, caller, &params)?;
    let id = member_chat(state, &bot, &params)?;
    let Some(chat) = state.chats.get(&id) else { return Err(forbidden("ACCESS_DENIED", "Access denied")) };
    let mut view = views::chat(state, chat);
    view["dateCreate"] = json!(views::date(chat.created_ms));
    view["lastMessageId"] = json!(chat.last_message());
    view["managerList"] = json!(views::managers(state, chat));
    view["messageCount"] = json!(chat.messages.len());
    view["userCounter"] = json!(chat.members.len());
    ok(json!({ "chat": view }))
}

/// `imbot.v2.Chat.User.list`.
pub(super) fn user_list(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let bot = own(state, caller, &params)?;
    let chat = member_chat(state, &bot, &params)?;
    let limit = params.id("limit").unwrap_or(50).min(200) as usize;
    let order = params.nested("order");
    let descending = ["id", "userId"].iter().any(|field| order.text(field).as_deref() == Some("DESC"));
    let members = state.chats.get(&chat).map(|chat| chat.members.clone()).unwrap_or_default();
    let mut users: Vec<&User> = members.iter().filter_map(|id| state.users.get(id)).collect();
    if descending {
        users.reverse();
    }
    ok(users.into_iter().take(limit).map(|user| views::user(state, user)).collect())
}

/// `imbot.v2.Chat.leave`.
pub(super) fn leave(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let bot = own(state, caller, &params)?;
    let chat = member_chat(state, &bot, &params)?;
    if !state.settings.chat_leave {
        return Err(forbidden("ACCESS_DENIED", "Access denied"));
    }
    // Leaving is no handoff: a session that the bot holds stays with the bot that is gone.
    state.remove_member(chat, bot.id);
    ok(json!({ "result": true }))
}

/// `imbot.v2.Chat.Message.send`.
pub(super) fn message_send(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let bot = own(state, caller, &params)?;
    let chat = member_chat(state, &bot, &params)?;
    let fields = params.nested("fields");
    let text = fields.text("message").unwrap_or_default();
    if text.is_empty() && !fields.has("attach") {
        return Err(bad("EMPTY_MESSAGE", "Message is empty"));
    }
    let extras = ["keyboard", "attach"].map(|name| fields.get(name).cloned());
    if extras.iter().flatten().any(|extra| extra.to_string().len() > LARGEST_EXTRA) {
        return Err(bad("SENDING_FAILED", "Sending failed"));
    }
    let [keyboard, _] = extras;
    let system = fields.flag("system", false);
    let draft = Draft {
        author: if system { 0 } else { bot.id },
        text: cut(&text),
        system,
        reaches_customer: !fields.flag("skipConnector", false),
        keyboard: keyboard.filter(Value::is_array),
        ..Draft::default()
    };
    let id = state.add_message(chat, draft);
    if let Some(bot) = state.bots.get_mut(&bot.id) {
        bot.sent += 1;
    }
    ok(json!({ "id": id, "uuidMap": empty_map() }))
}

/// `imbot.v2.Chat.Message.get` and `.getContext`, which bots of open channels may not use.
pub(super) fn message_get(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let bot = own(state, caller, &params)?;
    if !["supervisor", "personal"].contains(&bot.kind.as_str()) {
        return Err(forbidden("BOT_TYPE_NOT_ALLOWED", "Bot type is not allowed"));
    }
    let message = params.id("messageId").unwrap_or(0);
    let member_of = state.chats.values().filter(|chat| chat.members.contains(&bot.id));
    let found = member_of
        .flat_map(|chat| chat.messages.iter().map(move |known| (chat.id, known)))
        .find(|(_, known)| known.id == message);
    match found {
        Some((chat, message)) => ok(json!({ "message": views::message(chat, message) })),
        None => Err(bad("MESSAGE_NOT_FOUND", "Message not found")),
    }
}

/// `imbot.v2.Chat.InputAction.notify`.
pub(super) fn input_action(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let bot = own(state, caller, &params)?;
    let chat = member_chat(state, &bot, &params)?;
    if let Some(code) = params.text("statusMessageCode") {
        let known = code.strip_prefix("IMBOT_AGENT_ACTION_").is_some_and(|action| ACTIONS.contains(&action));
        if !known {
            return Err(bad("INVALID_STATUS_MESSAGE_CODE", "Unknown status message code"));
        }
    }
    if params.int("duration").is_some_and(|seconds| !(1..=600).contains(&seconds)) {
        return Err(bad("INVALID_DURATION", "Duration is out of range"));
    }
    if let Some(entry) = state.chats.get_mut(&chat) {
        entry.input_actions += 1;
    }
    ok(json!({ "result": true }))
}

pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_MESSAGE) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}{CUT}", &text[..end]),
    }
}
