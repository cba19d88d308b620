//! Events of a bot of the older methods, brought into the form of today's.
//!
//! They say the same under other names, and less: a join has no session and nobody who caused it, a command does not say
//! whether a customer or a live agent gave it. What is missing there is asked for in [`complete`].

use handoff_sdk::{ConnectorError, Result};
use serde_json::{Value, json};

use crate::{answer::Failure, client::Client, wire};

/// Both names of an event.
const NAMES: [(&str, &str); 6] = [
    ("ONIMBOTMESSAGEADD", "ONIMBOTV2MESSAGEADD"),
    ("ONIMBOTMESSAGEUPDATE", "ONIMBOTV2MESSAGEUPDATE"),
    ("ONIMBOTMESSAGEDELETE", "ONIMBOTV2MESSAGEDELETE"),
    ("ONIMBOTJOINCHAT", "ONIMBOTV2JOINCHAT"),
    ("ONIMCOMMANDADD", COMMAND),
    ("ONIMBOTDELETE", "ONIMBOTV2DELETE"),
];

const COMMAND: &str = "ONIMBOTV2COMMANDADD";

/// An event in today's form. `bot_code` picks our bot where an event is for several.
pub(crate) fn as_v2(mut form: Value, bot_code: &str) -> Value {
    let name = wire::text(&form["event"]).to_ascii_uppercase();
    let Some((_, name)) = NAMES.iter().find(|(older, _)| *older == name) else { return form };
    let data = form["data"].take();
    form["event"] = json!(name);
    form["data"] = translated(&data, bot_code);
    form
}

fn translated(data: &Value, bot_code: &str) -> Value {
    let params = &data["PARAMS"];
    let (bots, commands) = (&data["BOT"], &data["COMMAND"]);
    let (key, entry) = entry(if commands.is_object() { commands } else { bots }, bot_code);
    let chat = first(params, &["CHAT_ID", "TO_CHAT_ID"]);
    let chat = chat.or_else(|| wire::text(&params["DIALOG_ID"]).strip_prefix("chat"));
    let mut whole = json!({
        "bot": {
            "id": first(entry, &["BOT_ID"]).or_else(|| first(data, &["BOT_ID"])).or(bots.is_object().then_some(key)),
            "code": first(entry, &["BOT_CODE"]).or_else(|| first(data, &["BOT_CODE"])),
        },
        "dialogId": params["DIALOG_ID"],
        "message": {
            "id": first(params, &["MESSAGE_ID"]).or_else(|| first(entry, &["MESSAGE_ID"])),
            "chatId": chat,
            "authorId": first(params, &["AUTHOR_ID", "FROM_USER_ID"]),
            "text": params["MESSAGE"],
            "isSystem": params["SYSTEM"],
            "files": files(&params["FILES"]),
        },
        "chat": {
            "id": chat,
            "type": if is_line(params) { "lines" } else { "" },
            "owner": params["CHAT_AUTHOR_ID"],
            "entityType": params["CHAT_ENTITY_TYPE"],
            "entityId": params["CHAT_ENTITY_ID"],
            "entityData1": params["CHAT_ENTITY_DATA_1"],
        },
        "user": user(&data["USER"]),
        "language": params["LANGUAGE"],
    });
    if commands.is_object() {
        whole["command"] = json!({
            "id": first(entry, &["COMMAND_ID"]).unwrap_or(key),
            "command": format!("/{}", wire::text(&entry["COMMAND"]).trim_start_matches('/')),
            "params": entry["COMMAND_PARAMS"],
            "context": wire::text(&entry["COMMAND_CONTEXT"]).to_ascii_lowercase(),
        });
    }
    whole
}

/// Our bot's or command's part, and the number under which it stands.
fn entry<'a>(all: &'a Value, bot_code: &str) -> (&'a str, &'a Value) {
    const NONE: (&str, &Value) = ("", &Value::Null);
    let Some(all) = all.as_object() else { return NONE };
    let ours = all.iter().find(|(_, entry)| wire::text(&entry["BOT_CODE"]) == bot_code);
    ours.or_else(|| all.iter().next()).map_or(NONE, |(key, entry)| (key.as_str(), entry))
}

/// The first of these members that is not empty.
fn first<'a>(object: &'a Value, names: &[&str]) -> Option<&'a str> {
    names.iter().map(|name| wire::text(&object[*name])).find(|text| !text.is_empty())
}

fn is_line(params: &Value) -> bool {
    ["CHAT_TYPE", "MESSAGE_TYPE"].iter().any(|name| wire::text(&params[*name]) == "L")
}

fn user(user: &Value) -> Value {
    let whole = format!("{} {}", wire::text(&user["FIRST_NAME"]), wire::text(&user["LAST_NAME"]));
    json!({
        "id": user["ID"],
        "name": first(user, &["NAME"]).unwrap_or(whole.trim()),
        "bot": user["IS_BOT"],
        "connector": user["IS_CONNECTOR"],
    })
}

/// The older methods have no way to ask for a file: its address comes with the event.
fn files(listed: &Value) -> Vec<Value> {
    let file = |file: &Value| json!({ "name": file["name"], "url": file["urlDownload"] });
    wire::items(listed).into_iter().map(file).collect()
}

/// Asks for what an event does not say: whose a command in an open channel is.
///
/// # Errors
/// When the portal cannot be asked just now.
pub(crate) async fn complete(client: &Client<'_>, form: &mut Value) -> Result<()> {
    let data = &mut form["data"];
    let is_known = !data["user"]["connector"].is_null() || wire::text(&data["chat"]["type"]) != "lines";
    let Some(chat) = wire::id(&data["chat"]["id"]).filter(|_| !is_known) else { return Ok(()) };
    if !data["command"].is_object() {
        return Ok(());
    }
    let seen = match client.read("imopenlines.dialog.get", &json!({ "CHAT_ID": chat })).await {
        Ok(seen) => seen,
        // Nobody is taken for the customer who may be a live agent.
        Err(Failure::Said { .. }) => return Ok(()),
        Err(failure) => return Err(ConnectorError::from(failure)),
    };
    let user = wire::id(&data["user"]["id"]).map(|id| id.to_string());
    let customer = wire::customer(wire::text(&seen["entity_id"]));
    data["user"]["connector"] = json!(if user.is_some() && user.as_deref() == customer { "Y" } else { "N" });
    data["chat"]["owner"] = seen["owner"].clone();
    data["chat"]["entityId"] = seen["entity_id"].clone();
    data["chat"]["entityData1"] = seen["entity_data_1"].clone();
    Ok(())
}
