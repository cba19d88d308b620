//! Files that the person sends: uploaded first, and named by a message afterwards.
//!
//! The name that an upload gives carries what is needed to find the file, encrypted together with the conversation: in
//! another conversation it names nothing.

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use handoff_model::{Attachment, Source};
use serde::{Deserialize, Serialize};

use super::{Address, Answer, answer};
use crate::{
    AppState,
    web::{Json, LONGEST_FIELD, Problem, read_body},
};

/// Bytes of one file.
const LARGEST: usize = 50 * 1024 * 1024;
/// What a file is when nobody says.
const UNKNOWN: &str = "application/octet-stream";

/// What the file is called.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct UploadQuery {
    /// Name of the file, for people.
    name: String,
}

/// A file that was uploaded.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Uploaded {
    /// What a message names it by, within a day.
    file: String,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    conversation: String,
    attachment: Attachment,
}

/// Keeps a file of the person for a day.
///
/// # Errors
/// The problem to answer with.
pub(crate) async fn upload(
    state: AppState,
    address: Address,
    headers: &HeaderMap,
    query: UploadQuery,
    body: Body,
) -> Answer {
    let name = query.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > LONGEST_FIELD || name.chars().any(char::is_control) {
        return Err(Problem::invalid(format!(
            "The file's `name` must have 1 to {LONGEST_FIELD} characters, none of them a control character."
        )));
    }
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or(UNKNOWN);
    let media_type = media_type.to_owned();
    let bytes = read_body(headers, body, LARGEST).await?;
    if bytes.is_empty() {
        return Err(Problem::invalid("The file is empty. Send its bytes as the body."));
    }
    let blob = state.runtime.keep_blob(media_type.clone(), bytes.to_vec()).await?;
    let attachment = Attachment { name, media_type, source: Source::Blob(blob) };
    let kept = Kept { conversation: address.conversation().to_string(), attachment };
    let plain = serde_json::to_vec(&kept).map_err(|_| Problem::fault())?;
    let file = BASE64_URL_SAFE_NO_PAD.encode(state.seal.seal(&plain));
    answer((StatusCode::CREATED, Json::<_>(Uploaded { file })))
}

/// A file that was uploaded in this conversation.
pub(super) fn uploaded(state: &AppState, address: &Address, file: &str) -> Result<Attachment, Problem> {
    let open = || {
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(file).ok()?;
        let kept: Kept = serde_json::from_slice(&state.seal.unseal(&sealed).ok()?).ok()?;
        (kept.conversation == address.conversation().as_str()).then_some(kept.attachment)
    };
    open().ok_or_else(|| {
        Problem::invalid("A name in `files` names no file of this conversation. Upload the file again and send its new name.")
    })
}
