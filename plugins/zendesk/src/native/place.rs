//! What is kept of a conversation that was passed on, so that events from before the pass and events after
//! control came back can be told apart: Zendesk numbers no sessions.

use handoff_sdk::{ConnectorError, Cx, Result, model::HandoffKey};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How often a write is tried when somebody else writes at the same time.
const TRIES: u32 = 10;

/// The last pass of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Whose pass it was.
    pub(super) handoff: HandoffKey,
    /// The session in which the handoff fired.
    pub(super) session: Option<String>,
    /// Control was seen with the live agents.
    pub(super) passed: bool,
}

/// The last pass of a conversation; none when it was never passed on by us.
pub(super) async fn of(cx: &Cx, conversation: &str) -> Result<Option<Place>> {
    let kept = cx.kept(&slot(conversation)).await?;
    Ok(kept.and_then(|kept| serde_json::from_value(kept.value).ok()))
}

/// Keeps the pass, whatever was kept before.
pub(super) async fn keep(cx: &Cx, conversation: &str, place: &Place) -> Result<()> {
    let slot = slot(conversation);
    for _ in 0..TRIES {
        let version = cx.kept(&slot).await?.map_or(0, |kept| kept.version);
        if cx.swap(&slot, version, &json!(place)).await? {
            return Ok(());
        }
    }
    Err(ConnectorError::Unavailable { detail: "too many writers at once".to_owned() })
}

fn slot(conversation: &str) -> String {
    let plain =
        conversation.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).take(200);
    format!("native/{}", plain.collect::<String>())
}
