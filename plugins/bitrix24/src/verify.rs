//! Whether a request to the webhook comes from the portal.
//!
//! The proof is the application token at the top of the form. The one inside the bot's own block is
//! another thing, by Bitrix24's own word, and is never looked at.

use handoff_sdk::{
    ConnectorError, Cx, Result,
    tracing::{info, warn},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    bot,
    digest::digest,
    oauth::{self, Grant},
    settings::Portal,
    wire,
};

/// Where the first token is remembered.
const SLOT: &str = "application_token";

/// How often a write is tried when somebody else writes at the same time.
const TRIES: u32 = 10;

/// Longest token that is looked at; Bitrix24's have 32 characters.
const LONGEST: usize = 200;

/// The sender of the bot's first event.
#[derive(Debug, Serialize, Deserialize)]
struct Pinned {
    /// Fingerprint of the token: comparing fingerprints tells nothing by the time it takes.
    token: String,
    /// The portal's own number, empty when the event did not say.
    member: String,
}

/// Verifies a form.
///
/// # Errors
/// [`ConnectorError::Unverified`], without saying more than which part was wrong.
pub(crate) async fn verify(cx: &Cx, portal: &Portal, form: &Value) -> Result<()> {
    let auth = &form["auth"];
    let token = wire::text(&auth["application_token"]);
    if token.is_empty() || token.len() > LONGEST {
        return Err(unverified("there is no application token"));
    }
    let member = wire::text(&auth["member_id"]);
    if let Some(grant) = oauth::grant(cx).await?
        && grant.token == digest(&[token])
    {
        return of_application(portal, &grant, member, wire::text(&auth["domain"]));
    }
    let domain = wire::text(&auth["domain"]);
    if !domain.is_empty() && !portal.is_at(domain) {
        return Err(unverified("the event is of another portal"));
    }
    if cx.secret_matches("application_token", token).await? {
        return Ok(());
    }
    if portal.settings.pin_application_token && is_for_our_bot(cx, portal, form).await {
        return pinned(cx, token, wire::text(&auth["member_id"])).await;
    }
    Err(unverified("the application token is wrong"))
}

/// The application's own token. A portal that was renamed keeps its number.
fn of_application(portal: &Portal, grant: &Grant, member: &str, domain: &str) -> Result<()> {
    let same_portal = !grant.member.is_empty() && grant.member == member;
    if !same_portal && !(member.is_empty() && (domain.is_empty() || portal.is_at(domain))) {
        return Err(unverified("the event is of another portal"));
    }
    if !domain.is_empty() && !portal.is_at(domain) {
        let named: String = domain.chars().take(100).collect();
        warn!("The portal now calls itself {named}: change the setting portal");
    }
    Ok(())
}

/// Only an event of the bot may say which token counts. Some of the older ones know it by its number alone.
async fn is_for_our_bot(cx: &Cx, portal: &Portal, form: &Value) -> bool {
    let bot = &form["data"]["bot"];
    match (wire::text(&bot["code"]), wire::id(&bot["id"])) {
        ("", Some(number)) => bot::remembered_number(cx).await == Some(number),
        (code, _) => code == portal.settings.bot_code,
    }
}

/// Compares with the first token ever seen, or makes this one the first.
async fn pinned(cx: &Cx, token: &str, member: &str) -> Result<()> {
    let given = Pinned { token: digest(&[token]), member: member.to_owned() };
    for _ in 0..TRIES {
        match cx.kept(SLOT).await? {
            Some(kept) => return same(&kept.value, &given),
            None if cx.swap(SLOT, 0, &json!(given)).await? => {
                info!("The application token of the bot's first event counts from now on");
                return Ok(());
            }
            None => {}
        }
    }
    Err(ConnectorError::Unavailable { detail: "too many writers at once".to_owned() })
}

fn same(kept: &Value, given: &Pinned) -> Result<()> {
    let Ok(first) = Pinned::deserialize(kept) else {
        return Err(unverified("the remembered application token cannot be read"));
    };
    let of_other_portal =
        !first.member.is_empty() && !given.member.is_empty() && first.member != given.member;
    match first.token == given.token {
        true if !of_other_portal => Ok(()),
        true => Err(unverified("the event is of another portal")),
        false => Err(unverified("the application token is not that of the bot's first event")),
    }
}

fn unverified(detail: &str) -> ConnectorError {
    ConnectorError::Unverified { detail: detail.to_owned() }
}
