//! `imopenlines.dialog.get` and `imopenlines.session.history.get`: looking at chats as a user.

use serde_json::{Map, Value, json};

use super::super::model::{Chat, Kind, Message};
use super::super::state::State;
use super::super::views::{self, php_map};
use super::answer::{Outcome, bad, ok};
use super::gate::Caller;
use super::params::Params;

/// `imopenlines.dialog.get`.
pub(super) fn get(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let wanted = chat_of(state, &params.upper());
    let Some(chat) = wanted.filter(|chat| has_access(state, caller, chat)) else {
        return Err(bad("ACCESS_ERROR", "You do not have access to the specified dialog"));
    };
    ok(json!({
        "id": chat.id,
        "dialog_id": chat.dialog_id(),
        "parent_chat_id": 0,
        "name": chat.name,
        "description": "",
        "owner": chat.owner,
        "extranet": true,
        "avatar": "",
        "color": "#4ba984",
        "type": "lines",
        "message_type": "L",
        "counter": 0,
        "user_counter": chat.members.len(),
        "message_count": chat.messages.len(),
        "unread_id": 0,
        "last_message_id": chat.last_message(),
        "last_id": chat.last_message(),
        "entity_type": "LINES",
        "entity_id": chat.entity_id(),
        "entity_data_1": views::entity_data_1(state, chat),
        "entity_data_2": views::entity_data_2(chat),
        "entity_data_3": views::entity_data_3(chat),
        "mute_list": [],
        "manager_list": views::managers(state, chat),
        "date_create": views::date(chat.created_ms),
        "role": if chat.members.contains(&caller.user) { "member" } else { "guest" },
        "readed_list": [],
        "last_message_views": { "message_id": chat.last_message(), "first_viewers": [], "count_of_viewers": 0 },
    }))
}

/// `imopenlines.session.history.get`.
pub(super) fn history(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let params = params.upper();
    let denied =
        bad("ACCESS_DENIED", "You cannot open this conversation because you do not have sufficient rights.");
    let (chat, session) = if params.has("SESSION_ID") {
        let known = params.id("SESSION_ID").and_then(|id| state.sessions.get(&id));
        let Some(session) = known else {
            return Err(bad("INVALID_SESSION_ID", "Invalid session identifier"));
        };
        (state.chats.get(&session.chat), session.id)
    } else if params.has("CHAT_ID") {
        // By chat alone only a member may look.
        let chat = params.id("CHAT_ID").and_then(|id| state.chats.get(&id));
        let chat = chat.filter(|chat| chat.members.contains(&caller.user));
        (chat, chat.and_then(|chat| chat.sessions.last().copied()).unwrap_or(0))
    } else {
        return Err(bad("MISSING_REQUIRED_PARAM", "Missing required parameter"));
    };
    let Some(chat) = chat.filter(|chat| has_access(state, caller, chat)) else { return Err(denied) };
    ok(told(state, chat, session))
}

fn told(state: &State, chat: &Chat, session: i64) -> Value {
    let messages: Vec<&Message> = chat.messages.iter().filter(|message| message.session == session).collect();
    let listed = |pairs: Vec<(i64, Value)>| -> Value {
        php_map(pairs.into_iter().map(|(id, value)| (id.to_string(), value)).collect::<Map<String, Value>>())
    };
    let authors = messages.iter().filter_map(|message| state.users.get(&message.author));
    let files = messages.iter().flat_map(|message| &message.files).filter_map(|id| state.files.get(id));
    let ids: Vec<String> = messages.iter().rev().map(|message| message.id.to_string()).collect();
    json!({
        "chatId": chat.id,
        "sessionId": session,
        "canJoin": "Y",
        "canVoteHead": "Y",
        "sessionVoteHead": 0,
        "sessionCommentHead": null,
        "userId": chat.dialog_id(),
        "message": listed(messages.iter().map(|message| (message.id, line(chat, message))).collect()),
        "usersMessage": { chat.dialog_id(): ids },
        "users": listed(authors.map(|user| (user.id, views::user(state, user))).collect()),
        "openlines": [],
        "userInGroup": [],
        "woUserInGroup": [],
        "chat": listed(vec![(chat.id, views::chat(state, chat))]),
        "userBlockChat": [],
        "userInChat": { chat.id.to_string(): chat.members },
        "files": listed(files.map(|file| (file.id, views::file(state, file))).collect()),
    })
}

fn line(chat: &Chat, message: &Message) -> Value {
    let mut params = Map::new();
    if !message.files.is_empty() {
        params.insert("fileId".to_owned(), json!(message.files));
    }
    if let Some(mid) = &message.mid {
        params.insert("connectorMid".to_owned(), json!([mid]));
    }
    // Lines that the customer never gets look the same to staff as notes of the system.
    if message.system || !message.reaches_customer {
        params.insert("class".to_owned(), json!("bx-messenger-content-item-system"));
    }
    json!({
        "id": message.id.to_string(),
        "chatid": chat.id.to_string(),
        "senderid": message.author.to_string(),
        "recipientid": chat.dialog_id(),
        "date": views::date(message.at_ms),
        "text": message.text,
        "textlegacy": message.text,
        "params": php_map(params),
    })
}

/// The chat by whichever of the four names was given.
fn chat_of<'a>(state: &'a State, params: &Params) -> Option<&'a Chat> {
    if let Some(id) = params.id("CHAT_ID") {
        return state.chats.get(&id);
    }
    if let Some(dialog) = params.text("DIALOG_ID") {
        return dialog.strip_prefix("chat").and_then(|id| state.chats.get(&id.parse().ok()?));
    }
    if let Some(session) = params.id("SESSION_ID") {
        return state.sessions.get(&session).and_then(|session| state.chats.get(&session.chat));
    }
    let code = params.text("USER_CODE")?;
    state.chats.values().find(|chat| chat.entity_id() == code)
}

/// Administrators, the line's operators and members may look.
fn has_access(state: &State, caller: Caller, chat: &Chat) -> bool {
    let is_administrator = state.users.get(&caller.user).is_some_and(|user| user.kind == Kind::Administrator);
    let in_queue = state.lines.get(&chat.line).is_some_and(|line| line.queue.contains(&caller.user));
    is_administrator || in_queue || chat.members.contains(&caller.user)
}
