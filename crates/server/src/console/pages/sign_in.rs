//! `/console/sign-in` and `/console/sign-out`.

use askama::Template;
use axum::{
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use secrecy::SecretString;
use serde::Deserialize;

use crate::console::{
    ConsoleState,
    access::{self, Caller, Posted, SignedIn, Unsigned},
    answer::{self, Trouble},
    assets,
    fields::Fields,
};

/// Characters of a name or a password that are looked at.
const LONGEST: usize = 200;

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize)]
pub(in crate::console) struct Wanted {
    #[serde(default)]
    next: String,
    #[serde(default)]
    bye: String,
}

#[derive(Template)]
#[template(path = "console/sign_in.html")]
struct SignInPage<'a> {
    style: &'a str,
    csrf: &'a str,
    next: &'a str,
    name: &'a str,
    refusal: Option<&'a str>,
    bye: bool,
}

/// The form; whoever is signed in already goes on.
pub(in crate::console) async fn show(
    State(state): State<ConsoleState>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    if SignedIn::find(&headers, &state).await?.is_some() {
        return Ok(answer::go(within(&wanted.next)));
    }
    let (csrf, cookie) = Unsigned::token(&headers, &state)?;
    let page = SignInPage {
        style: assets::style_address(),
        csrf: &csrf,
        next: within(&wanted.next),
        name: "",
        refusal: None,
        bye: !wanted.bye.is_empty(),
    };
    Ok(([(header::SET_COOKIE, cookie)], answer::page(&page)).into_response())
}

/// Checks name and password.
pub(in crate::console) async fn sign_in(
    State(state): State<ConsoleState>,
    caller: Caller,
    form: Unsigned,
) -> Result<Response, Trouble> {
    let Unsigned { fields, headers } = form;
    let name: String = fields.get("name").trim().chars().take(LONGEST).collect();
    let password: String = fields.get("password").chars().take(LONGEST).collect();
    match check(&state, &caller, &name, password.into()).await? {
        Checked::Right => access::begin(&state, &headers, name, answer::go(within(fields.get("next")))).await,
        Checked::Wrong => {
            let words = "This name and password do not belong together. Check both and try again.";
            Ok(again(StatusCode::UNAUTHORIZED, &fields, words))
        }
        Checked::Refused(minutes) => Ok(refused(&fields, minutes)),
    }
}

/// Ends the session.
pub(in crate::console) async fn sign_out(
    State(state): State<ConsoleState>,
    posted: Posted,
) -> Result<Response, Trouble> {
    access::end(&state, &posted.who, answer::go("/console/sign-in?bye=1")).await
}

enum Checked {
    Right,
    Wrong,
    Refused(u64),
}

async fn check(
    state: &ConsoleState,
    caller: &Caller,
    name: &str,
    password: SecretString,
) -> Result<Checked, Trouble> {
    let gate = &state.gate;
    let _turn = gate.checks.acquire().await.map_err(|_| Trouble::fault())?;
    let now = state.runtime.clock().now();
    if let Some(minutes) = gate.refuses(name, caller, now) {
        return Ok(Checked::Refused(minutes));
    }
    let store = state.runtime.store();
    let user = store.user(name).await?;
    if access::matches(password, user.map(|user| user.password_hash)).await {
        return Ok(Checked::Right);
    }
    gate.count(store.as_ref(), name, caller, now).await?;
    tracing::warn!("A sign-in to the console was refused");
    Ok(Checked::Wrong)
}

fn refused(fields: &Fields, minutes: u64) -> Response {
    let words = format!("Too many wrong passwords. Wait {minutes} minutes, then try again.");
    let mut response = again(StatusCode::TOO_MANY_REQUESTS, fields, &words);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(minutes.saturating_mul(60)));
    response
}

fn again(status: StatusCode, fields: &Fields, refusal: &str) -> Response {
    let page = SignInPage {
        style: assets::style_address(),
        csrf: fields.get("csrf"),
        next: within(fields.get("next")),
        name: fields.get("name"),
        refusal: Some(refusal),
        bye: false,
    };
    answer::page_with(status, &page)
}

/// The address to go on at, if it is one of the console's pages.
fn within(next: &str) -> &str {
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let ours = next.starts_with("/console/") && !next.starts_with("/console/sign-") && !next.contains("//");
    if plain && ours { next } else { "/console/inbox" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::link;

    #[test]
    fn only_the_consoles_own_pages_can_be_gone_on_to() {
        assert_eq!(within("/console/handoffs?state=failed"), "/console/handoffs?state=failed");
        for elsewhere in [
            "",
            "https://evil.example",
            "//evil.example",
            "/console//evil.example",
            "/v1",
            "/console/\\x",
            "/console/sign-out",
        ] {
            assert_eq!(within(elsewhere), "/console/inbox", "{elsewhere}");
        }
        assert_eq!(within(&link::thread("c1")), "/console/inbox/c1");
    }
}
