//! `imconnector.*`: channels of an application's own. Only applications may call these.

use serde_json::{Map, Value, json};

use super::super::connectors::{Connector, Incoming, Outside};
use super::super::model::Message;
use super::super::state::State;
use super::answer::{Error, Outcome, bad, forbidden, ok};
use super::gate::Caller;
use super::params::{Params, as_int, as_text};

/// Longest first or last name.
const LONGEST_NAME: usize = 25;

/// `imconnector.register`. Logical errors come with status 200.
pub(super) fn register(state: &mut State, caller: Caller, params: Params) -> Outcome {
    application_only(caller)?;
    let params = params.upper();
    let refused = |code: &str| {
        ok(
            json!({ "result": false, "error": code, "error_description": "The connector was not registered." }),
        )
    };
    let Some(id) = params.text("ID").map(|id| id.to_lowercase()) else {
        return refused("CONNECTOR_ID_REQUIRED");
    };
    if !id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
        return refused("GENERAL_CONNECTOR_REGISTRATION_ERROR");
    }
    let Some(name) = params.text("NAME") else { return refused("NAME_REQUIRED") };
    if params.nested("ICON").text("DATA_IMAGE").is_none() {
        return refused("ICON_REQUIRED");
    }
    let Some(placement) = params.text("PLACEMENT_HANDLER") else { return refused("NO_PLACEMENT_HANDLER") };
    let lines = state.connectors.get(&id).map(|known| known.lines.clone()).unwrap_or_default();
    let connector = Connector {
        id: id.clone(),
        name,
        placement,
        signature: params.flag("NEED_SIGNATURE", true),
        system: params.flag("NEED_SYSTEM_MESSAGES", true),
        group: params.flag("CHAT_GROUP", false),
        lines,
    };
    state.connectors.insert(id, connector);
    ok(json!({ "result": true }))
}

/// `imconnector.unregister`.
pub(super) fn unregister(state: &mut State, caller: Caller, params: Params) -> Outcome {
    application_only(caller)?;
    let known = params.upper().text("ID").and_then(|id| state.connectors.remove(&id.to_lowercase()));
    ok(match known {
        Some(_) => json!({ "result": true }),
        None => {
            json!({ "result": false, "error": "APPLICATION_UNREGISTRATION_ERROR", "error_description": "" })
        }
    })
}

/// `imconnector.activate`: any word but 0 and nothing switches it on.
pub(super) fn activate(state: &mut State, caller: Caller, params: Params) -> Outcome {
    application_only(caller)?;
    let params = params.upper();
    let (id, line) = place(&params)?;
    let active = params.get("ACTIVE").and_then(as_text).ok_or(argument("ACTIVE"))?;
    let Some(connector) = state.connectors.get_mut(&id) else {
        return Err(bad("IMCONNECTOR_NO_CORRECT_PROVIDER", "Could not find a suitable provider"));
    };
    match matches!(active.as_str(), "" | "0") {
        true => drop(connector.lines.remove(&line)),
        false => drop(connector.lines.entry(line).or_insert(Value::Null)),
    }
    ok(json!(true))
}

/// `imconnector.connector.data.set`.
pub(super) fn data_set(state: &mut State, caller: Caller, params: Params) -> Outcome {
    application_only(caller)?;
    let params = params.upper();
    let (id, line) = place(&params)?;
    let data = params.get("DATA").cloned().ok_or(argument("DATA"))?;
    if let Some(known) = state.connectors.get_mut(&id).and_then(|known| known.lines.get_mut(&line)) {
        *known = data;
    }
    ok(json!(true))
}

/// `imconnector.status`.
pub(super) fn status(state: &mut State, caller: Caller, params: Params) -> Outcome {
    application_only(caller)?;
    let params = params.upper();
    let id = params.text("CONNECTOR").ok_or(argument("CONNECTOR"))?;
    let line = params.int("LINE").unwrap_or(0);
    let on = state.connector_on(&id, line).is_ok();
    ok(json!({ "LINE": line, "CONNECTOR": id, "ERROR": false, "CONFIGURED": on, "STATUS": on }))
}

/// `imconnector.list`.
pub(super) fn list(state: &mut State, caller: Caller, _: Params) -> Outcome {
    application_only(caller)?;
    let mut all = Map::from_iter([("livechat".to_owned(), json!("Live Chat"))]);
    all.extend(state.connectors.values().map(|known| (known.id.clone(), json!(known.name))));
    ok(Value::Object(all))
}

