//! What bots of the first generation are told: the same under other names, and less of it.
//!
//! A join has neither a session nor anybody who caused it; a command does not say what sort of user gave it.

use serde_json::{Map, Value, json};

use super::events::{application_event, auth_block};
use super::model::Bot;
use super::state::State;

/// The number of the first event subscription.
const FIRST_SUBSCRIPTION: i64 = 1041;

/// Posts an event, given in the form of the second generation.
pub(super) fn post(state: &mut State, bot: &Bot, event: &str, data: &Value, actor: Option<i64>) {
    let own = entry(state, bot);
    let (name, data) = match event {
        "ONIMBOTV2MESSAGEADD" => (
            "ONIMBOTMESSAGEADD",
            json!({ "BOT": { bot.id.to_string(): own }, "PARAMS": message(data), "USER": user(data) }),
        ),
        "ONIMBOTV2JOINCHAT" => {
            ("ONIMBOTJOINCHAT", json!({ "BOT": { bot.id.to_string(): own }, "PARAMS": join(bot, data) }))
        }
        "ONIMBOTV2COMMANDADD" => ("ONIMCOMMANDADD", command(bot, own, data)),
        "ONIMBOTV2DELETE" => ("ONIMBOTDELETE", json!({ "BOT_ID": bot.id, "BOT_CODE": bot.code })),
        _ => return,
    };
    let auth = auth_block(state, actor.filter(|_| bot.token.is_none()));
    application_event(state, name, &bot.webhook_url, &data, &auth, FIRST_SUBSCRIPTION);
}

/// The bot's own part. Of a bot that belongs to a webhook it says only where it is.
fn entry(state: &mut State, bot: &Bot) -> Map<String, Value> {
    let by_application = bot.token.is_none();
    let auth = auth_block(state, Some(bot.id).filter(|_| by_application));
    let Value::Object(mut own) = auth else { return Map::new() };
    if !by_application {
        own.retain(|name, _| ["domain", "member_id", "application_token"].contains(&name.as_str()));
        return own;
    }
    own.insert("client_id".to_owned(), json!(bot.app));
    own.insert("AUTH".to_owned(), json!(own));
    own.insert("BOT_ID".to_owned(), json!(bot.id));
    own.insert("BOT_CODE".to_owned(), json!(bot.code));
    own
}

fn message(data: &Value) -> Value {
    let (message, chat) = (&data["message"], &data["chat"]);
    let text = &message["text"];
    json!({
        "FROM_USER_ID": message["authorId"],
        "MESSAGE": text,
        "TO_CHAT_ID": chat["id"],
        "MESSAGE_TYPE": "L",
        "SYSTEM": "N",
        "SKIP_URL_INDEX": "N",
        "SKIP_COMMAND": "N",
        "SKIP_CONNECTOR": "N",
        "IMPORTANT_CONNECTOR": "N",
        "SILENT_CONNECTOR": "N",
        "AUTHOR_ID": message["authorId"],
        "CHAT_ID": chat["id"],
        "CHAT_AUTHOR_ID": chat["owner"],
        "CHAT_ENTITY_TYPE": "LINES",
        "CHAT_ENTITY_ID": chat["entityId"],
        "CHAT_ENTITY_DATA_1": chat["entityData1"],
        "CHAT_ENTITY_DATA_2": chat["entityData2"],
        "CHAT_ENTITY_DATA_3": chat["entityData3"],
        "COMMAND_CONTEXT": "TEXTAREA",
        "MESSAGE_ORIGINAL": text,
        "TO_USER_ID": 0,
        "DIALOG_ID": chat["dialogId"],
        "MESSAGE_ID": message["id"],
        "CHAT_TYPE": "L",
        "LANGUAGE": data["language"],
    })
}

fn join(bot: &Bot, data: &Value) -> Value {
    let chat = &data["chat"];
    json!({
        "CHAT_TYPE": "L",
        "MESSAGE_TYPE": "L",
        "BOT_ID": bot.id,
        "USER_ID": 0,
        "CHAT_ID": chat["id"],
        "CHAT_AUTHOR_ID": chat["owner"],
        "CHAT_ENTITY_TYPE": "LINES",
        "CHAT_ENTITY_ID": chat["entityId"],
        "ACCESS_HISTORY": 1,
        "DIALOG_ID": chat["dialogId"],
        "LANGUAGE": data["language"],
    })
}

fn command(bot: &Bot, mut own: Map<String, Value>, data: &Value) -> Value {
    let (command, message, chat) = (&data["command"], &data["message"], &data["chat"]);
    let upper = |value: &Value| value.as_str().unwrap_or_default().to_uppercase();
    let name = command["command"].as_str().unwrap_or_default().trim_start_matches('/').to_owned();
    let about = [
        ("BOT_ID", json!(bot.id)),
        ("BOT_CODE", json!(bot.code)),
        ("COMMAND", json!(name)),
        ("COMMAND_ID", command["id"].clone()),
        ("COMMAND_PARAMS", command["params"].clone()),
        ("COMMAND_CONTEXT", json!(upper(&command["context"]))),
        ("MESSAGE_ID", message["id"].clone()),
    ];
    own.extend(about.map(|(name, value)| (name.to_owned(), value)));
    let Value::Object(mut user) = user(data) else { return Value::Null };
    user.retain(|name, _| !name.starts_with("IS_"));
    json!({
        "COMMAND": { command["id"].to_string(): own },
        "PARAMS": {
            "MESSAGE": message["text"],
            "MESSAGE_TYPE": "L",
            "FROM_USER_ID": message["authorId"],
            "DIALOG_ID": chat["dialogId"],
            "TO_CHAT_ID": chat["id"],
            "AUTHOR_ID": message["authorId"],
            "SYSTEM": "N",
            "TO_USER_ID": 0,
            "MESSAGE_ID": message["id"],
            "CHAT_TYPE": "L",
            "LANGUAGE": data["language"],
            "SILENT_CONNECTOR": "N",
            "SKIP_CONNECTOR": "N",
            "IMPORTANT_CONNECTOR": "N",
            "NO_SESSION_OL": "N",
            "SKIP_COMMAND": "N",
        },
        "USER": user,
    })
}

fn user(data: &Value) -> Value {
    let user = &data["user"];
    let flag = |name: &str| if user[name] == json!(true) { "Y" } else { "N" };
    json!({
        "ID": user["id"],
        "NAME": user["name"],
        "FIRST_NAME": user["firstName"],
        "LAST_NAME": user["lastName"],
        "GENDER": "M",
        "IS_BOT": flag("bot"),
        "IS_CONNECTOR": flag("connector"),
        "IS_NETWORK": "N",
        "IS_EXTRANET": flag("extranet"),
    })
}
