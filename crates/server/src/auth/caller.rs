//! The key in a request's `Authorization` header.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use handoff_model::ChannelId;

use super::{ApiKey, Scope};
use crate::{AppState, web::Problem};

/// Somebody with an API key.
pub(crate) struct Caller(ApiKey);

/// Somebody whose API key has the scope `admin`.
pub(crate) struct Admin {
    /// The key's name.
    pub(crate) key: String,
}

/// What follows `Authorization: Bearer`.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl Caller {
    /// Asks whether the key may be used for a channel.
    ///
    /// # Errors
    /// A problem that says what the key lacks.
    pub(crate) fn may_use(&self, channel: &ChannelId) -> Result<(), Problem> {
        self.allows(&Scope::Channel(channel.clone()))
    }

    fn allows(&self, scope: &Scope) -> Result<(), Problem> {
        if self.0.allows(scope) {
            return Ok(());
        }
        Err(Problem::forbidden(format!(
            "The API key {:?} does not have the scope {scope}. Use a key that has it.",
            self.0.name()
        )))
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let secret = bearer(&parts.headers).ok_or_else(|| {
            Problem::unauthenticated(
                "This address needs an API key. Send it in the header `Authorization: Bearer <key>`.",
            )
        })?;
        let key = state.keys.find(secret).ok_or_else(|| {
            Problem::unauthenticated("The API key is not known here. Check that it was copied completely.")
        })?;
        Ok(Self(key.clone()))
    }
}

impl FromRequestParts<AppState> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        caller.allows(&Scope::Admin)?;
        Ok(Self { key: caller.0.name().to_owned() })
    }
}
