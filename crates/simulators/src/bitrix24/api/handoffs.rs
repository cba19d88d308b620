//! `imopenlines.bot.session.*`: a bot gives its chat away, ends it, or lets the line speak.

use super::super::handoff::Stays;
use super::super::model::Bot;
use super::super::state::{Draft, State};
use super::answer::{Error, Outcome, bad, ok};
use super::gate::Caller;
use super::params::Params;
use serde_json::json;

/// `imopenlines.bot.session.operator`.
pub(super) fn operator(state: &mut State, _: Caller, params: Params) -> Outcome {
    let chat = chat_id(&params.upper())?;
    match state.give_to_queue(chat) {
        Ok(()) => ok(json!(true)),
        Err(_) => Err(bad("WRONG_CHAT", "Operator is not a bot")),
    }
}

/// Where a transfer leads.
enum Target {
    Person(i64),
    Line(i64),
}

/// `imopenlines.bot.session.transfer`. Unlike its siblings it reads names in upper case only.
pub(super) fn transfer(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let chat = chat_id(&params)?;
    let target = target(&params)?;
    let bot = first_bot(state, caller, &params)?;
    let moved = match target {
        Target::Person(person) => state.transfer_to_person(chat, bot.id, person, params.flag("LEAVE", false)),
        Target::Line(line) => state.transfer_to_line(chat, line),
    };
    match moved {
        Ok(()) => ok(json!(true)),
        Err(Stays::NoBot | Stays::BadTarget) => Err(bad("OPERATOR_WRONG", "Wrong operator identifier")),
    }
}

/// `imopenlines.bot.session.finish`: the bot ends the session, whoever holds it.
pub(super) fn finish(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let params = params.upper();
    let chat = chat_id(&params)?;
    first_bot(state, caller, &params)?;
    state.close(chat);
    ok(json!(true))
}

/// `imopenlines.bot.session.message.send`: an automatic text of the line, or one of the bot's choice.
pub(super) fn message_send(state: &mut State, _: Caller, params: Params) -> Outcome {
    let params = params.upper();
    let chat = chat_id(&params)?;
    let line = state.chats.get(&chat).and_then(|chat| state.lines.get(&chat.line));
    let text = match params.text("NAME").as_deref() {
        Some("WELCOME") => line.map_or(String::new(), |line| line.text("WELCOME_MESSAGE_TEXT").to_owned()),
        _ => params.text("MESSAGE").unwrap_or_default(),
    };
    if !text.is_empty() {
        state.add_message(chat, Draft::system(&text, true));
    }
    ok(json!(true))
}

fn chat_id(params: &Params) -> Result<i64, Error> {
    params.id("CHAT_ID").ok_or(bad("CHAT_ID_EMPTY", "Chat identifier is not specified"))
}

/// The target by the documented priority: `USER_ID`, `QUEUE_ID`, `TRANSFER_ID`.
fn target(params: &Params) -> Result<Target, Error> {
    if params.has("USER_ID") {
        let person = params.id("USER_ID").map(Target::Person);
        return person.ok_or(bad("USER_ID_EMPTY", "User identifier is not specified"));
    }
    if params.has("QUEUE_ID") {
        let line = params.id("QUEUE_ID").map(Target::Line);
        return line.ok_or(bad("QUEUE_ID_EMPTY", "Queue identifier is not specified"));
    }
    let named = params.text("TRANSFER_ID").and_then(|id| match id.strip_prefix("queue") {
        Some(line) => line.parse().ok().map(Target::Line),
        None => id.parse().ok().map(Target::Person),
    });
    named.ok_or(bad("TRANSFER_ID_EMPTY", "Transfer identifier is not specified"))
}

/// The bot a call acts for: the application's first, or the one whose token is `CLIENT_ID`.
fn first_bot(state: &State, caller: Caller, params: &Params) -> Result<Bot, Error> {
    let token = params.text("CLIENT_ID");
    let is_meant = |bot: &&Bot| match caller.by_webhook {
        true => bot.token.is_some() && bot.token == token,
        false => bot.app == state.identity.client_id,
    };
    state.bots.values().find(is_meant).cloned().ok_or(bad("BOT_ID_ERROR", "Bot not found"))
}