/// `imconnector.send.messages`: the outer success says nothing about the single message.
pub(super) fn send_messages(state: &mut State, caller: Caller, params: Params) -> Outcome {
    each(state, caller, params, &["user", "message", "chat"], |state, connector, line, element| {
        if state.refuses > 0 {
            state.refuses -= 1;
            return Err("The message could not be saved".to_owned());
        }
        let incoming = incoming(connector, line, element)?;
        let Outside { chat: outside, .. } = incoming.outside.clone();
        let (mid, text) = (incoming.mid.clone(), incoming.text.clone());
        let (chat, session, _) = state.comes_in(incoming);
        let user = state.chats.get(&chat).map_or(0, |chat| chat.customer).to_string();
        Ok(json!({
            "user": user, "message": { "id": mid, "date": {}, "text": text, "files": [] },
            "chat": { "id": outside, "name": state.chats.get(&chat).map(|chat| chat.name.clone()) },
            "extra": [], "SUCCESS": true,
            "session": { "ID": session.to_string(), "CHAT_ID": chat.to_string() },
        }))
    })
}

/// `imconnector.update.messages`.
pub(super) fn update_messages(state: &mut State, caller: Caller, params: Params) -> Outcome {
    each(state, caller, params, &["user", "message", "chat"], |state, connector, _, element| {
        let text = at(element, "/message/text").unwrap_or_default();
        let found = outside_message(state, connector, element).ok_or("There is no such message")?;
        found.text = text;
        Ok(json!({ "SUCCESS": true }))
    })
}

/// `imconnector.delete.messages`.
pub(super) fn delete_messages(state: &mut State, caller: Caller, params: Params) -> Outcome {
    each(state, caller, params, &["user", "message", "chat"], |state, connector, _, element| {
        let found = outside_message(state, connector, element).ok_or("There is no such message")?;
        found.text = String::new();
        Ok(json!({ "SUCCESS": true }))
    })
}

/// `imconnector.send.status.delivery`: only ids that are given here come back with later changes.
pub(super) fn delivered(state: &mut State, caller: Caller, params: Params) -> Outcome {
    for element in statuses(state, caller, params)? {
        let id = element.pointer("/im/message_id").and_then(as_int).unwrap_or(0);
        let outside_ids = match element.pointer("/message/id") {
            Some(Value::Array(ids)) => ids.iter().filter_map(as_text).collect(),
            Some(one) => as_text(one).into_iter().collect(),
            None => Vec::new(),
        };
        if let Some(message) = message_by_id(state, id) {
            message.delivered = true;
            message.outside_ids = outside_ids;
        }
    }
    ok(json!({ "SUCCESS": true, "DATA": [] }))
}

/// `imconnector.send.status.reading`, which has hardly any effect.
pub(super) fn read(state: &mut State, caller: Caller, params: Params) -> Outcome {
    statuses(state, caller, params)?;
    ok(json!({ "SUCCESS": true, "DATA": [] }))
}

/// `imconnector.chat.name.set`.
pub(super) fn chat_name(state: &mut State, caller: Caller, params: Params) -> Outcome {
    application_only(caller)?;
    let params = params.upper();
    let (id, line) = place(&params)?;
    on(state, &id, line)?;
    let wanted = params.text("CHAT_ID").ok_or(argument("CHAT_ID"))?;
    let name = params.text("NAME").ok_or(argument("NAME"))?;
    let is_meant = |outside: &Outside| outside.connector == id && outside.chat == wanted;
    let chat = state.chats.values_mut().find(|chat| chat.outside_of.as_ref().is_some_and(is_meant));
    chat.ok_or(bad("CHAT_RENAMING_FAILED", "The chat could not be renamed"))?.name = name;
    ok(json!({ "SUCCESS": true, "DATA": { "RESULT": [] } }))
}

