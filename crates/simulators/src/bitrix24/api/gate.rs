//! Who may call which method: credentials, scopes, rate limit.

use axum::http::StatusCode;
use subtle::ConstantTimeEq;

use super::super::bucket::Rate;
use super::super::state::State;
use super::super::tokens::Worth;
use super::answer::{Error, Outcome, error, forbidden};
use super::methods;
use super::params::Params;

/// What a request shows to be let in.
pub(super) enum Credentials {
    /// The path of an inbound webhook.
    Webhook { user: String, secret: String },
    /// An access token in the parameter `auth`.
    Token,
}

/// Who is calling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) user: i64,
    /// Through an inbound webhook rather than an application.
    pub(super) by_webhook: bool,
}

/// Lets a call in, or not, and runs it.
pub(super) fn call(state: &mut State, credentials: Credentials, method: &str, mut params: Params) -> Outcome {
    let caller = identify(state, credentials, &mut params)?;
    if state.settings.rate_limit && !state.bucket.pour(Rate::of(&state.settings), state.now_ms) {
        return Err(error(StatusCode::SERVICE_UNAVAILABLE, "QUERY_LIMIT_EXCEEDED", "Too many requests"));
    }
    run(state, caller, method, params)
}

/// Runs a method for a caller who was let in.
pub(super) fn run(state: &mut State, caller: Caller, method: &str, params: Params) -> Outcome {
    let Some(method) = methods::find(method) else {
        return Err(error(StatusCode::NOT_FOUND, "ERROR_METHOD_NOT_FOUND", "Method not found!"));
    };
    if !method.scopes.iter().all(|any| any.split('|').any(|scope| state.settings.has_scope(scope))) {
        let text = "The request requires higher privileges than provided by the access token";
        return Err(forbidden("insufficient_scope", text));
    }
    if state.blocked.get(&method.name.to_lowercase()).is_some_and(|until| *until > state.now_ms) {
        let text = "Method is blocked due to operation time limit.";
        return Err(error(StatusCode::TOO_MANY_REQUESTS, "OPERATION_TIME_LIMIT", text));
    }
    (method.run)(state, caller, params)
}

fn identify(state: &State, credentials: Credentials, params: &mut Params) -> Result<Caller, Error> {
    let nobody = |code, text| Err(error(StatusCode::UNAUTHORIZED, code, text));
    match credentials {
        Credentials::Webhook { user, secret } => {
            let known = secret.as_bytes().ct_eq(state.identity.webhook_secret.as_bytes());
            match user.parse() {
                Ok(user) if user == state.identity.webhook_user && bool::from(known) => {
                    Ok(Caller { user, by_webhook: true })
                }
                _ => nobody("NO_AUTH_FOUND", "Wrong authorization data"),
            }
        }
        Credentials::Token => {
            let token = params.take_text("auth").unwrap_or_default();
            match state.tokens.worth(&token, state.now_ms) {
                Worth::User(user) => Ok(Caller { user, by_webhook: false }),
                Worth::Expired => nobody("expired_token", "The access token provided has expired."),
                Worth::Revoked => nobody("invalid_token", "Unable to get application by token"),
                Worth::Unknown => nobody("NO_AUTH_FOUND", "Wrong authorization data"),
            }
        }
    }
}
