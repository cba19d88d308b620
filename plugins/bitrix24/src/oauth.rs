//! The local application's tokens: kept before they are used, and renewed by one caller at a time.
//!
//! Bitrix24 gives a new refresh token with every renewal, and the old one may be worth nothing from
//! then on. Two callers who renew at once would lose the pair, so whoever finds the access token
//! expired first claims the renewal with a compare-and-set, and everybody else waits for what
//! comes of it, also callers in another process.

use std::time::Duration;

use form_urlencoded::Serializer;
use handoff_sdk::{ConnectorError, Cx, Request, Result, model::Timestamp, tracing::info};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{kept, settings::Portal, wire};

/// Where the tokens are kept.
const SLOT: &str = "application";

/// How long a claim to renew counts: longer than the host lets a request take.
const CLAIM: Duration = Duration::from_secs(40);

/// How often and how long others wait for the claim to end.
const LOOKS: u32 = 400;
const PAUSE: Duration = Duration::from_millis(150);

/// The authorisation servers that Bitrix24's documentation names.
const SERVERS: [&str; 2] = ["oauth.bitrix24.tech", "oauth.bitrix.info"];

/// What the portal gave the application when it was installed, and has renewed since.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub(crate) access: String,
    pub(crate) refresh: String,
    /// Where tokens are renewed.
    pub(crate) server: String,
    /// The portal's own number.
    pub(crate) member: String,
    /// Fingerprint of the application token.
    pub(crate) token: String,
    /// Somebody renews the tokens until then.
    pub(crate) claimed_until: Option<Timestamp>,
    /// The application was removed from the portal.
    pub(crate) removed: bool,
}

/// What is kept, if the application was ever installed.
pub(crate) async fn grant(cx: &Cx) -> Result<Option<Grant>> {
    kept::get(cx, SLOT).await
}

/// Keeps what an installation gave.
pub(crate) async fn keep(cx: &Cx, grant: &Grant) -> Result<()> {
    kept::put(cx, SLOT, grant).await
}

/// The access token.
///
/// # Errors
/// [`ConnectorError::Unauthorised`] when the application is not installed.
pub(crate) async fn access(cx: &Cx) -> Result<String> {
    Ok(installed(cx).await?.0.access)
}

async fn installed(cx: &Cx) -> Result<(Grant, u64)> {
    match kept::versioned::<Grant>(cx, SLOT).await? {
        (Some(grant), version) if !grant.removed => Ok((grant, version)),
        (Some(_), _) => {
            Err(unauthorised("the application was removed from the portal: install it there again"))
        }
        (None, _) => Err(unauthorised("the local application is not installed on the portal yet")),
    }
}

/// Another access token than the one that was found expired.
///
/// # Errors
/// [`ConnectorError::Unauthorised`] when the portal gives no more tokens.
pub(crate) async fn renewed(cx: &Cx, portal: &Portal, expired: &str) -> Result<String> {
    for _ in 0..LOOKS {
        let (grant, version) = installed(cx).await?;
        if grant.access != expired {
            return Ok(grant.access);
        }
        if grant.claimed_until.is_some_and(|until| until > cx.now()) {
            cx.sleep(PAUSE).await;
            continue;
        }
        let claim = Grant { claimed_until: Some(cx.now().after(CLAIM)), ..grant };
        if cx.swap(SLOT, version, &json!(claim)).await? {
            return renew(cx, portal, claim, version + 1).await;
        }
    }
    Err(ConnectorError::Unavailable { detail: "the tokens are being renewed for too long".to_owned() })
}

