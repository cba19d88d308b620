//! The OAuth client's access token: kept for the connection, so that every call and every server process
//! uses the same one until it ends.
//!
//! The client signs in by itself (`client_credentials`), so there is no refresh token that two callers
//! could spend: whoever is second finds the token of the first.

use std::time::Duration;

use handoff_sdk::{ConnectorError, Request, Result, model::Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Support, weigh};
use crate::{
    client::{Aim, unavailable},
    wire::text,
};

/// Where the token is kept.
const SLOT: &str = "support_token";
/// How long a token lives unless Zendesk says so.
const LIFE_S: u64 = 1800;
/// A token that ends so soon is not used any more.
const NEARLY: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Token {
    access: String,
    until: Timestamp,
}

/// A token that is good, as far as we know.
pub(super) async fn access(support: &Support<'_>) -> Result<String> {
    let (kept, version) = kept(support).await?;
    match kept {
        Some(token) if token.until > support.cx.now().after(NEARLY) => Ok(token.access),
        _ => renew(support, version).await,
    }
}

/// Another token than the one that Zendesk refused.
pub(super) async fn renewed(support: &Support<'_>, refused: &str) -> Result<String> {
    let (kept, version) = kept(support).await?;
    match kept {
        Some(token) if token.access != refused => Ok(token.access),
        _ => renew(support, version).await,
    }
}

async fn kept(support: &Support<'_>) -> Result<(Option<Token>, u64)> {
    let kept = support.cx.kept(SLOT).await?;
    let version = kept.as_ref().map_or(0, |kept| kept.version);
    Ok((kept.and_then(|kept| serde_json::from_value(kept.value).ok()), version))
}

async fn renew(support: &Support<'_>, version: u64) -> Result<String> {
    let token = ask(support).await?;
    if support.cx.swap(SLOT, version, &json!(token)).await? {
        return Ok(token.access);
    }
    // Somebody else was first, and theirs is as good.
    Ok(kept(support).await?.0.map_or(token.access, |kept| kept.access))
}

async fn ask(support: &Support<'_>) -> Result<Token> {
    let body = json!({
        "grant_type": "client_credentials", "client_id": support.settings.support_client, "scope": "read write",
    });
    let request = Request::new("POST", format!("{}/oauth/tokens", support.settings.support_url));
    let request = request.header("accept", "application/json").json(&body);
    let request = request.body_secret("support_secret", "/client_secret");
    let now = support.cx.now();
    // A token that gets lost on its way is used by nobody: asking again is harmless.
    let answer = weigh(Aim::Read, request.read(support.cx).await?)?;
    if !answer.is_success() {
        let detail = format!("Zendesk gives the OAuth client no token: {}", answer.words());
        return Err(ConnectorError::Unauthorised { detail });
    }
    let access = text(&answer.body, "access_token");
    if access.is_empty() {
        return Err(unavailable("Zendesk's answer names no token"));
    }
    let life = answer.body["expires_in"].as_u64().unwrap_or(LIFE_S);
    Ok(Token { access, until: now.after(Duration::from_secs(life)) })
}
