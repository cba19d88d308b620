//! `imbot.v2.File.*`, and the one-time address a file is fetched from.

use std::sync::Arc;

use axum::extract::{Query, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::RngExt;
use serde::Deserialize;
use serde_json::json;

use super::super::Portal;
use super::super::sessions::NewFile;
use super::super::state::{Draft, State};
use super::super::views;
use super::answer::{Outcome, bad, forbidden, ok};
use super::bots::{member_chat, own};
use super::gate::Caller;
use super::params::Params;

/// Bytes of a file, as documented.
const LARGEST: usize = 100 * 1024 * 1024;

/// `imbot.v2.File.upload`: the file becomes a message.
pub(super) fn upload(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let bot = own(state, caller, &params)?;
    let chat = member_chat(state, &bot, &params)?;
    let fields = params.nested("fields");
    let (Some(name), Some(content)) = (fields.text("name"), fields.text("content")) else {
        return Err(bad("FILE_EMPTY", "File name or content is empty"));
    };
    let Ok(content) = STANDARD.decode(content) else {
        return Err(bad("FILE_INVALID_CONTENT", "Invalid base64 content"));
    };
    if content.len() > LARGEST {
        return Err(bad("FILE_TOO_LARGE", "File too large"));
    }
    let id = state.add_file(chat, bot.id, NewFile { name, content });
    let text = fields.text("message").unwrap_or_default();
    let message = state.add_message(chat, Draft { files: vec![id], ..Draft::says(bot.id, &text) });
    let file = state.files.get(&id).map(|file| views::file(state, file));
    ok(json!({ "file": file, "messageId": message, "chatId": chat, "dialogId": format!("chat{chat}") }))
}

/// `imbot.v2.File.download`: an address that works once.
pub(super) fn download(state: &mut State, caller: Caller, params: Params) -> Outcome {
    let bot = own(state, caller, &params)?;
    let Some(file) = params.id("fileId").and_then(|id| state.files.get(&id)) else {
        return Err(bad("FILE_NOT_FOUND", "File not found"));
    };
    if !state.chats.get(&file.chat).is_some_and(|chat| chat.members.contains(&bot.id)) {
        return Err(forbidden("FILE_ACCESS_ERROR", "File access error"));
    }
    let (id, key): (i64, u128) = (file.id, state.random.random());
    let token = format!("imbot|{key:032x}");
    let address = url::form_urlencoded::byte_serialize(token.as_bytes()).collect::<String>();
    state.downloads.insert(token, id);
    ok(json!({ "downloadUrl": format!("{}/rest/download.json?token={address}", state.identity.base) }))
}

#[derive(Deserialize)]
pub(super) struct Fetch {
    token: String,
}

/// Hands out a file for its one-time token.
pub(super) async fn fetch(Shared(portal): Shared<Arc<Portal>>, Query(fetch): Query<Fetch>) -> Response {
    let file = portal.act(|state| {
        let id = state.downloads.remove(&fetch.token)?;
        state.files.get(&id).cloned()
    });
    let Some(file) = file else { return (StatusCode::FORBIDDEN, "Access denied").into_response() };
    let name: String =
        file.name.chars().filter(|c| c.is_ascii_graphic() && !['"', '\\'].contains(c)).collect();
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, file.content).into_response()
}
