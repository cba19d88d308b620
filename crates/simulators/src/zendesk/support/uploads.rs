//! Uploads: raw bytes against a token, good for an hour and one comment.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};

use super::Support;
use super::access::SupportCaller;
use super::refusal::Refusal;
use super::tickets::seconds;
use crate::zendesk::Platform;

/// The largest file, in bytes.
const LIMIT: usize = 50 * 1024 * 1024;
/// How long a token is good, in milliseconds.
const LIFE_MS: i64 = 3600 * 1000;

/// Files waiting for a comment, or already on one.
pub(in crate::zendesk) struct Upload {
    token: String,
    until_ms: i64,
    used: bool,
    files: Vec<(Value, Bytes)>,
}

pub(super) async fn create(
    State(platform): State<Platform>,
    _: SupportCaller,
    Query(query): Query<HashMap<String, String>>,
    request: Request,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let (parts, body) = request.into_parts();
    let too_large = || {
        Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            json!({ "error": "AttachmentTooLarge", "description": "The file is larger than 50 MB" }),
        )
    };
    let bytes = axum::body::to_bytes(body, LIMIT).await.map_err(|_| too_large())?;
    let name = query.get("filename").ok_or_else(|| Refusal::bad_request("filename is required"))?;
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or("application/octet-stream");
    platform.change(|world| {
        let (now, id) = (world.now_ms(), world.support.number());
        let token = match query.get("token") {
            Some(token) if world.support.has_upload(token, now) => token.clone(),
            Some(_) => return Err(Refusal::not_found()),
            None => {
                let token = world.hex(15);
                let upload =
                    Upload { token: token.clone(), until_ms: now + LIFE_MS, used: false, files: Vec::new() };
                world.support.uploads.push(upload);
                token
            }
        };
        let file = json!({
            "id": id, "file_name": name, "content_type": kind, "size": bytes.len(),
            "content_url": format!("{}/attachments/token/{token}/{id}", world.base),
        });
        let found = world.support.uploads.iter_mut().find(|upload| upload.token == token);
        let upload = found.ok_or_else(Refusal::not_found)?;
        upload.files.push((file.clone(), bytes));
        let all: Vec<&Value> = upload.files.iter().map(|(file, _)| file).collect();
        let shown = json!({
            "token": token, "expires_at": seconds(upload.until_ms), "attachment": file, "attachments": all,
        });
        Ok((StatusCode::CREATED, Json(json!({ "upload": shown }))))
    })
}

pub(super) async fn delete(
    State(platform): State<Platform>,
    _: SupportCaller,
    Path(token): Path<String>,
) -> Result<StatusCode, Refusal> {
    platform.change(|world| {
        let before = world.support.uploads.len();
        world.support.uploads.retain(|upload| upload.token != token);
        if world.support.uploads.len() < before {
            Ok(StatusCode::NO_CONTENT)
        } else {
            Err(Refusal::not_found())
        }
    })
}

pub(super) async fn download(
    State(platform): State<Platform>,
    Path((token, id)): Path<(String, u64)>,
) -> Result<Response, Refusal> {
    platform.read(|world| {
        let uploads = world.support.uploads.iter().filter(|upload| upload.token == token);
        let file = uploads.flat_map(|upload| &upload.files).find(|(file, _)| file["id"] == id);
        let (file, bytes) = file.ok_or_else(Refusal::not_found)?;
        let kind = file["content_type"].as_str().unwrap_or_default().to_owned();
        Ok(([(header::CONTENT_TYPE, kind)], bytes.clone()).into_response())
    })
}

impl Support {
    /// Whether a token can be used for a comment.
    pub(super) fn has_upload(&self, token: &str, now_ms: i64) -> bool {
        self.uploads.iter().any(|upload| upload.token == token && !upload.used && upload.until_ms > now_ms)
    }

    /// The files behind a token, which is used up by that.
    pub(super) fn use_upload(&mut self, token: &str) -> Vec<Value> {
        let upload = self.uploads.iter_mut().find(|upload| upload.token == token);
        upload.map_or_else(Vec::new, |upload| {
            upload.used = true;
            upload.files.iter().map(|(file, _)| file.clone()).collect()
        })
    }
}
