//! Where a chat goes when a platform will not take it: the next way of the author's chain.

use handoff_model::{ConnectionId, ConnectorId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Leaves, Refusal, Target, Targets};

/// Ways beside the first that an action may name.
pub const MOST_FALLBACKS: usize = 3;

/// One more way out, tried when the one before failed for good, and never while that one may have succeeded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fallback {
    /// The platform: a connector's id.
    pub platform: ConnectorId,
    /// Which account, when there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionId>,
    /// What the team gets.
    #[serde(default, skip_serializing_if = "is_chat")]
    pub route: Leaves,
    /// Seconds for which attempts on this way go on.
    #[serde(default = "budget", skip_serializing_if = "is_budget")]
    pub budget_seconds: u64,
    /// Routing and fields, as its connector understands them.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub options: Value,
}

impl Fallback {
    /// The account of this way, if a chat that lives on `home` may go there.
    ///
    /// # Errors
    /// Why not.
    pub fn target(&self, targets: &Targets, home: Option<&ConnectionId>) -> Result<Target, Refusal> {
        let target = targets.choose(&self.platform, self.connection.as_ref())?;
        target.route(home, self.route).map(|_| target.clone())
    }
}

fn is_chat(route: &Leaves) -> bool {
    *route == Leaves::Chat
}

fn budget() -> u64 {
    crate::assistant::definition::BUDGET_SECONDS
}

fn is_budget(seconds: &u64) -> bool {
    *seconds == budget()
}
