//! What operators do: answer, write, finish, come and go.

use std::sync::Arc;

use axum::extract::State as Shared;
use serde::{Deserialize, Deserializer};
use serde_json::json;

use super::super::Portal;
use super::super::model::{Kind, User};
use super::{Answered, FileContent};
use crate::control::{Json, Refused};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Operator {
    chat_id: i64,
    operator: i64,
}

/// The operator presses Answer.
pub(super) async fn operator_accept(
    Shared(portal): Shared<Arc<Portal>>,
    Json(who): Json<Operator>,
) -> Answered {
    portal.act(|state| state.accept(who.chat_id, who.operator)).map_err(Refused::because)?;
    Ok(Json(json!({ "owner": who.operator })))
}

/// The operator takes the chat over, also from the bot.
pub(super) async fn operator_intercept(
    Shared(portal): Shared<Arc<Portal>>,
    Json(who): Json<Operator>,
) -> Answered {
    portal.act(|state| state.intercept(who.chat_id, who.operator)).map_err(Refused::because)?;
    Ok(Json(json!({ "owner": who.operator })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reply {
    chat_id: i64,
    operator: i64,
    text: String,
}

/// The operator writes to the customer.
pub(super) async fn operator_reply(
    Shared(portal): Shared<Arc<Portal>>,
    Json(reply): Json<Reply>,
) -> Answered {
    let written = portal.act(|state| state.operator_writes(reply.chat_id, reply.operator, &reply.text, None));
    Ok(Json(json!({ "message_id": written.map_err(Refused::because)? })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Silent {
    chat_id: i64,
    on: bool,
}

/// Operators write among themselves from now on, or to the customer again.
pub(super) async fn operator_silent(
    Shared(portal): Shared<Arc<Portal>>,
    Json(silent): Json<Silent>,
) -> Answered {
    let known = portal.act(|state| {
        let chat = state.chats.get_mut(&silent.chat_id)?;
        chat.silent = silent.on;
        Some(())
    });
    known.ok_or_else(|| Refused::because(format!("There is no chat {}.", silent.chat_id)))?;
    Ok(Json(json!({ "silent": silent.on })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attached {
    chat_id: i64,
    operator: i64,
    file: FileContent,
    #[serde(default)]
    text: String,
}

/// The operator sends a file.
pub(super) async fn operator_attach(
    Shared(portal): Shared<Arc<Portal>>,
    Json(attached): Json<Attached>,
) -> Answered {
    let file = attached.file.read()?;
    let (chat, operator) = (attached.chat_id, attached.operator);
    let written = portal.act(|state| state.operator_writes(chat, operator, &attached.text, Some(file)));
    Ok(Json(json!({ "message_id": written.map_err(Refused::because)? })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Changed {
    message_id: i64,
    #[serde(default)]
    text: String,
}

/// Changes what an operator wrote.
pub(super) async fn operator_edit(
    Shared(portal): Shared<Arc<Portal>>,
    Json(changed): Json<Changed>,
) -> Answered {
    let done = portal.act(|state| state.operator_edits(changed.message_id, &changed.text));
    done.map_err(Refused::because)?;
    Ok(Json(json!({ "changed": changed.message_id })))
}

/// Deletes what an operator wrote.
pub(super) async fn operator_delete(
    Shared(portal): Shared<Arc<Portal>>,
    Json(changed): Json<Changed>,
) -> Answered {
    portal.act(|state| state.operator_deletes(changed.message_id)).map_err(Refused::because)?;
    Ok(Json(json!({ "deleted": changed.message_id })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Close {
    chat_id: i64,
}

/// The session is finished.
pub(super) async fn operator_close(
    Shared(portal): Shared<Arc<Portal>>,
    Json(close): Json<Close>,
) -> Answered {
    if !portal.act(|state| state.close(close.chat_id)) {
        return Err(Refused::because(format!("Chat {} has no open session.", close.chat_id)));
    }
    Ok(Json(json!({ "closed": true })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Habit {
    operator: i64,
    #[serde(default)]
    online: Option<bool>,
    /// Absent leaves it as it is, `null` means never.
    #[serde(default, deserialize_with = "present")]
    accepts_after: Option<Option<f64>>,
    #[serde(default)]
    name: Option<String>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<f64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Changes an operator, or adds one.
pub(super) async fn operator_set(Shared(portal): Shared<Arc<Portal>>, Json(habit): Json<Habit>) -> Answered {
    let user = portal.act(|state| {
        let id = habit.operator;
        if !state.users.contains_key(&id) {
            state.add_staff(id, &format!("Operator {id}"), "", Kind::Employee);
        }
        let user = state.users.get_mut(&id).filter(|user| user.is_staff())?;
        user.online = habit.online.unwrap_or(user.online);
        user.accepts_after = habit.accepts_after.unwrap_or(user.accepts_after);
        if let Some(name) = habit.name {
            let (first, last) = name.split_once(' ').unwrap_or((&name, ""));
            (user.first_name, user.last_name) = (first.to_owned(), last.to_owned());
        }
        let changed = user.clone();
        state.operator_changed(id);
        Some(changed)
    });
    let user: User =
        user.ok_or_else(|| Refused::because(format!("User {} is no operator.", habit.operator)))?;
    Ok(Json(json!(user)))
}
