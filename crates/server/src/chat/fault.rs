//! Errors of the runtime and the store, as problems.

use handoff_core::{runtime::TurnError, store::StoreError};

use crate::web::Problem;

/// Seconds after which to ask again when nothing can be stored.
const STORE_PAUSE: u64 = 5;
/// What a client hears of a row that is not given out.
const DAMAGED: &str = "What is kept of this is damaged on the disk, so it is not given out. \
                       Run handoff doctor on the server, and put the latest good backup back.";
/// Seconds after which to ask again what is damaged on the disk: a backup has to be put back first.
const DAMAGED_PAUSE: u64 = 300;
/// Seconds after which to ask again when a conversation is busy.
const TURN_PAUSE: u64 = 1;

impl From<TurnError> for Problem {
    fn from(error: TurnError) -> Self {
        let text = sentence(&error);
        match error {
            TurnError::UnknownChannel(_) => Self::not_found(text),
            TurnError::Empty | TurnError::BadName | TurnError::KeyReused => Self::invalid(text),
            TurnError::TooLong { .. } => Self::too_large(text),
            TurnError::Busy => Self::unavailable(text, TURN_PAUSE),
            TurnError::Unavailable => Self::unavailable(text, STORE_PAUSE),
            TurnError::Damaged => Self::unavailable(text, DAMAGED_PAUSE),
            TurnError::Broken => Self::fault(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict | StoreError::Duplicate { .. } => {
                Self::conflict("Somebody else changed it meanwhile. Read it again, then repeat the change.")
            }
            StoreError::Unavailable(_) => {
                tracing::warn!(%error, "The store is not available");
                Self::unavailable("Nothing can be read or stored just now. Ask again later.", STORE_PAUSE)
            }
            StoreError::Damaged(_) => {
                tracing::error!("{error}");
                Self::unavailable(DAMAGED, DAMAGED_PAUSE)
            }
            StoreError::NoSuchPage => Self::invalid(sentence(&error)),
            StoreError::Broken(_) => {
                tracing::error!(%error, "The store failed");
                Self::fault()
            }
        }
    }
}

/// An error's text as a sentence: a capital letter and a full stop.
pub(crate) fn sentence(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first: String = letters.next().map(|letter| letter.to_uppercase().collect()).unwrap_or_default();
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}
