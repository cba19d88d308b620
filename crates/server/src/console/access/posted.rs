//! Forms that were sent: from our own pages, with their token.

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, Multipart, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
};

use super::{
    cookie, origin,
    session::{Denied, SignedIn},
    token,
};
use crate::{
    console::{ConsoleState, answer::Trouble, fields::Fields},
    web::read_body,
};

/// Bytes of a whole form: an assistant's file and what goes around it.
const LARGEST: usize = 5 * 1024 * 1024;
/// Bytes of the sign-in form.
const LARGEST_UNSIGNED: usize = 16 * 1024;
/// How long the sign-in form may stay open, in seconds.
const SIGN_IN_LASTS: u64 = 24 * 60 * 60;

/// A form that somebody signed in sent.
pub(in crate::console) struct Posted {
    pub(in crate::console) who: SignedIn,
    pub(in crate::console) fields: Fields,
}

/// The sign-in form.
pub(in crate::console) struct Unsigned {
    pub(in crate::console) fields: Fields,
    pub(in crate::console) headers: HeaderMap,
}

impl FromRequest<ConsoleState> for Posted {
    type Rejection = Denied;

    async fn from_request(request: Request, state: &ConsoleState) -> Result<Self, Denied> {
        let (mut parts, body) = request.into_parts();
        origin::check(&parts.headers, &state.public_url)?;
        let who = SignedIn::from_request_parts(&mut parts, state).await?;
        let body = whole(&parts.headers, body, LARGEST).await?;
        let fields = decode(parts, body).await?;
        check(fields.get("csrf"), &who.csrf)?;
        Ok(Self { who, fields })
    }
}

impl FromRequest<ConsoleState> for Unsigned {
    type Rejection = Trouble;

    async fn from_request(request: Request, state: &ConsoleState) -> Result<Self, Trouble> {
        let (parts, body) = request.into_parts();
        origin::check(&parts.headers, &state.public_url)?;
        let fields = Fields::decode(&whole(&parts.headers, body, LARGEST_UNSIGNED).await?);
        let known = cookie::find(&parts.headers, cookie::SIGN_IN, state.is_https()).unwrap_or_default();
        check(fields.get("csrf"), &known)?;
        Ok(Self { fields, headers: parts.headers })
    }
}

impl Unsigned {
    /// The token for a sign-in form and the cookie that goes with it; one that the browser has is kept,
    /// so that two open forms do not spoil each other.
    pub(in crate::console) fn token(
        headers: &HeaderMap,
        state: &ConsoleState,
    ) -> Result<(String, HeaderValue), Trouble> {
        let https = state.is_https();
        let known = cookie::find(headers, cookie::SIGN_IN, https).filter(|known| is_token(known));
        let token = match known {
            Some(known) => known,
            None => token::random()?,
        };
        let cookie = cookie::set(cookie::SIGN_IN, &token, SIGN_IN_LASTS, https).ok_or_else(Trouble::fault)?;
        Ok((token, cookie))
    }
}

/// Whether a cookie may have been made by us.
fn is_token(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn check(given: &str, known: &str) -> Result<(), Trouble> {
    if token::fits(given, known) {
        return Ok(());
    }
    Err(Trouble::forbidden(
        "It does not carry the token of this browser. Go back, load the page again and repeat.",
    ))
}

async fn whole(headers: &HeaderMap, body: Body, largest: usize) -> Result<Bytes, Trouble> {
    read_body(headers, body, largest).await.map_err(|problem| {
        let (status, detail) = problem.into_parts();
        Trouble::unreadable(status, detail)
    })
}

async fn decode(parts: Parts, body: Bytes) -> Result<Fields, Trouble> {
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    if !kind.starts_with("multipart/form-data") {
        return Ok(Fields::decode(&body));
    }
    let request = Request::from_parts(parts, Body::from(body));
    let mut form = Multipart::from_request(request, &()).await.map_err(unreadable)?;
    let mut fields = Vec::new();
    while let Some(part) = form.next_field().await.map_err(unreadable)? {
        let name = part.name().unwrap_or_default().to_owned();
        let bytes = part.bytes().await.map_err(unreadable)?;
        let text =
            String::from_utf8(bytes.to_vec()).map_err(|_| unreadable("A file in it is not UTF-8 text."))?;
        fields.push((name, text));
    }
    Ok(Fields::new(fields))
}

fn unreadable(detail: impl ToString) -> Trouble {
    Trouble::unreadable(StatusCode::BAD_REQUEST, detail.to_string())
}
