//! Attachments: uploaded for a conversation, readable with credentials only, usable nowhere else.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{DefaultBodyLimit, Multipart, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};

use super::Platform;
use super::auth::{Caller, scope_of};
use super::input::{Body, string};
use super::problem::Problem;
use super::world::{Attachment, World};

/// The largest upload, in bytes.
const UPLOAD_LIMIT: usize = 50 * 1024 * 1024;

/// The layer that lets uploads be larger than other bodies; a little room for the multipart frame.
pub(super) fn upload_limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(UPLOAD_LIMIT + 64 * 1024)
}

pub(super) async fn upload(
    State(platform): State<Platform>,
    _: Caller,
    Query(query): Query<HashMap<String, String>>,
    multipart: Multipart,
) -> Result<(StatusCode, Json<Value>), Problem> {
    if query.get("access").map(String::as_str) != Some("public") {
        return Err(Problem::bad_request("access must be public"));
    }
    let (file_name, media_type, bytes) = source_part(multipart).await?;
    platform.change(|world| {
        let conversation = query.get("conversationId").cloned();
        if let Some(id) = &conversation {
            world.conversation(id)?;
        }
        let private = world.options.private_attachments;
        let url = world.add_attachment(&file_name, &media_type, bytes, conversation, private);
        Ok((StatusCode::CREATED, Json(json!({ "attachment": { "mediaUrl": url, "mediaType": media_type } }))))
    })
}

async fn source_part(mut multipart: Multipart) -> Result<(String, String, Bytes), Problem> {
    let broken = |_| Problem::bad_request("The upload must be multipart with one part named source");
    while let Some(field) = multipart.next_field().await.map_err(broken)? {
        if field.name() == Some("source") {
            let file_name = field.file_name().unwrap_or("file").to_owned();
            let media_type = field.content_type().unwrap_or("application/octet-stream").to_owned();
            let too_large = |_| Problem::switched(413, "Request entity too large");
            let bytes = field.bytes().await.map_err(too_large)?;
            if bytes.len() > UPLOAD_LIMIT {
                return Err(Problem::switched(413, "Request entity too large"));
            }
            return Ok((file_name, media_type, bytes));
        }
    }
    Err(Problem::bad_request("source is required"))
}

pub(super) async fn remove(
    State(platform): State<Platform>,
    _: Caller,
    Body(body): Body,
) -> Result<Json<Value>, Problem> {
    let url = string(&body, "mediaUrl")?.to_owned();
    platform.change(|world| {
        let Some(key) = world.attachment_key(&url) else {
            return Err(Problem::bad_request(format!(
                "Unsupported media URL for attachment deletion: {url}"
            )));
        };
        let before = world.attachments.len();
        world.attachments.retain(|attachment| attachment.key != key);
        if world.attachments.len() == before {
            return Err(Problem::not_found("Attachment not found"));
        }
        Ok(Json(json!({})))
    })
}

/// Downloads; the address is the secret of a public attachment, credentials guard a private one.
pub(super) async fn download(
    State(platform): State<Platform>,
    Path((key, _)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    platform.read(|world| {
        let attachment = world.attachments.iter().find(|attachment| attachment.key == key);
        let attachment = attachment.ok_or_else(|| Problem::not_found("Attachment not found"))?;
        if attachment.private && scope_of(world, authorization).is_err() {
            return Err(Problem::switched(
                world.options.private_attachment_status,
                "Authorization is required",
            ));
        }
        let kind = [(header::CONTENT_TYPE, attachment.media_type.clone())];
        Ok((kind, attachment.bytes.clone()).into_response())
    })
}

impl World {
    /// Keeps a file and gives its URL.
    pub(super) fn add_attachment(
        &mut self,
        file_name: &str,
        media_type: &str,
        bytes: Bytes,
        conversation: Option<String>,
        private: bool,
    ) -> String {
        let key = self.hex(26).to_uppercase();
        let encoded: String = url::form_urlencoded::byte_serialize(file_name.as_bytes()).collect();
        let url = format!("{}/sc/attachments/v2/{key}/{}", self.base, encoded.replace('+', "%20"));
        self.attachments.push(Attachment {
            key,
            file_name: file_name.to_owned(),
            media_type: media_type.to_owned(),
            bytes,
            conversation,
            private,
        });
        url
    }

    /// Completes the media of a content; an attachment of another conversation is refused.
    pub(super) fn settle_media(&mut self, conversation: &str, content: &mut Value) -> Result<(), Problem> {
        let Some(url) = content["mediaUrl"].as_str().map(str::to_owned) else { return Ok(()) };
        let (file_name, media_type, size) = match self.attachment_key(&url) {
            Some(key) => {
                let found = self.attachments.iter().find(|attachment| attachment.key == key);
                let found = found.ok_or_else(|| Problem::bad_request("Attachment not found"))?;
                if found.conversation.as_deref().is_some_and(|owner| owner != conversation) {
                    return Err(Problem::bad_request("The attachment belongs to another conversation"));
                }
                (found.file_name.clone(), found.media_type.clone(), found.bytes.len())
            }
            None => {
                let name = url.rsplit('/').next().unwrap_or("file").to_owned();
                let image = content["type"] == "image";
                (name, if image { "image/jpeg" } else { "application/octet-stream" }.to_owned(), 0)
            }
        };
        if content["altText"].is_null() {
            content["altText"] = json!(file_name.chars().take(128).collect::<String>());
        }
        content["mediaType"] = json!(media_type);
        content["mediaSize"] = json!(size);
        Ok(())
    }

    /// The key in an attachment URL of this account.
    fn attachment_key(&self, url: &str) -> Option<String> {
        let rest = url.strip_prefix(&self.base)?.strip_prefix("/sc/attachments/v2/")?;
        rest.split('/').next().map(str::to_owned)
    }
}
