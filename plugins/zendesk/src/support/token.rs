//! The OAuth client's tokens: kept for the connection, so that every call and every server process uses the same
//! ones until they end.
//!
//! Either the client signs in by itself (`client_credentials`), or somebody signed in once and Zendesk gave a refresh
//! token (`authorization_code`). Such a token can be spent once: whoever needs another access token takes a lease, looks
//! whether somebody else was first, and keeps the new pair before anybody uses it.

use std::time::Duration;

use handoff_sdk::{ConnectorError, Leased, Request, Result, model::Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Support, weigh};
use crate::{
    address::encoded,
    client::{Aim, unavailable},
    settings::{Grant, Settings},
    wire::text,
};

/// Where the tokens are kept, and the lease under which they are renewed.
const SLOT: &str = "support_token";
/// How long a token lives unless Zendesk says so.
const LIFE_S: u64 = 1800;
/// A token that ends so soon is not used any more.
const NEARLY: Duration = Duration::from_secs(60);
/// Longer than the host lets a request take.
const LEASE: Duration = Duration::from_secs(40);
/// Pause of those who wait for somebody else's renewal.
const PAUSE: Duration = Duration::from_millis(150);
/// How often they look.
const LOOKS: u32 = 400;
/// What is asked for.
const SCOPE: &str = "read write";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Token {
    access: String,
    until: Timestamp,
    /// Good for one renewal.
    #[serde(default)]
    refresh: Option<String>,
}

/// A token that is good, as far as we know.
pub(super) async fn access(support: &Support<'_>) -> Result<String> {
    let (kept, _) = kept(support).await?;
    match kept {
        Some(token) if token.until > support.cx.now().after(NEARLY) => Ok(token.access),
        token => renewed(support, token.as_ref().map_or("", |token| &token.access)).await,
    }
}

/// Another token than the one that Zendesk refused, or that is at its end.
pub(super) async fn renewed(support: &Support<'_>, refused: &str) -> Result<String> {
    for _ in 0..LOOKS {
        let (known, _) = kept(support).await?;
        if let Some(token) = known.as_ref().filter(|token| token.access != refused) {
            return Ok(token.access.clone());
        }
        match support.cx.lease(SLOT, LEASE).await? {
            Leased::Wait(_) => support.cx.sleep(PAUSE).await,
            Leased::Held(lease) => {
                let done = renew_alone(support, refused).await;
                support.cx.release(lease).await?;
                return done;
            }
        }
    }
    Err(unavailable("Zendesk's tokens are being renewed for too long"))
}

/// Renews as the only one who may.
async fn renew_alone(support: &Support<'_>, refused: &str) -> Result<String> {
    let (now, current) = kept(support).await?;
    if let Some(token) = now.as_ref().filter(|token| token.access != refused) {
        // Somebody was first, between the look and the lease.
        return Ok(token.access.clone());
    }
    let body = match (support.settings.support_grant, now.and_then(|token| token.refresh)) {
        (Grant::ClientCredentials, _) => json!({ "grant_type": "client_credentials", "scope": SCOPE }),
        (Grant::AuthorizationCode, Some(refresh)) => {
            json!({ "grant_type": "refresh_token", "refresh_token": refresh })
        }
        (Grant::AuthorizationCode, None) => {
            return Err(unauthorised(
                "nobody has signed in yet: press Sign in at Zendesk on the connection's page",
            ));
        }
    };
    let token = ask(support, body).await?;
    keep(support, current, &token).await
}

/// Keeps tokens before anybody uses them.
async fn keep(support: &Support<'_>, version: u64, token: &Token) -> Result<String> {
    if support.cx.swap(SLOT, version, &json!(token)).await? {
        return Ok(token.access.clone());
    }
    // Somebody signed in meanwhile, or our lease was over: what is kept now counts.
    Ok(kept(support).await?.0.map_or_else(|| token.access.clone(), |kept| kept.access))
}

/// Where somebody allows the client.
pub(super) fn consent(settings: &Settings, redirect_url: &str, state: &str) -> String {
    format!(
        "{}/oauth/authorizations/new?response_type=code&client_id={}&redirect_uri={}&scope={}&state={}",
        settings.support_url,
        encoded(&settings.support_client),
        encoded(redirect_url),
        encoded(SCOPE),
        encoded(state)
    )
}

/// Keeps what a code gives.
pub(super) async fn exchange(support: &Support<'_>, redirect_url: &str, code: &str) -> Result<()> {
    let body = json!({
        "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_url, "scope": SCOPE,
    });
    let token = ask(support, body).await?;
    let (_, version) = kept(support).await?;
    if !support.cx.swap(SLOT, version, &json!(token)).await? {
        return Err(unavailable("somebody else signed in at the same time: sign in again"));
    }
    Ok(())
}

async fn kept(support: &Support<'_>) -> Result<(Option<Token>, u64)> {
    let kept = support.cx.kept(SLOT).await?;
    let version = kept.as_ref().map_or(0, |kept| kept.version);
    Ok((kept.and_then(|kept| serde_json::from_value(kept.value).ok()), version))
}

async fn ask(support: &Support<'_>, mut body: Value) -> Result<Token> {
    body["client_id"] = json!(support.settings.support_client);
    let request = Request::new("POST", format!("{}/oauth/tokens", support.settings.support_url));
    let request = request.header("accept", "application/json").json(&body);
    let request = request.body_secret("support_secret", "/client_secret");
    let now = support.cx.now();
    // When the answer is lost, asking again is all there is; a refresh token that was spent asks for a new sign-in.
    let answer = match weigh(Aim::Read, request.read(support.cx).await?) {
        Err(ConnectorError::Unauthorised { detail }) => return Err(unauthorised(&again(&detail))),
        answer => answer?,
    };
    if !answer.is_success() {
        return Err(unauthorised(&again(&answer.words())));
    }
    let access = text(&answer.body, "access_token");
    if access.is_empty() {
        return Err(unavailable("Zendesk's answer names no token"));
    }
    let life = answer.body["expires_in"].as_u64().unwrap_or(LIFE_S);
    let refresh = Some(text(&answer.body, "refresh_token")).filter(|refresh| !refresh.is_empty());
    Ok(Token { access, until: now.after(Duration::from_secs(life)), refresh })
}

fn again(words: &str) -> String {
    format!(
        "Zendesk gives the OAuth client no token: {words}. Look at its id and secret; with authorization_code, sign in at \
         Zendesk again on the connection's page"
    )
}

fn unauthorised(detail: &str) -> ConnectorError {
    ConnectorError::Unauthorised { detail: detail.to_owned() }
}
