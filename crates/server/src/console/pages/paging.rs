//! Lists that go on on a further page.

use handoff_core::store::{Page, StoreError};
use serde::Deserialize;

use crate::console::answer::Trouble;

/// Rows on a page.
const ROWS: usize = 30;

/// Where a page begins.
#[derive(Debug, Default, Deserialize)]
pub(in crate::console) struct From {
    #[serde(default)]
    pub(super) after: Option<String>,
}

impl From {
    /// The page in the store's words, with one row more, which tells whether there is a further page.
    pub(super) fn page(&self) -> Page {
        Page { after: self.after.clone().filter(|after| !after.is_empty()), limit: ROWS + 1 }
    }

    /// Rows to show and the cursor of the next page. A cursor that the store cannot read is an address
    /// that somebody made up.
    pub(super) fn rows<T>(
        &self,
        found: Result<Vec<T>, StoreError>,
        cursor: impl Fn(&T) -> String,
    ) -> Result<(Vec<T>, Option<String>), Trouble> {
        let mut rows = match found {
            Err(StoreError::NoSuchPage) => {
                return Err(Trouble::not_found("This list has no such page."));
            }
            found => found?,
        };
        let more = rows.len() > ROWS;
        rows.truncate(ROWS);
        let next = rows.last().filter(|_| more).map(cursor);
        Ok((rows, next))
    }
}
