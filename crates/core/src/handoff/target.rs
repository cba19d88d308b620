//! Where a chat may go: which platforms are configured, and which the workspace's plan allows.

use std::collections::BTreeMap;

use handoff_model::{ConnectionId, ConnectorId, Plan, Route};
use serde::{Deserialize, Serialize};

/// What the author wants the team to get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leaves {
    /// The chat itself, to go on in.
    #[default]
    Chat,
    /// A ticket with the transcript, to be answered later. The chat is free again afterwards.
    Ticket,
}

/// A configured account that can take chats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// The account.
    pub connection: ConnectionId,
    /// The code that speaks to it.
    pub connector: ConnectorId,
    /// The platform's name, for people.
    pub name: String,
    /// Routes by which it takes chats.
    pub routes: Vec<Route>,
    /// How long the platform may still work on a request whose answer was lost, in milliseconds.
    pub settle_ms: u64,
    /// A text may follow a native transfer.
    pub speaks_after_transfer: bool,
}

/// Everything that decides where a chat may go.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Targets {
    /// What the workspace pays for.
    pub plan: Option<Plan>,
    /// Lowest plan by connector; a connector that is not listed asks for none.
    pub lowest: BTreeMap<ConnectorId, Plan>,
    /// The configured accounts whose connector is loaded.
    pub targets: Vec<Target>,
    /// Connectors of accounts that are configured but whose plugin is not loaded.
    pub missing: Vec<ConnectorId>,
}

/// Why a platform cannot be chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No account of that platform is configured.
    #[error("no connection to the platform {0:?} is configured")]
    NoConnection(ConnectorId),
    /// The account is configured, the plugin is not there.
    #[error(
        "the connector {0:?} is not loaded: put its plugin file into the plugin folder, or see with `handoff connector list` what keeps it out"
    )]
    NotLoaded(ConnectorId),
    /// The plan does not allow it.
    #[error("{platform} needs the {needed} plan; this workspace has {has}")]
    Plan {
        /// The platform's name.
        platform: String,
        /// The lowest plan that allows it.
        needed: Plan,
        /// The workspace's plan.
        has: Plan,
    },
    /// Several accounts, and the action names none of them.
    #[error("there are several connections to {0:?}: name one in the action")]
    Ambiguous(ConnectorId),
    /// The account cannot take a chat from where it is.
    #[error("{0} cannot take a chat from this channel")]
    NoRoute(String),
    /// The account makes no tickets.
    #[error(
        "{0} takes chats, but no tickets: choose the chat as route, or set up what its connector needs for tickets"
    )]
    NoTickets(String),
}

impl Targets {
    /// The account for a platform, if the plan allows it.
    ///
    /// # Errors
    /// Why not.
    pub fn choose(
        &self,
        platform: &ConnectorId,
        connection: Option<&ConnectionId>,
    ) -> Result<&Target, Refusal> {
        self.allowed_by_plan(platform)?;
        let mut fitting = self.targets.iter().filter(|target| {
            target.connector == *platform && connection.is_none_or(|id| target.connection == *id)
        });
        match (fitting.next(), fitting.next()) {
            (Some(target), None) => Ok(target),
            (Some(_), Some(_)) => Err(Refusal::Ambiguous(platform.clone())),
            (None, _) if self.missing.contains(platform) => Err(Refusal::NotLoaded(platform.clone())),
            (None, _) => Err(Refusal::NoConnection(platform.clone())),
        }
    }

    /// Whether the workspace's plan allows a platform.
    ///
    /// # Errors
    /// Which plan it needs.
    pub fn allowed_by_plan(&self, platform: &ConnectorId) -> Result<(), Refusal> {
        let has = self.plan.unwrap_or(Plan::Free);
        match self.lowest.get(platform) {
            Some(needed) if has < *needed => {
                let named = self.targets.iter().find(|target| target.connector == *platform);
                let platform = named.map_or_else(|| platform.to_string(), |target| target.name.clone());
                Err(Refusal::Plan { platform, needed: *needed, has })
            }
            _ => Ok(()),
        }
    }
}

impl Target {
    /// How a chat that lives on `home` (a connection's own channel, or none of them) leaves for this account.
    ///
    /// # Errors
    /// When this account cannot take it from there, or not in this form.
    pub fn route(&self, home: Option<&ConnectionId>, leaves: Leaves) -> Result<Route, Refusal> {
        let wanted = match leaves {
            Leaves::Ticket => Route::Ticket,
            Leaves::Chat if home == Some(&self.connection) => Route::Native,
            Leaves::Chat => Route::Bridge,
        };
        let found = self.routes.iter().find(|route| **route == wanted).copied();
        found.ok_or_else(|| match leaves {
            Leaves::Ticket => Refusal::NoTickets(self.name.clone()),
            Leaves::Chat => Refusal::NoRoute(self.name.clone()),
        })
    }
}
