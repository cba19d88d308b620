//! Why a connector could not do what it was asked, and what the host does next.

use serde::{Deserialize, Serialize};

/// A verb failed. The kind decides what happens next; the detail is for people and carries no
/// content of the chat.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectorError {
    /// The platform asks to wait. Nothing was done.
    #[error("the platform asks to wait {after_ms} ms: {detail}")]
    RateLimited {
        /// How long, in milliseconds.
        after_ms: u64,
        /// What the platform said.
        detail: String,
    },
    /// The platform could not be reached, or failed before doing anything. Nothing was done.
    #[error("the platform is not available: {detail}")]
    Unavailable {
        /// What went wrong.
        detail: String,
    },
    /// The platform will not do it, now or later.
    #[error("the platform refused: {detail}")]
    Refused {
        /// What the platform said.
        detail: String,
    },
    /// The credentials are wrong, expired or lack a permission.
    #[error("the platform does not accept the credentials: {detail}")]
    Unauthorised {
        /// What the platform said.
        detail: String,
    },
    /// It may have happened: the answer was lost or unreadable.
    #[error("the platform's answer was lost: {detail}")]
    Lost {
        /// What went wrong.
        detail: String,
    },
    /// A request to us is not what it should be: a wrong secret.
    #[error("the sender could not be verified: {detail}")]
    Unverified {
        /// What was wrong.
        detail: String,
    },
    /// A request to us is not what it should be: it cannot be read.
    #[error("the request could not be read: {detail}")]
    Unreadable {
        /// What was wrong.
        detail: String,
    },
    /// The connector does not offer this.
    #[error("the connector does not offer {verb}")]
    Unsupported {
        /// The verb, or part of one.
        verb: String,
    },
    /// Another holder took the work over; this attempt must stop.
    #[error("this attempt was superseded")]
    Superseded,
}

/// What the caller does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Ask again after this many milliseconds; no attempt is counted.
    RetryAfter(u64),
    /// Ask again with back-off; nothing was done.
    Retry,
    /// Find out what was done before asking again.
    LookFirst,
    /// Do not ask again.
    GiveUp,
    /// A person must mend the credentials first.
    Reauthorise,
}

impl ConnectorError {
    /// What the caller does next.
    pub fn advice(&self) -> Advice {
        match self {
            Self::RateLimited { after_ms, .. } => Advice::RetryAfter(*after_ms),
            Self::Unavailable { .. } => Advice::Retry,
            Self::Lost { .. } | Self::Superseded => Advice::LookFirst,
            Self::Unauthorised { .. } => Advice::Reauthorise,
            Self::Refused { .. }
            | Self::Unverified { .. }
            | Self::Unreadable { .. }
            | Self::Unsupported { .. } => Advice::GiveUp,
        }
    }
}
