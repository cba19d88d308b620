//! How the things of a portal look in answers and events.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::model::{Bot, Chat, Command, EventMode, File, Holder, Kind, Message, Session, User};
use super::state::State;
use super::tokens::Pair;

/// ISO 8601 with seconds and offset, as PHP's `DATE_ATOM`.
pub(super) fn date(ms: i64) -> String {
    let at = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// A map as PHP serialises it: an empty one becomes a list.
pub(super) fn php_map(map: Map<String, Value>) -> Value {
    if map.is_empty() { json!([]) } else { Value::Object(map) }
}

/// Where the portal is.
pub(super) fn portal(state: &State) -> Value {
    let base = &state.identity.base;
    json!({
        "domain": state.identity.domain,
        "client_endpoint": format!("{base}/rest/"),
        "server_endpoint": format!("{base}/rest/"),
        "member_id": state.identity.member_id,
    })
}

/// A token pair as the authorisation server and the events show it.
pub(super) fn token(state: &State, pair: &Pair) -> Value {
    json!({
        "access_token": pair.access,
        "refresh_token": pair.refresh,
        "expires": pair.expires_ms / 1000,
        "expires_in": state.settings.access_token_seconds,
        "scope": state.settings.scope,
        "status": "L",
        "user_id": pair.user,
    })
}

/// A user in an event.
pub(super) fn event_user(user: &User) -> Value {
    let is_customer = user.kind == Kind::Customer;
    let (auth, sort) = match user.kind {
        Kind::Customer => ("imconnector", "extranet"),
        Kind::Bot => ("bot", "bot"),
        Kind::Administrator | Kind::Employee => ("default", "employee"),
    };
    json!({
        "id": user.id,
        "active": true,
        "name": user.name(),
        "firstName": user.first_name,
        "lastName": user.last_name,
        "extranet": is_customer,
        "bot": user.kind == Kind::Bot,
        "connector": is_customer,
        "externalAuthId": auth,
        "status": if user.online { "online" } else { "offline" },
        "idle": false,
        "type": sort,
    })
}

/// A user in an answer.
pub(super) fn user(state: &State, user: &User) -> Value {
    let mut view = event_user(user);
    let bot = state.bots.get(&user.id);
    view["workPosition"] = json!(bot.map_or("", |bot| bot.work_position.as_str()));
    view["gender"] = json!(bot.map_or("M", |bot| bot.gender.as_str()));
    view["color"] = json!("#df532d");
    view["avatar"] = json!("");
    view["birthday"] = json!("");
    view["lastActivityDate"] = json!(date(state.now_ms));
    view["absent"] = json!(false);
    view["departments"] = if user.is_staff() { json!([1]) } else { json!([]) };
    view["phones"] = json!(false);
    view
}

/// A bot as its owner sees it.
pub(super) fn bot(state: &State, bot: &Bot) -> Value {
    let chats = state.chats.values().filter(|chat| chat.members.contains(&bot.id));
    let commands = state.commands.values().filter(|command| command.bot == bot.id);
    let customers = chats.clone().count();
    let mode = match bot.event_mode {
        EventMode::Webhook => "webhook",
        EventMode::Fetch => "fetch",
    };
    json!({
        "id": bot.id,
        "code": bot.code,
        "type": bot.kind,
        "isHidden": bot.hidden,
        "isSupportOpenline": bot.open_lines,
        "isReactionsEnabled": bot.reactions,
        "backgroundId": null,
        "language": state.settings.language,
        "moduleId": "rest",
        "appId": bot.app,
        "eventMode": mode,
        "countMessage": bot.sent,
        "countCommand": commands.count(),
        "countChat": customers,
        "countUser": customers,
    })
}

/// An open channel chat. `role` and `muteList` are left out of events by the caller.
pub(super) fn chat(state: &State, chat: &Chat) -> Value {
    json!({
        "id": chat.id,
        "dialogId": chat.dialog_id(),
        "name": chat.name,
        "type": "lines",
        "messageType": "L",
        "owner": chat.owner,
        "extranet": true,
        "containsCollaber": false,
        "entityType": "LINES",
        "entityId": chat.entity_id(),
        "entityData1": entity_data_1(state, chat),
        "entityData2": entity_data_2(chat),
        "entityData3": entity_data_3(chat),
        "diskFolderId": 0,
        "parentChatId": 0,
        "parentMessageId": 0,
        "textFieldEnabled": true,
        "permissions": { "canPost": "member" },
        "role": "member",
        "muteList": [],
    })
}

/// CRM link, state and, in the sixth field, the session.
pub(super) fn entity_data_1(state: &State, chat: &Chat) -> String {
    let named = |session: &&Session| session.is_open() || state.settings.closed_session_named;
    let session = chat.sessions.last().and_then(|id| state.sessions.get(id)).filter(named);
    let (id, began) = session.map_or((0, 0), |session| (session.id, session.created_ms / 1000));
    match &chat.crm {
        Some((kind, number)) => format!("Y|{kind}|{number}|N|N|{id}|{began}|0|0|0"),
        None => format!("N|NONE|0|N|N|{id}|{began}|0|0|0"),
    }
}

/// `entity_data_3`: whether operators write among themselves.
pub(super) fn entity_data_3(chat: &Chat) -> &'static str {
    if chat.silent { "Y" } else { "N" }
}

