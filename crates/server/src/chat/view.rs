//! What a chat's clients are shown.

use handoff_core::runtime::{ShownItem, Turned};
use handoff_model::{Attachment, Author, Content, Message, Source};
use serde::Serialize;

use super::{Address, files};
use crate::AppState;

/// What became of a person's message.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct TurnOut {
    /// The server's name for the conversation.
    conversation: String,
    /// Place of the person's message in the conversation.
    seq: u64,
    /// Who answers the next message: `session` (the assistant), `handoff` (nobody: a transfer is
    /// undecided), `platform`, `taken` (the platform, without being asked) or `free` (nobody yet).
    held_by: &'static str,
    /// Whether the same message, by its idempotency key, had been accepted before.
    duplicate: bool,
    /// What the assistant said to it, when that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    replies: Option<Vec<Line>>,
}

/// Something to show to the person.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Line {
    /// Its place in the conversation; the cursor to acknowledge.
    pub(crate) seq: u64,
    /// `assistant`, `notice` (a text about the handoff) or `live_agent`.
    author: String,
    /// Name of the live agent, as the platform gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Plain text with Markdown links.
    text: String,
    /// Answers to offer.
    quick_replies: Vec<String>,
    /// Files.
    attachments: Vec<Attached>,
    /// Milliseconds since 1970-01-01 00:00 UTC.
    at: i64,
}

/// A file to show.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Attached {
    /// File name, for people.
    name: String,
    /// Media type.
    media_type: String,
    /// Where to fetch it: an address, or a path on this server that asks for the same credentials.
    /// Missing when the file cannot be fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

impl TurnOut {
    /// The turn, with its replies when they are wanted.
    pub(super) fn new(turned: Turned, state: &AppState, address: &Address, with_replies: bool) -> Self {
        let replies =
            || turned.replies.into_iter().map(|message| Line::said(message, state, address)).collect();
        Self {
            conversation: turned.conversation.to_string(),
            seq: turned.seq,
            held_by: turned.held_by,
            duplicate: turned.duplicate,
            replies: with_replies.then(replies),
        }
    }
}

impl Line {
    fn said(message: Message, state: &AppState, address: &Address) -> Self {
        let author = match message.author {
            Author::Person => "person",
            Author::Assistant => "assistant",
            Author::Notice => "notice",
        };
        let Message { seq, content, at, .. } = message;
        Self::shown(ShownItem { seq, author: author.to_owned(), name: None, content, at }, state, address)
    }

    /// Something that waits to be shown.
    pub(super) fn shown(item: ShownItem, state: &AppState, address: &Address) -> Self {
        let ShownItem { seq, author, name, content: Content { text, quick_replies, attachments }, at } = item;
        let attachments = attachments.into_iter().map(|file| Attached::new(file, state, address)).collect();
        Self { seq, author, name, text, quick_replies, attachments, at: at.0 }
    }
}

impl Attached {
    fn new(file: Attachment, state: &AppState, address: &Address) -> Self {
        let url = match file.source {
            Source::Url(url) => Some(url),
            Source::Blob(name) => Some(files::path(state, address, &name)),
            Source::Platform(_) => None,
        };
        Self { name: file.name, media_type: file.media_type, url }
    }
}
