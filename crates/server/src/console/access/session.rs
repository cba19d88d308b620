//! Signed-in browsers.

use std::time::Duration;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, header, request::Parts},
    response::{IntoResponse, Response},
};
use handoff_core::store::StoredSession;

use super::{cookie, token};
use crate::console::{
    ConsoleState,
    answer::{self, Trouble},
    link,
};

/// How long somebody stays signed in.
const LASTS: Duration = Duration::from_secs(12 * 60 * 60);

/// Somebody who is signed in.
pub(in crate::console) struct SignedIn {
    pub(in crate::console) user: String,
    /// What every form must repeat.
    pub(in crate::console) csrf: String,
    token_hash: String,
}

/// Signs a browser in under a new token; one that it had before is worth nothing any more.
///
/// # Errors
/// When nothing can be stored.
pub(in crate::console) async fn begin(
    state: &ConsoleState,
    headers: &HeaderMap,
    user: String,
    mut response: Response,
) -> Result<Response, Trouble> {
    forget(state, headers).await?;
    let (secret, csrf) = (token::random()?, token::random()?);
    let until = state.runtime.clock().now().after(LASTS);
    let session = StoredSession { token_hash: token::hash(&secret), user, csrf, until };
    state.runtime.store().keep_session(session).await?;
    let https = state.is_https();
    let cookies = [
        cookie::set(cookie::SESSION, &secret, LASTS.as_secs(), https),
        cookie::remove(cookie::SIGN_IN, https),
    ];
    cookies.into_iter().flatten().for_each(|value| {
        response.headers_mut().append(header::SET_COOKIE, value);
    });
    Ok(response)
}

/// Signs a browser out.
///
/// # Errors
/// When nothing can be stored.
pub(in crate::console) async fn end(
    state: &ConsoleState,
    who: &SignedIn,
    mut response: Response,
) -> Result<Response, Trouble> {
    state.runtime.store().end_session(&who.token_hash).await?;
    if let Some(value) = cookie::remove(cookie::SESSION, state.is_https()) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    Ok(response)
}

async fn forget(state: &ConsoleState, headers: &HeaderMap) -> Result<(), Trouble> {
    if let Some(old) = cookie::find(headers, cookie::SESSION, state.is_https()) {
        state.runtime.store().end_session(&token::hash(&old)).await?;
    }
    Ok(())
}

impl SignedIn {
    /// Who sent these headers, if somebody signed in did.
    pub(in crate::console) async fn find(
        headers: &HeaderMap,
        state: &ConsoleState,
    ) -> Result<Option<Self>, Trouble> {
        let Some(secret) = cookie::find(headers, cookie::SESSION, state.is_https()) else { return Ok(None) };
        let token_hash = token::hash(&secret);
        let now = state.runtime.clock().now();
        let found = state.runtime.store().console_session(&token_hash, now).await?;
        Ok(found.map(|StoredSession { user, csrf, .. }| Self { user, csrf, token_hash }))
    }
}

/// Why a request goes no further.
pub(in crate::console) enum Denied {
    /// Somebody must sign in first; this address leads there and back.
    SignIn(String),
    /// Something else.
    Trouble(Trouble),
}

impl From<Trouble> for Denied {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        match self {
            Self::SignIn(address) => answer::go(&address),
            Self::Trouble(trouble) => trouble.into_response(),
        }
    }
}

impl FromRequestParts<ConsoleState> for SignedIn {
    type Rejection = Denied;

    /// Pages send strangers to the sign-in and bring them back; forms say that nothing was saved.
    async fn from_request_parts(parts: &mut Parts, state: &ConsoleState) -> Result<Self, Denied> {
        match Self::find(&parts.headers, state).await? {
            Some(who) => Ok(who),
            None if parts.method == Method::GET || parts.method == Method::HEAD => {
                let wanted = parts.uri.path_and_query().map_or("", |wanted| wanted.as_str());
                Err(Denied::SignIn(format!("/console/sign-in?next={}", link::encode(wanted))))
            }
            None => Err(Trouble::signed_out().into()),
        }
    }
}
