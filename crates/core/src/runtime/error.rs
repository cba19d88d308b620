//! Why an event was not handled, in words for whoever sent it.

use handoff_model::ChannelId;

use crate::store::StoreError;

/// Why a turn did not take place. Nothing was stored, unless it says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TurnError {
    /// No such channel.
    #[error("there is no channel {0:?}")]
    UnknownChannel(ChannelId),
    /// The message says nothing.
    #[error("the message is empty: write a text")]
    Empty,
    /// The message is too long.
    #[error(
        "the message has {found} characters; at most {allowed} are accepted. Nothing was stored: send it in parts"
    )]
    TooLong {
        /// Its length.
        found: usize,
        /// The limit.
        allowed: usize,
    },
    /// A key came again with another message.
    #[error(
        "this key was used for another message before, so this one was not stored; send it with a new key"
    )]
    KeyReused,
    /// The conversation's name is not acceptable.
    #[error("a conversation's name has 1 to 200 characters without control characters")]
    BadName,
    /// Too many events of this conversation at once.
    #[error("too many messages arrive in this conversation at once; nothing was stored, try again")]
    Busy,
    /// Nothing can be stored.
    #[error("nothing can be stored just now, so the message was not accepted; try again")]
    Unavailable,
    /// The disk changed what is kept of this conversation.
    #[error(
        "what is kept of this conversation is damaged, so nothing was stored and nothing is shown; whoever runs the \
         server has to put a backup back"
    )]
    Damaged,
    /// A fault of ours.
    #[error("the server could not handle this; it is in its log. Nothing was stored")]
    Broken,
}

impl From<StoreError> for TurnError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::Busy,
            StoreError::Unavailable(cause) => {
                tracing::error!(%cause, "The store cannot write; messages are refused until it can");
                Self::Unavailable
            }
            StoreError::Damaged(_) => {
                tracing::error!("{error}");
                Self::Damaged
            }
            StoreError::Duplicate { .. } | StoreError::NoSuchPage | StoreError::Broken(_) => {
                tracing::error!(%error, "The store failed");
                Self::Broken
            }
        }
    }
}

/// Why a webhook request was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// No such connection.
    #[error("there is no connection of this name")]
    UnknownConnection,
    /// The secret is wrong.
    #[error("the sender could not be verified")]
    Unverified,
    /// The request cannot be read.
    #[error("the request could not be read: {0}")]
    Unreadable(String),
    /// The connector takes no webhooks.
    #[error("this connection takes no webhooks")]
    NotOffered,
    /// Ask again.
    #[error("the request cannot be handled just now: send it again")]
    TryAgain,
}

impl WebhookError {
    /// The HTTP status that says so.
    pub fn status(&self) -> u16 {
        match self {
            Self::UnknownConnection | Self::NotOffered => 404,
            Self::Unverified => 403,
            Self::Unreadable(_) => 400,
            Self::TryAgain => 503,
        }
    }
}