/// `entity_data_2`: what the chat is linked with in the CRM.
pub(super) fn entity_data_2(chat: &Chat) -> String {
    let number = |wanted: &str| match &chat.crm {
        Some((kind, number)) if kind == wanted => *number,
        _ => 0,
    };
    format!("LEAD|{}|COMPANY|0|CONTACT|0|DEAL|{}", number("LEAD"), number("DEAL"))
}

/// The operators who are members of a chat.
pub(super) fn managers(state: &State, chat: &Chat) -> Vec<i64> {
    let is_staff = |id: &&i64| state.users.get(id).is_some_and(User::is_staff);
    chat.members.iter().filter(is_staff).copied().collect()
}

/// A message in events.
pub(super) fn message(chat: i64, message: &Message) -> Value {
    let mut params = Map::new();
    if !message.files.is_empty() {
        params.insert("fileId".to_owned(), json!(message.files));
    }
    if let Some(keyboard) = &message.keyboard {
        params.insert("keyboard".to_owned(), keyboard.clone());
    }
    json!({
        "id": message.id,
        "chatId": chat,
        "authorId": message.author,
        "date": date(message.at_ms),
        "text": message.text,
        "isSystem": message.system,
        "uuid": "",
        "forward": null,
        "params": params,
        "viewedByOthers": false,
    })
}

/// A file of a chat.
pub(super) fn file(state: &State, file: &File) -> Value {
    let extension = Path::new(&file.name).extension().map(|end| end.to_string_lossy().to_lowercase());
    let sort = match extension.as_deref() {
        Some("jpg" | "jpeg" | "png" | "gif" | "webp" | "bmp") => "image",
        Some("mp4" | "mov" | "webm") => "video",
        Some("mp3" | "ogg" | "wav" | "m4a") => "audio",
        _ => "file",
    };
    json!({
        "id": file.id,
        "chatId": file.chat,
        "date": date(file.at_ms),
        "type": sort,
        "name": file.name,
        "extension": extension.unwrap_or_default(),
        "size": file.content.len(),
        "image": false,
        "authorId": file.author,
        "authorName": state.name_of(file.author),
        "isTranscribable": false,
        "isVideoNote": false,
        "isVoiceNote": false,
    })
}

/// A slash command.
pub(super) fn command(state: &State, command: &Command) -> Value {
    let language = &state.settings.language;
    let text = |texts: &Value| texts.get(language).or_else(|| texts.get("en")).cloned().unwrap_or(json!(""));
    json!({
        "id": command.id,
        "botId": command.bot,
        "command": format!("/{}", command.name),
        "common": command.common,
        "hidden": command.hidden,
        "extranetSupport": command.extranet,
        "title": text(&command.title),
        "params": text(&command.params),
    })
}

/// Who has a chat, in one word.
pub(super) fn holder(holder: Holder) -> &'static str {
    match holder {
        Holder::Bot(_) => "bot",
        Holder::Queue => "queue",
        Holder::Operator(_) => "live_agent",
        Holder::Closed => "closed",
    }
}
