//! The local application: installed on the portal, opened from its contact center, removed.
//!
//! Whoever can reach the webhook can post an installation. It counts only when the token it brings
//! opens the portal of the settings, and opens it as our application.

use handoff_sdk::{
    ConnectorError, Cx, Request, Result,
    model::connector::Received,
    tracing::{info, warn},
};
use serde_json::{Value, json};

use crate::{
    bridge,
    client::Client,
    digest::digest,
    kept,
    oauth::{self, Grant},
    settings::Portal,
    wire,
};

/// Where the webhook's own address is remembered, for an installation that comes later.
const ADDRESS: &str = "address";

/// How long the portal is asked about an installation, in milliseconds: it waits for our answer.
const PATIENCE_MS: u64 = 3_000;

/// Remembers where the portal reaches us.
pub(crate) async fn remember_address(cx: &Cx, webhook_url: &str) -> Result<()> {
    let known: Option<String> = kept::get(cx, ADDRESS).await?;
    if known.as_deref() == Some(webhook_url) {
        return Ok(());
    }
    kept::put(cx, ADDRESS, &webhook_url).await
}

/// `ONAPPINSTALL`: keeps the tokens, then sets the connector up as far as that works at once.
pub(crate) async fn installed(cx: &Cx, portal: &Portal, form: &Value) -> Result<()> {
    let auth = &form["auth"];
    let grant = Grant {
        access: wire::text(&auth["access_token"]).to_owned(),
        refresh: wire::text(&auth["refresh_token"]).to_owned(),
        server: oauth::server(portal, wire::text(&auth["server_endpoint"])),
        member: wire::text(&auth["member_id"]).to_owned(),
        token: digest(&[wire::text(&auth["application_token"])]),
        claimed_until: None,
        removed: false,
    };
    let token = wire::text(&auth["application_token"]);
    if grant.access.is_empty() || grant.refresh.is_empty() || token.is_empty() {
        return Err(unverified("the installation brings no tokens"));
    }
    let endpoint = oauth::host(wire::text(&auth["client_endpoint"]));
    if !endpoint.is_empty() && !portal.is_at(endpoint) {
        return Err(unverified("the installation is of another portal"));
    }
    if let Some(known) = oauth::grant(cx).await?.filter(|known| known.member != grant.member) {
        warn!("An installation names another portal than {} did", known.member);
        return Err(unverified("the installation is of another portal"));
    }
    prove(cx, portal, &grant.access).await?;
    oauth::keep(cx, &grant).await?;
    info!("The local application is installed on the portal");
    let client = Client::new(cx, portal).as_application();
    if let Some(address) = kept::get::<String>(cx, ADDRESS).await?
        && let Err(error) = bridge::set_up(&client, &address).await
    {
        warn!("The connector could not be set up at once, the connection's installation does it: {error}");
    }
    Ok(())
}

/// Whether a token opens the portal of the settings as our application.
async fn prove(cx: &Cx, portal: &Portal, access: &str) -> Result<()> {
    let request = Request::new("POST", format!("{}/rest/app.info", portal.base))
        .header("accept", "application/json")
        .json(&json!({ "auth": access }))
        .within_ms(PATIENCE_MS);
    let response = request.read(cx).await?;
    let answer: Value = serde_json::from_str(&response.body).unwrap_or_default();
    match (response.status, wire::text(&answer["result"]["CODE"])) {
        (200..300, code) if code == portal.settings.client_id => Ok(()),
        (200..300, _) => Err(unverified("the installation is of another application")),
        (500.., _) => {
            Err(ConnectorError::Unavailable { detail: format!("app.info: status {}", response.status) })
        }
        _ => Err(unverified("the portal does not know the installation's token")),
    }
}

/// `ONAPPUNINSTALL`, verified before: the tokens are worth nothing any more.
pub(crate) async fn removed(cx: &Cx) -> Result<()> {
    if let Some(grant) = oauth::grant(cx).await? {
        warn!("The application was removed from the portal: chats no longer reach it");
        let gone = Grant { access: String::new(), refresh: String::new(), removed: true, ..grant };
        oauth::keep(cx, &gone).await?;
    }
    Ok(())
}

/// The connector's page in the contact center: switches it on for the open channel that it was
/// opened for.
pub(crate) async fn opened(cx: &Cx, portal: &Portal, form: &Value) -> Result<Received> {
    let grant = oauth::grant(cx).await?.ok_or_else(|| unverified("the application is not installed"))?;
    let (token, member) = (wire::text(&form["APPLICATION_TOKEN"]), wire::text(&form["member_id"]));
    if digest(&[token]) != grant.token || member != grant.member {
        return Err(unverified("the page was opened by another portal"));
    }
    let options: Value = serde_json::from_str(wire::text(&form["PLACEMENT_OPTIONS"])).unwrap_or_default();
    let client = Client::new(cx, portal).as_application();
    let words = match wire::id(&options["LINE"]) {
        Some(line) => match bridge::switch_on(&client, line).await {
            Ok(()) => format!("The open channel {line} now takes the chats of this server."),
            Err(error) => {
                format!("The open channel {line} could not be connected: {}", ConnectorError::from(error))
            }
        },
        None => "Choose an open channel in the contact center.".to_owned(),
    };
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let body =
        format!("<!doctype html><html lang=en><meta charset=utf-8><title>handoff</title><p>{words}</p>");
    Ok(Received { status: 200, body, events: Vec::new() })
}

fn unverified(detail: &str) -> ConnectorError {
    ConnectorError::Unverified { detail: detail.to_owned() }
}
