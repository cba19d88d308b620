//! What a visitor does: opens the chat, writes, reads, acknowledges, fetches files.

use std::collections::HashMap;

use axum::{
    body::Body,
    extract::{Path, State},
    http::HeaderMap,
};

use super::visitor::{Visitor, WebchatChannel};
use crate::{
    AppState,
    chat::{self, AckIn, Answer, EventsQuery, FileRules, MessageIn, StartIn, UploadQuery},
    web::{Json, Query},
};

/// `POST …/start`: the chat is opened, and the assistant may greet.
pub(super) async fn start(
    State(state): State<AppState>,
    Visitor(address): Visitor,
    Json(input): Json<StartIn>,
) -> Answer {
    chat::start(state, address, input, false).await
}

/// `POST …/messages`: the visitor says something; what is answered comes as events.
pub(super) async fn send(
    State(state): State<AppState>,
    Visitor(address): Visitor,
    headers: HeaderMap,
    Json(input): Json<MessageIn>,
) -> Answer {
    chat::say(state, address, &headers, input, false).await
}

/// `GET …/events`: what is to be shown, listed or streamed.
pub(super) async fn list(
    State(state): State<AppState>,
    Visitor(address): Visitor,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Answer {
    chat::events(state, address, &headers, query).await
}

/// `POST …/ack`: the browser keeps everything up to a cursor.
pub(super) async fn ack(
    State(state): State<AppState>,
    Visitor(address): Visitor,
    Json(input): Json<AckIn>,
) -> Answer {
    chat::acknowledge(state, address, input).await
}

/// `GET …/files/{blob}`: a file that was sent to the visitor.
pub(super) async fn download(
    State(state): State<AppState>,
    Visitor(address): Visitor,
    Path(names): Path<HashMap<String, String>>,
) -> Answer {
    chat::file(state, address, names.get("blob").map_or("", String::as_str)).await
}

/// `GET …/files`: what files the chat takes.
pub(super) async fn file_rules(
    State(state): State<AppState>,
    WebchatChannel(channel): WebchatChannel,
) -> Json<FileRules> {
    Json(chat::file_rules(&state, &channel))
}

/// `POST …/files`: a file of the visitor, to be named by a message.
pub(super) async fn upload(
    State(state): State<AppState>,
    Visitor(address): Visitor,
    Query(query): Query<UploadQuery>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    chat::upload(state, address, &headers, query, body).await
}
