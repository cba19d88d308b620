//! Files of a conversation.
//!
//! A file's address carries its name together with the conversation's, encrypted: an address that
//! got into other hands opens nothing with another conversation's credentials.

use std::io;

use axum::{
    body::Body,
    http::{HeaderValue, header},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use futures::TryStreamExt;
use handoff_core::world::Blob;

use super::{Address, Answer, answer};
use crate::{AppState, web::Problem};

/// Between the conversation's id, in which it cannot appear, and the file's name.
const BETWEEN: char = '/';

/// The path under which the conversation's own client can fetch a kept file.
pub(super) fn path(state: &AppState, address: &Address, name: &str) -> String {
    let plain = format!("{}{BETWEEN}{name}", address.conversation());
    let sealed = BASE64_URL_SAFE_NO_PAD.encode(state.seal.seal(plain.as_bytes()));
    format!("{}/{sealed}", address.files)
}

/// A file's bytes, always to be saved and never to be shown: it comes from somebody else.
///
/// # Errors
/// 404 when the conversation has no such file.
pub(crate) async fn file(state: AppState, address: Address, sealed: &str) -> Answer {
    let found = match name(&state, &address, sealed) {
        Some(name) => state.runtime.blob(&address.channel, &address.external, &name).await?,
        None => None,
    };
    let Blob { media_type, size, pieces } = found.ok_or_else(|| {
        Problem::not_found("This conversation has no such file; files are kept for a while only.")
    })?;
    let kind = HeaderValue::from_str(&media_type)
        .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
    let save = HeaderValue::from_static("attachment");
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_DISPOSITION, save),
        (header::CONTENT_LENGTH, size.into()),
    ];
    answer((headers, Body::from_stream(pieces.map_err(io::Error::other))))
}

/// The file's name, if its address was made for this conversation.
fn name(state: &AppState, address: &Address, sealed: &str) -> Option<String> {
    let sealed = BASE64_URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let plain = String::from_utf8(state.seal.unseal(&sealed).ok()?).ok()?;
    let (conversation, name) = plain.split_once(BETWEEN)?;
    (conversation == address.conversation().as_str()).then(|| name.to_owned())
}
