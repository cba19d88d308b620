//! What every store says in the same way: pages of lists, the beginning of a message, a folder that is full.

use handoff_core::store::{Page, Result, StoreError};
use handoff_model::{ConnectionId, Message};

/// Webhook requests kept for one connection at most.
pub(crate) const MOST_PARKED: usize = 1000;

/// Where the next page of a list by time begins.
pub(crate) fn cursor(time: i64, id: &str) -> String {
    format!("{time}.{id}")
}

/// The time and id after which a page begins: those of the last row seen.
pub(crate) fn place(page: &Page) -> Result<(i64, &str)> {
    let Some(cursor) = page.after.as_deref() else {
        // Later than any row.
        return Ok((i64::MAX, ""));
    };
    let parts = cursor.split_once('.').and_then(|(time, id)| Some((time.parse().ok()?, id)));
    parts.ok_or(StoreError::NoSuchPage)
}

/// As much of a message as a list shows.
pub(crate) fn beginning(message: &Message) -> String {
    const LETTERS: usize = 120;
    let text = message.content.text.trim();
    if text.is_empty() {
        return message.content.attachments.first().map_or_else(String::new, |file| file.name.clone());
    }
    text.chars().take(LETTERS).collect()
}

/// No more requests of this connection are kept.
pub(crate) fn too_many_parked(connection: &ConnectionId) -> StoreError {
    StoreError::Unavailable(format!("{MOST_PARKED} requests of {connection} wait to be read already"))
}
