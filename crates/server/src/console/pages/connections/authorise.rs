//! Somebody allows a connection at its platform: the browser goes there, and comes back with a code.
//!
//! It comes back from another site, and cookies do not come along on that way. So the address that platforms know only
//! shows a page of ours, which leads on to the one that asks who is signed in.

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use handoff_model::ConnectionId;
use serde::Deserialize;

use super::book;
use crate::console::{
    ConsoleState,
    access::{Posted, SignedIn},
    answer::{self, Trouble},
    assets, link,
};

#[derive(Template)]
#[template(path = "console/onward.html")]
struct OnwardPage {
    style: &'static str,
    title: &'static str,
    text: &'static str,
    address: String,
    /// Whether the browser goes on by itself.
    at_once: bool,
}

/// What platforms give back.
#[derive(Deserialize)]
pub(in crate::console) struct Back {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

/// Leads to the platform.
pub(in crate::console) async fn begin(
    State(state): State<ConsoleState>,
    Path(id): Path<String>,
    Posted { who, .. }: Posted,
) -> Result<Response, Trouble> {
    let url = book(&state)?.begin_authorise(&ConnectionId::new(id), &who.csrf).await;
    let address = url.map_err(|error| {
        Trouble::unreadable(StatusCode::BAD_GATEWAY, format!("It cannot begin: {error}."))
    })?;
    Ok(answer::page(&OnwardPage {
        style: assets::style_address(),
        title: "Sign in at the platform",
        text: "Sign in there as somebody who may act for the account, and allow this server. You come back here by yourself.",
        address,
        at_once: false,
    }))
}

/// Where the platform sends the browser: leads on within this site.
pub(in crate::console) async fn back(Query(back): Query<Back>) -> Response {
    let Back { code, state, error, error_description } = back;
    let query =
        [("code", &code), ("state", &state), ("error", &error), ("error_description", &error_description)]
            .map(|(name, value)| format!("{name}={}", link::encode(value)))
            .join("&");
    answer::page(&OnwardPage {
        style: assets::style_address(),
        title: "Back from the platform",
        text: "One moment. If nothing happens, go on by hand.",
        address: format!("/console/authorised/finish?{query}"),
        at_once: true,
    })
}

/// Takes what the platform gave.
pub(in crate::console) async fn finish(
    State(state): State<ConsoleState>,
    who: SignedIn,
    Query(back): Query<Back>,
) -> Result<Response, Trouble> {
    let refused = |detail: String| Trouble::unreadable(StatusCode::BAD_REQUEST, detail);
    if back.code.is_empty() {
        let words = [back.error_description, back.error].into_iter().find(|words| !words.is_empty());
        let words = words.unwrap_or_else(|| "it gave no code".to_owned());
        return Err(refused(format!("The platform did not allow it: {words}. Nothing was changed.")));
    }
    let done = book(&state)?.finish_authorise(&back.state, &who.csrf, &back.code).await;
    let (id, _) = done.map_err(|error| refused(format!("It is not allowed yet: {error}.")))?;
    Ok(answer::go(&format!("{}?done=allowed", link::connection(id.as_str()))))
}
