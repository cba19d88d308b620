//! Who comes back to a chat that was passed on: to the assistant as a new session, or, where the
//! author chose so, straight to the live agents.
//!
//! Straight to them goes also whoever meets our bot in a chat that we brought to an open channel ourselves: the
//! assistant has given that chat away, and must not answer in it by another door.
//!
//! A new session in such a chat is noticed by its number, in whichever of its two first events comes
//! first, and passed on with one call; everything that is said in it is no concern of the assistant's.

use handoff_sdk::{
    ConnectorError, Cx, Result,
    model::connector::{EventKind, PlatformEvent},
    tracing::warn,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{client::Client, kept, settings::Portal, wire};

/// What an author writes beside the platform.
const OPTION: &str = "when_person_comes_back";
const OPERATORS: &str = "operators";

/// How often a write is tried when somebody else writes at the same time.
const TRIES: u32 = 10;

/// A chat whose later sessions go to live agents.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Gone {
    /// The session that was handed over; empty when the chat was never the assistant's.
    session: String,
    /// The later session that somebody passes on, or has passed on.
    later: Option<String>,
}

/// Whether the author wants live agents to have later sessions, too.
///
/// # Errors
/// [`ConnectorError::Refused`] when the choice is no word that we know.
pub(crate) fn wanted(options: &Value) -> Result<bool> {
    match options[OPTION].as_str() {
        _ if options[OPTION].is_null() => Ok(false),
        Some("" | "assistant") => Ok(false),
        Some(OPERATORS) => Ok(true),
        _ => Err(ConnectorError::Refused { detail: format!("{OPTION} must be assistant or {OPERATORS}") }),
    }
}

/// Remembers a chat that was passed on for good, or that its next session is the assistant's.
pub(crate) async fn remember(cx: &Cx, chat: u64, session: Option<&str>, operators: bool) -> Result<()> {
    let known: Option<Option<Gone>> = kept::get(cx, &slot(chat)).await?;
    let gone = session.filter(|_| operators).map(|session| Gone { session: session.to_owned(), later: None });
    match (known, &gone) {
        (None, None) => Ok(()),
        _ => kept::put(cx, &slot(chat), &gone).await,
    }
}

/// Takes an event of a new session away from the assistant, and passes that session on once. `chat` is the event's
/// own view of the chat.
pub(crate) async fn taken(client: &Client<'_>, chat: &Value, event: &mut PlatformEvent) -> Result<()> {
    if matches!(event.kind, EventKind::Ignored { .. }) {
        return Ok(());
    }
    let is_ours = is_ours(client.portal, chat);
    if is_ours {
        event.kind = EventKind::Ignored { reason: "a chat that we brought to the live agents".to_owned() };
    }
    let (Ok(chat), Some(session)) = (event.chat.parse::<u64>(), event.platform_session.clone()) else {
        return Ok(());
    };
    for _ in 0..TRIES {
        let (gone, version) = kept::versioned::<Option<Gone>>(client.cx, &slot(chat)).await?;
        let gone = gone.flatten().or_else(|| is_ours.then(Gone::default));
        let Some(gone) = gone.filter(|gone| gone.session != session) else { return Ok(()) };
        if !is_ours {
            event.kind = EventKind::Ignored { reason: "the person came back to the live agents".to_owned() };
        }
        if gone.later.as_ref() == Some(&session) {
            return Ok(());
        }
        let claim = Gone { later: Some(session.clone()), ..gone.clone() };
        if client.cx.swap(&slot(chat), version, &json!(claim)).await? {
            return pass_on(client, chat, &gone, version + 1).await;
        }
    }
    Err(ConnectorError::Unavailable { detail: "too many writers at once".to_owned() })
}

/// One call for a session. When it fails the claim is given back, and the session's next event tries again:
/// what no bot holds is refused with `WRONG_CHAT`, so that a repetition is harmless.
async fn pass_on(client: &Client<'_>, chat: u64, before: &Gone, version: u64) -> Result<()> {
    match client.act_on_session("imopenlines.bot.session.operator", &json!({ "CHAT_ID": chat })).await {
        Err(failure) if !failure.is("WRONG_CHAT") => {
            let error = ConnectorError::from(failure);
            warn!("A session that is the live agents' could not be passed on yet: {error}");
            client.cx.swap(&slot(chat), version, &json!(before)).await.map(drop)
        }
        _ => Ok(()),
    }
}

/// Whether a chat came to the portal through our own connector, which the first field of its name tells.
fn is_ours(portal: &Portal, chat: &Value) -> bool {
    let connector = wire::text(&chat["entityId"]).split('|').next().unwrap_or_default();
    portal.settings.has_application() && connector.eq_ignore_ascii_case(&portal.settings.connector_code)
}

fn slot(chat: u64) -> String {
    format!("gone/{chat}")
}
