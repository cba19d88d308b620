//! One person's chat over HTTP: what the API channel and the webchat have in common.
//!
//! The two differ in who may name a conversation; both arrive here with an [`Address`] that is
//! theirs to use.

mod events;
mod fault;
mod file_types;
mod files;
mod say;
mod upload;
mod view;

use axum::response::{IntoResponse, Response};
use handoff_core::runtime::ChannelKind;
use handoff_model::{ChannelId, ConversationId};

pub(crate) use events::{AckIn, Events, EventsQuery, acknowledge, events};
pub(crate) use fault::sentence;
pub use file_types::FileTypes;
pub(crate) use files::file;
pub(crate) use say::{MessageIn, StartIn, say, start};
pub(crate) use upload::{FileRules, UploadQuery, Uploaded, Uploads, file_rules, upload};
pub(crate) use view::{Line, TurnOut};

use crate::{AppState, web::Problem};

/// A conversation which the caller has proved to be theirs to use.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    /// The channel.
    pub(crate) channel: ChannelId,
    /// The channel's name for the conversation.
    pub(crate) external: String,
    /// Path under which the conversation's files are, without the last slash.
    pub(crate) files: String,
}

impl Address {
    /// The server's name for the conversation.
    pub(crate) fn conversation(&self) -> ConversationId {
        ConversationId::derive(&self.channel, &self.external)
    }
}

/// Whether a channel of this kind exists.
///
/// # Errors
/// 404 when it does not, or is of another kind.
pub(crate) fn expect_channel(
    state: &AppState,
    id: &ChannelId,
    wanted: fn(&ChannelKind) -> bool,
    kind: &str,
) -> Result<(), Problem> {
    match state.runtime.channel(id) {
        Some(channel) if wanted(&channel.kind) => Ok(()),
        _ => Err(Problem::not_found(format!(
            "There is no {kind} with the id {:?}. Channels are part of the server's configuration.",
            id.as_str()
        ))),
    }
}

/// What a handler of this module gives.
pub(crate) type Answer = Result<Response, Problem>;

fn answer(response: impl IntoResponse) -> Answer {
    Ok(response.into_response())
}
