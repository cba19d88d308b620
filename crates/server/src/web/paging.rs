//! Long lists, page by page: `?limit=` rows after the `?after=` cursor of the last row seen.

use handoff_core::store::Page;
use serde::{Deserialize, Serialize};

use super::{LONGEST_FIELD, Problem};

const USUAL: usize = 50;
const MOST: usize = 200;

/// Which page a client asks for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// The `next` of the page before; none for the first page.
    pub(crate) after: Option<String>,
    /// Rows on a page: 50 unless said, at most 200.
    pub(crate) limit: Option<usize>,
}

/// One page.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Paged<T> {
    items: Vec<T>,
    next: Option<String>,
}

impl Paging {
    /// The page in the store's words; one row more than asked for, which tells whether there is a next page.
    ///
    /// # Errors
    /// 422 when it cannot be a page.
    pub(crate) fn page(self) -> Result<Page, Problem> {
        let limit = self.limit.unwrap_or(USUAL);
        if limit == 0 || limit > MOST {
            return Err(Problem::invalid(format!("`limit` must be from 1 to {MOST}.")));
        }
        if self.after.as_ref().is_some_and(|cursor| cursor.len() > LONGEST_FIELD) {
            return Err(Problem::invalid("`after` must be the `next` of the page before."));
        }
        Ok(Page { after: self.after, limit: limit + 1 })
    }
}

impl<T> Paged<T> {
    /// A page out of the rows for [`Paging::page`].
    pub(crate) fn new(mut rows: Vec<T>, asked: usize, cursor: impl Fn(&T) -> &str) -> Self {
        let more = rows.len() >= asked;
        rows.truncate(asked.saturating_sub(1));
        let next = rows.last().filter(|_| more).map(|row| cursor(row).to_owned());
        Self { items: rows, next }
    }
}
