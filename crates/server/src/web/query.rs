//! The query string, with errors in our words.

use axum::{
    extract::{FromRequestParts, Query as AxumQuery},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use super::Problem;

/// What follows the question mark.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let read = AxumQuery::try_from_uri(&parts.uri);
        let AxumQuery(value) = read.map_err(|rejection| {
            let text = rejection.body_text();
            let why = text.rsplit("query string: ").next().unwrap_or_default();
            Problem::unreadable(format!("The query string of the address is not accepted: {why}."))
        })?;
        Ok(Self(value))
    }
}
