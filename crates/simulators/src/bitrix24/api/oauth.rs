//! The authorisation server: one refresh token for the next.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::super::Portal;
use super::super::state::State;
use super::super::views;
use super::params::Params;

/// `/oauth/token/` by query or by form.
pub(super) async fn token(Shared(portal): Shared<Arc<Portal>>, request: Request) -> Response {
    let params = match super::read(request).await {
        Ok(params) => params,
        Err(refused) => return refused,
    };
    match portal.act(|state| exchange(state, &params)) {
        Ok(pair) => Json(pair).into_response(),
        Err(code) => {
            let body = json!({ "error": code, "error_description": "The request was refused." });
            (StatusCode::BAD_REQUEST, Json(body)).into_response()
        }
    }
}

fn exchange(state: &mut State, params: &Params) -> Result<Value, &'static str> {
    let given = |name| params.text(name).unwrap_or_default();
    let same = |given: &str, known: &str| bool::from(given.as_bytes().ct_eq(known.as_bytes()));
    if !same(&given("client_id"), &state.identity.client_id)
        || !same(&given("client_secret"), &state.identity.client_secret)
    {
        return Err("invalid_client");
    }
    let now_ms = state.now_ms;
    let seconds = state.settings.access_token_seconds;
    let pair = match given("grant_type").as_str() {
        "refresh_token" => {
            let reuse = state.settings.refresh_token_reuse;
            state.tokens.refresh(&given("refresh_token"), reuse, seconds, now_ms)
        }
        "authorization_code" => {
            let user = state.tokens.redeem(&given("code"), now_ms);
            user.map(|user| state.tokens.issue(user, seconds, now_ms))
        }
        _ => return Err("invalid_request"),
    };
    let pair = pair.ok_or("invalid_grant")?;
    let mut answer = views::portal(state);
    if let (Value::Object(answer), Value::Object(token)) = (&mut answer, views::token(state, &pair)) {
        answer.extend(token);
    }
    Ok(answer)
}