/// Does something for every element of `MESSAGES`, and answers each on its own.
fn each(
    state: &mut State,
    caller: Caller,
    params: Params,
    needs: &[&str],
    act: impl Fn(&mut State, &str, i64, &Value) -> Result<Value, String>,
) -> Outcome {
    application_only(caller)?;
    let params = params.upper();
    let (id, line) = place(&params)?;
    let elements = match params.get("MESSAGES") {
        Some(Value::Array(elements)) if !elements.is_empty() => elements.clone(),
        _ => return Err(argument("MESSAGES")),
    };
    if elements.iter().any(|element| needs.iter().any(|part| !element[*part].is_object())) {
        return Err(argument("MESSAGES"));
    }
    on(state, &id, line)?;
    let answers = elements.iter().map(|element| {
        act(state, &id, line, element).unwrap_or_else(|why| {
            let mut failed = element.clone();
            failed["SUCCESS"] = json!(false);
            failed["ERRORS"] = json!([why]);
            failed
        })
    });
    let answers: Vec<Value> = answers.collect();
    ok(json!({ "SUCCESS": true, "DATA": { "RESULT": answers } }))
}

fn statuses(state: &State, caller: Caller, params: Params) -> Result<Vec<Value>, Error> {
    application_only(caller)?;
    let params = params.upper();
    let (id, line) = place(&params)?;
    on(state, &id, line)?;
    match params.get("MESSAGES") {
        Some(Value::Array(elements)) => Ok(elements.clone()),
        _ => Err(argument("MESSAGES")),
    }
}

/// An element as the portal understands it, or what is wrong with it.
fn incoming(connector: &str, line: i64, element: &Value) -> Result<Incoming, String> {
    let wanted = |pointer: &str| at(element, pointer).filter(|text| !text.is_empty());
    let (name, last_name) = (at(element, "/user/name"), at(element, "/user/last_name"));
    for name in [&name, &last_name].into_iter().flatten() {
        let fits = |c: char| c.is_alphabetic() || matches!(c, ' ' | '-' | '\'');
        if name.chars().count() > LONGEST_NAME || !name.chars().all(fits) {
            return Err("The user's name is wrong".to_owned());
        }
    }
    let files = element.pointer("/message/files").and_then(Value::as_array).into_iter().flatten();
    let files: Vec<(String, String)> =
        files.filter_map(|file| Some((at(file, "/name")?, at(file, "/url")?))).collect();
    let text = at(element, "/message/text").unwrap_or_default();
    if text.is_empty() && files.is_empty() {
        return Err("The message is empty".to_owned());
    }
    let outside = Outside {
        connector: connector.to_owned(),
        chat: wanted("/chat/id").ok_or("There is no chat")?,
        user: wanted("/user/id").ok_or("There is no user")?,
    };
    let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| "Guest".to_owned());
    let mid = wanted("/message/id").ok_or("The message has no id")?;
    Ok(Incoming { outside, line, name, mid, text, files })
}

fn outside_message<'a>(state: &'a mut State, connector: &str, element: &Value) -> Option<&'a mut Message> {
    let (chat, mid) = (at(element, "/chat/id")?, at(element, "/message/id")?);
    let is_meant = |outside: &Outside| outside.connector == connector && outside.chat == chat;
    let chat = state.chats.values_mut().find(|chat| chat.outside_of.as_ref().is_some_and(is_meant))?;
    chat.messages.iter_mut().find(|message| message.mid.as_deref() == Some(&mid))
}

fn message_by_id(state: &mut State, id: i64) -> Option<&mut Message> {
    state.chats.values_mut().flat_map(|chat| &mut chat.messages).find(|message| message.id == id)
}

fn at(element: &Value, pointer: &str) -> Option<String> {
    element.pointer(pointer).and_then(as_text)
}

fn place(params: &Params) -> Result<(String, i64), Error> {
    let id = params.text("CONNECTOR").ok_or(argument("CONNECTOR"))?;
    Ok((id, params.id("LINE").ok_or(argument("LINE"))?))
}

fn on(state: &State, connector: &str, line: i64) -> Result<(), Error> {
    state.connector_on(connector, line).map(drop).map_err(|code| bad(code, "The line is not active"))
}

fn argument(name: &'static str) -> Error {
    let text = match name {
        "CONNECTOR" => "Argument 'CONNECTOR' is null or empty",
        "LINE" => "Argument 'LINE' is null or empty",
        "MESSAGES" => "Argument 'MESSAGES' is null or empty",
        _ => "Argument is null or empty",
    };
    bad("ERROR_ARGUMENT", text)
}

fn application_only(caller: Caller) -> Result<(), Error> {
    match caller.by_webhook {
        true => Err(forbidden("WRONG_AUTH_TYPE", "Current authorization type is denied for this method")),
        false => Ok(()),
    }
}