/// Renews the tokens as the only one who may, and keeps them before anybody uses them.
async fn renew(cx: &Cx, portal: &Portal, claim: Grant, version: u64) -> Result<String> {
    let expired = claim.access.clone();
    let (next, outcome) = match ask(cx, portal, &claim).await {
        Ok(answer) => {
            let (access, refresh) =
                (wire::text(&answer["access_token"]), wire::text(&answer["refresh_token"]));
            let next = Grant {
                access: access.to_owned(),
                refresh: refresh.to_owned(),
                claimed_until: None,
                ..claim
            };
            let access = next.access.clone();
            (next, Ok(access))
        }
        Err(error) => (Grant { claimed_until: None, ..claim }, Err(error)),
    };
    if cx.swap(SLOT, version, &json!(next)).await? {
        if outcome.is_ok() {
            info!("The application's tokens were renewed");
        }
        return outcome;
    }
    // Installed anew meanwhile, or our claim was over: what is kept now counts.
    let now = access(cx).await?;
    if now == expired { outcome } else { Ok(now) }
}

async fn ask(cx: &Cx, portal: &Portal, grant: &Grant) -> Result<Value> {
    let form = Serializer::new(String::new())
        .append_pair("grant_type", "refresh_token")
        .append_pair("client_id", &portal.settings.client_id)
        .append_pair("refresh_token", &grant.refresh)
        .finish();
    let request = Request::new("POST", &grant.server)
        .header("accept", "application/json")
        .form(form)
        .form_secret("client_secret", "client_secret");
    // When the answer is lost the old token may still count, so that trying again is all there is.
    let response = request.read(cx).await?;
    let answer: Value = serde_json::from_str(&response.body).unwrap_or_default();
    if response.status < 300 && !wire::text(&answer["access_token"]).is_empty() {
        return Ok(answer);
    }
    let code = wire::text(&answer["error"]).to_owned();
    match (code.as_str(), response.status) {
        (_, 500..) | ("", _) | (_, 429) => {
            let detail = format!("the tokens could not be renewed: status {} {code}", response.status);
            Err(ConnectorError::Unavailable { detail })
        }
        ("invalid_grant" | "bad_verification_code", _) => {
            Err(unauthorised("the portal gives no more tokens: install the application there again"))
        }
        _ => Err(unauthorised(&format!("the tokens could not be renewed: {code}"))),
    }
}

/// Where tokens are renewed: the operator's choice, or the server that the portal named if it is one
/// that Bitrix24 documents, or the portal itself.
pub(crate) fn server(portal: &Portal, server_endpoint: &str) -> String {
    let chosen = portal.settings.oauth_server.trim_end_matches('/');
    if !chosen.is_empty() {
        return format!("{chosen}/oauth/token/");
    }
    let host = host(server_endpoint);
    if portal.is_at(host) {
        return format!("{}/oauth/token/", portal.base);
    }
    let known = SERVERS.iter().find(|known| known.eq_ignore_ascii_case(host)).unwrap_or(&SERVERS[0]);
    format!("https://{known}/oauth/token/")
}

/// The host of an address.
pub(crate) fn host(address: &str) -> &str {
    address.split_once("://").map_or(address, |(_, rest)| rest).split('/').next().unwrap_or_default()
}

fn unauthorised(detail: &str) -> ConnectorError {
    ConnectorError::Unauthorised { detail: detail.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::portal;

    #[test]
    fn tokens_are_renewed_where_the_portal_says_if_bitrix24_documents_that_place() {
        let cases = [
            ("https://oauth.bitrix.info/rest/", "https://oauth.bitrix.info/oauth/token/"),
            ("https://oauth.bitrix24.tech/rest/", "https://oauth.bitrix24.tech/oauth/token/"),
            ("https://acme.bitrix24.eu/rest/", "https://acme.bitrix24.eu/oauth/token/"),
            ("https://evil.eu/rest/", "https://oauth.bitrix24.tech/oauth/token/"),
            ("", "https://oauth.bitrix24.tech/oauth/token/"),
        ];
        for (named, expected) in cases {
            assert_eq!(server(&portal(), named), expected, "{named}");
        }
        let mut chosen = portal();
        chosen.settings.oauth_server = "https://oauth.example.eu/".into();
        assert_eq!(
            server(&chosen, "https://oauth.bitrix.info/rest/"),
            "https://oauth.example.eu/oauth/token/"
        );
    }
}
