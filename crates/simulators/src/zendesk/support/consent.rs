//! The page on which somebody of the account allows an OAuth client, and the way back with a code.

use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use crate::zendesk::Platform;
use crate::zendesk::page::escaped;

/// What a client asks for.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    response_type: String,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    redirect_uri: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    state: String,
}

/// The page, for a client that is known.
pub(super) async fn ask(State(platform): State<Platform>, Query(asked): Query<Asked>) -> Response {
    let options = platform.options();
    let known = asked.client_id == options.support.oauth_client_id && asked.response_type == "code";
    if !known || asked.redirect_uri.is_empty() {
        return (StatusCode::BAD_REQUEST, "Invalid Authorization Request: No such client").into_response();
    }
    let hidden = [("redirect_uri", &asked.redirect_uri), ("state", &asked.state)]
        .map(|(name, value)| format!("<input type=hidden name={name} value=\"{}\">", escaped(value)))
        .concat();
    Html(format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Zendesk (simulated): allow {client}</title>\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:30rem;margin:10vh auto;padding:0 1rem}}</style>\
         <h1>Allow {client}?</h1><p>It wants to act in your name: {scope}.</p>\
         <form action=/oauth/authorizations/allow>{hidden}<button name=answer value=allow>Allow</button> \
         <button name=answer value=deny>Deny</button></form></html>",
        client = escaped(&asked.client_id),
        scope = escaped(&asked.scope),
    ))
    .into_response()
}

/// What somebody pressed.
#[derive(Deserialize)]
pub(super) struct Pressed {
    redirect_uri: String,
    #[serde(default)]
    state: String,
    answer: String,
}

/// The way back.
pub(super) async fn allow(State(platform): State<Platform>, Query(pressed): Query<Pressed>) -> Response {
    let Ok(mut back) = url::Url::parse(&pressed.redirect_uri) else {
        return (StatusCode::BAD_REQUEST, "Invalid redirect_uri").into_response();
    };
    if pressed.answer == "allow" {
        let code = platform.change(|world| world.give_code_for(&pressed.redirect_uri));
        back.query_pairs_mut().append_pair("code", &code);
    } else {
        back.query_pairs_mut()
            .append_pair("error", "access_denied")
            .append_pair("error_description", "The end-user or authorization server denied the request.");
    }
    back.query_pairs_mut().append_pair("state", &pressed.state);
    (StatusCode::FOUND, [(header::LOCATION, back.to_string())]).into_response()
}
