//! Files that the person sends: uploaded first, and named by a message afterwards.
//!
//! The name that an upload gives carries what is needed to find the file, encrypted together with the conversation: in
//! another conversation it names nothing.

use std::{collections::VecDeque, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode, header},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use futures::{StreamExt, stream};
use handoff_model::{Attachment, ChannelId, Source, Timestamp};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{Address, Answer, answer, files::path, say::MOST_FILES};
use crate::{
    AppState, FileTypes,
    web::{Incoming, Json, LONGEST_FIELD, Problem},
};

/// Bytes of one file.
const LARGEST: usize = 50 * 1024 * 1024;
/// What a file is when nobody says.
const UNKNOWN: &str = "application/octet-stream";

/// Files that are taken in at the same time.
const AT_ONCE: usize = 4;
/// Files, and their bytes, that are taken in within a day, for as long as they are kept. Anybody can send files, and
/// nobody may fill the disk with them.
const FILES_A_DAY: usize = 20_000;
const BYTES_A_DAY: u64 = 4 * 1024 * 1024 * 1024;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Seconds after which a client may try again.
const SOON: u64 = 5;
const LATER: u64 = 600;

/// How much persons sent.
pub(crate) struct Uploads {
    room: Semaphore,
    taken: Mutex<Taken>,
}

/// Files of the last day.
#[derive(Default)]
struct Taken {
    files: VecDeque<(Timestamp, u64)>,
    bytes: u64,
}

impl Default for Uploads {
    fn default() -> Self {
        Self { room: Semaphore::new(AT_ONCE), taken: Mutex::default() }
    }
}

impl Uploads {
    /// Begins with a file, if there is room for it and for all others that are being sent.
    fn begin(&self, now: Timestamp) -> Result<SemaphorePermit<'_>, Problem> {
        let full = |_| {
            Problem::unavailable("Too many files are being sent just now. Send it again in a moment.", SOON)
        };
        let room = self.room.try_acquire().map_err(full)?;
        let mut taken = self.taken.lock();
        while let Some((_, bytes)) = taken.files.pop_front_if(|(at, _)| now.since(*at) >= DAY) {
            taken.bytes -= bytes;
        }
        let under_way = (AT_ONCE * LARGEST) as u64;
        if taken.files.len() + AT_ONCE > FILES_A_DAY || taken.bytes + under_way > BYTES_A_DAY {
            return Err(Problem::unavailable(
                "The server keeps no more files for now. Send it later, or say it in words.",
                LATER,
            ));
        }
        Ok(room)
    }

    /// Counts a file that is kept.
    fn count(&self, now: Timestamp, bytes: u64) {
        let mut taken = self.taken.lock();
        taken.files.push_back((now, bytes));
        taken.bytes += bytes;
    }
}

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
    /// Where the person can fetch it again while it is kept: a path on this server that asks for the same credentials.
    url: String,
}

/// What files a chat takes.
#[derive(Debug, Serialize)]
pub(crate) struct FileRules {
    /// Media types, such as `image/*`; none: the chat takes no files.
    types: Vec<String>,
    /// Bytes of one file.
    largest: usize,
    /// Files of one message.
    most: usize,
}

/// What files the chats of a channel take.
pub(crate) fn file_rules(state: &AppState, channel: &ChannelId) -> FileRules {
    let types = state.options.file_types(channel).listed();
    FileRules { types, largest: LARGEST, most: MOST_FILES }
}

#[derive(Serialize, Deserialize)]
struct Kept {
    conversation: String,
    attachment: Attachment,
}

/// A file that is being sent.
struct Sending {
    incoming: Incoming,
    size: u64,
    problem: Option<Problem>,
}

impl Sending {
    async fn next(&mut self) -> Option<Result<Bytes, String>> {
        let problem = match self.incoming.next().await {
            Ok(Some(piece)) => {
                self.size += piece.len() as u64;
                return Some(Ok(piece));
            }
            Ok(None) if self.size > 0 => return None,
            Ok(None) => Problem::invalid("The file is empty. Send its bytes as the body."),
            Err(problem) => problem,
        };
        self.problem = Some(problem);
        Some(Err("the upload was refused".to_owned()))
    }
}

/// Keeps a file of the person for a day. Its bytes are written as they come.
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
    expect_type(state.options.file_types(&address.channel), &media_type)?;
    let _room = state.uploads.begin(state.runtime.clock().now())?;
    let incoming = Incoming::of(headers, body, LARGEST).await?;
    let mut sending = Sending { incoming, size: 0, problem: None };
    let pieces = stream::unfold(&mut sending, async |sending| Some((sending.next().await?, sending)));
    let Some(blob) = state.runtime.keep_blob(media_type.clone(), pieces.boxed()).await? else {
        return Err(sending.problem.unwrap_or_else(Problem::fault));
    };
    state.uploads.count(state.runtime.clock().now(), sending.size);
    let url = path(&state, &address, &blob);
    let attachment = Attachment { name, media_type, source: Source::Blob(blob) };
    let kept = Kept { conversation: address.conversation().to_string(), attachment };
    let plain = serde_json::to_vec(&kept).map_err(|_| Problem::fault())?;
    let file = BASE64_URL_SAFE_NO_PAD.encode(state.seal.seal(&plain));
    answer((StatusCode::CREATED, Json::<_>(Uploaded { file, url })))
}

/// Whether the channel takes files of this type. Nothing but the sender says what a file is.
fn expect_type(types: &FileTypes, media_type: &str) -> Result<(), Problem> {
    if types.holds(media_type) {
        return Ok(());
    }
    let listed = types.listed();
    let words = match listed.is_empty() {
        true => "This chat takes no files. Say it in words.".to_owned(),
        false => {
            format!("This chat takes {} only. Send another file, or say it in words.", listed.join(", "))
        }
    };
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, words))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_files_are_taken_in_at_once_and_within_a_day() {
        let (uploads, now) = (Uploads::default(), Timestamp(0));
        let held: Vec<_> = (0..AT_ONCE).map(|_| uploads.begin(now).ok()).collect();
        assert!(held.iter().all(Option::is_some) && uploads.begin(now).is_err());
        drop(held);
        assert!(uploads.begin(now).is_ok());
        uploads.count(now, BYTES_A_DAY / 2);
        assert!(uploads.begin(now.after(DAY / 2)).is_ok());
        uploads.count(now.after(DAY / 2), BYTES_A_DAY / 2);
        assert!(uploads.begin(now.after(DAY / 2)).is_err(), "the day's bytes are used up");
        assert!(uploads.begin(now.after(DAY)).is_ok(), "the first is no longer kept");
    }

    #[test]
    fn many_small_files_meet_a_limit_as_well() {
        let (uploads, now) = (Uploads::default(), Timestamp(0));
        let taken =
            (0..FILES_A_DAY).take_while(|_| uploads.begin(now).is_ok()).inspect(|_| uploads.count(now, 1));
        assert!((FILES_A_DAY - AT_ONCE..=FILES_A_DAY).contains(&taken.count()));
        assert!(uploads.begin(now).is_err());
    }
}
