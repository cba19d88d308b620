//! What customers do: write, press buttons, read.

use std::sync::Arc;

use axum::extract::{Path, State as Shared};
use serde::Deserialize;
use serde_json::json;

use super::super::model::Command;
use super::super::state::{Draft, State};
use super::super::{Portal, events, inspect};
use super::{Answered, FileContent};
use crate::control::{Json, Refused};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Said {
    person: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    file: Option<FileContent>,
}

/// The customer writes in the live chat.
pub(super) async fn person_message(Shared(portal): Shared<Arc<Portal>>, Json(said): Json<Said>) -> Answered {
    if said.person.is_empty() || said.person.contains(['/', '|']) {
        return Err(Refused::because("A person's name is not empty and has no slash or bar."));
    }
    let file = said.file.map(FileContent::read).transpose()?;
    if said.text.is_empty() && file.is_none() {
        return Err(Refused::because("A message has a text or a file."));
    }
    let written = portal.act(|state| state.customer_writes(&said.person, &said.text, file));
    Ok(Json(json!({ "chat_id": written.chat, "session_id": written.session, "message_id": written.message })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pressed {
    person: String,
    command: String,
    #[serde(default)]
    params: String,
}

/// The customer presses a button with a command: the bot gets the command and the message it makes.
pub(super) async fn person_press(
    Shared(portal): Shared<Arc<Portal>>,
    Json(pressed): Json<Pressed>,
) -> Answered {
    let message = portal.act(|state| press(state, &pressed))?;
    Ok(Json(json!({ "message_id": message })))
}

fn press(state: &mut State, pressed: &Pressed) -> Result<i64, Refused> {
    let chat = chat_of_person(state, &pressed.person)?;
    let members = state.chats.get(&chat).map(|chat| chat.members.clone()).unwrap_or_default();
    let name = pressed.command.trim_start_matches('/');
    let usable =
        |command: &&Command| command.name == name && command.extranet && members.contains(&command.bot);
    let command = state.commands.values().find(usable).cloned();
    let command = command.ok_or_else(|| {
        Refused::because(format!("No bot in the chat has a command {name} that customers may use."))
    })?;
    let customer = state.chats.get(&chat).map_or(0, |chat| chat.customer);
    let text = format!("/{name} {}", pressed.params).trim_end().to_owned();
    let id = state.add_message(chat, Draft { hidden_from_bots: true, ..Draft::says(customer, &text) });
    let message = state.chats.get(&chat).and_then(|chat| chat.messages.last().cloned());
    if let Some(message) = message {
        events::command_added(state, command.bot, chat, &message, &command, &pressed.params, "keyboard");
    }
    Ok(id)
}

/// What the customer sees.
pub(super) async fn person_messages(
    Shared(portal): Shared<Arc<Portal>>,
    Path(name): Path<String>,
) -> Answered {
    portal.read(|state| {
        let chat = chat_of_person(state, &name)?;
        Ok(Json(json!({ "messages": inspect::seen_by_customer(state, chat) })))
    })
}

fn chat_of_person(state: &State, person: &str) -> Result<i64, Refused> {
    let found = state.chats.values().find(|chat| chat.person == person).map(|chat| chat.id);
    found.ok_or_else(|| Refused::because(format!("{person} has not written yet.")))
}
