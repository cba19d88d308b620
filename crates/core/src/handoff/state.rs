//! Where a handoff stands.

use handoff_model::{
    ConnectionId, ConnectorId, ConversationId, HandoffId, NodeId, Route, SessionId, TicketRef, Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Consented, Fallback, Receipt, Rule, Texts};

/// The record of a conversation leaving.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Handoff {
    /// Its id, which is also the key under which the platform can be asked about it.
    pub id: HandoffId,
    /// Grows by one with every change; what a commit compares.
    pub version: u64,
    /// The conversation that leaves.
    pub conversation: ConversationId,
    /// The session that ends with it.
    pub session: SessionId,
    /// The action that fired.
    pub node: NodeId,
    /// The account that shall take the chat.
    pub connection: ConnectionId,
    /// The code that speaks to it.
    pub connector: ConnectorId,
    /// The platform's name, for people.
    pub platform: String,
    /// How the chat leaves.
    pub route: Route,
    /// The platform's id of the chat, on the native route.
    pub chat: Option<String>,
    /// The platform's session at the time of firing, on the native route.
    pub platform_session: Option<String>,
    /// What the author chose beside the platform.
    pub options: Value,
    /// What the person is told, by outcome.
    pub texts: Texts,
    /// Where it stands.
    pub state: HandoffState,
    /// When the action fired.
    pub fired_at: Timestamp,
    /// Until when attempts go on.
    pub give_up_at: Timestamp,
    /// How long the platform may still work on a request whose answer was lost, in milliseconds.
    pub settle_ms: u64,
    /// Attempts that counted.
    pub attempts: u32,
    /// The last message that was accepted before the action fired.
    pub fired_seq: u64,
    /// The last message of the transcript; fixed when the first attempt begins.
    pub transcript_until: Option<u64>,
    /// What the last finished step left.
    pub checkpoint: Option<Value>,
    /// The person was told that it takes longer.
    pub told_delayed: bool,
    /// The platform was seen to hold the chat: it must not fail any more, whatever goes wrong on our side.
    #[serde(default)]
    pub held: bool,
    /// The last look said that live agents may have something of it which the platform does not show.
    #[serde(default)]
    pub unseen: bool,
    /// Until then a call whose answer was lost may still take effect: *not there* is final only afterwards. 0 when there
    /// was none, or a look has seen what became of it; before that look no failure is possible, whatever the calls after
    /// it were told.
    #[serde(default)]
    pub settles_at: Timestamp,
    /// Messages up to this place may have been carried before the data was put back from a backup; 0 when none was, or
    /// the platform surely had nothing.
    #[serde(default)]
    pub perhaps_carried_until: u64,
    /// A text may follow a native transfer.
    pub speaks_after_transfer: bool,
    /// The platform is asked first if live agents are there.
    #[serde(default)]
    pub check_availability: bool,
    /// What the person answered when they were asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consented>,
    /// What does not leave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redact: Vec<Rule>,
    /// Ways that are left if this one fails.
    #[serde(default)]
    pub fallbacks: Vec<Fallback>,
    /// The dead letter that this one tries again.
    #[serde(default)]
    pub replay_of: Option<HandoffId>,
    /// The handoff that tries this dead letter again.
    #[serde(default)]
    pub replayed_as: Option<HandoffId>,
    /// What left, when and to whom.
    pub receipt: Receipt,
}

impl Handoff {
    /// The lane of the effect that moves it on.
    pub fn lane(&self) -> String {
        format!("handoff:{}", self.id)
    }

    /// Whether live agents have it or may have it, out of sight: because of the platform, or because a backup was put
    /// back. It does not fail by itself then, whatever goes wrong; it is finished, or a person decides.
    pub fn may_be_there(&self) -> bool {
        self.held || self.unseen || self.is_from_backup()
    }

    /// Whether a person may decide about it: in doubt, or between two attempts at what cannot fail by itself.
    pub fn awaits_decision(&self) -> bool {
        match self.state {
            HandoffState::InDoubt { .. } => true,
            HandoffState::Waiting { .. } => self.may_be_there(),
            _ => false,
        }
    }

    /// Whether it was under way when a backup was made that was put back since, or may have been: as long as the platform
    /// may have something of it, it is not declared failed, because it may have been accepted.
    pub fn is_from_backup(&self) -> bool {
        self.perhaps_carried_until > 0
    }

    /// Whether the platform is to be asked if live agents are there, before it is asked to take the chat. A ticket
    /// needs nobody.
    pub fn asks_who_is_there(&self) -> bool {
        self.check_availability && self.route != Route::Ticket && self.state == HandoffState::Requested
    }

    /// The lane of the person's words to the platform.
    pub fn outward(&self) -> String {
        format!("out:{}", self.id)
    }

    /// The lane of the team's words to the person.
    pub fn inward(&self) -> String {
        format!("in:{}", self.id)
    }
}

/// Where a handoff stands. Each state carries what is known in that state, and no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandoffState {
    /// Recorded; the platform was not asked.
    Requested,
    /// Between two attempts.
    Waiting {
        /// When the next may begin.
        until: Timestamp,
        /// Why it waits.
        why: String,
    },
    /// The platform is being asked.
    Transferring {
        /// Number of this attempt among all that began, for fencing.
        attempt: u32,
        /// When it began.
        since: Timestamp,
        /// When it is over at the latest.
        deadline: Timestamp,
    },
    /// The platform was asked and its answer was lost: look before asking again.
    InDoubt {
        /// Number of the attempt that is in doubt.
        attempt: u32,
        /// When the doubt began.
        since: Timestamp,
        /// When to look next.
        look_at: Timestamp,
        /// Looks so far.
        looks: u32,
        /// What went wrong.
        cause: String,
        /// An operator must decide; looks go on, slowly.
        dead_letter: bool,
    },
    /// The platform holds the chat, and we have no part in it. There is no way back.
    Accepted {
        /// The platform's name for it.
        ticket: TicketRef,
        /// When.
        at: Timestamp,
    },
    /// The platform holds the chat, and words are carried between it and the person.
    Carrying {
        /// The platform's name for it.
        ticket: TicketRef,
        /// When the platform took it.
        at: Timestamp,
    },
    /// The platform closed the chat that was carried.
    Closed {
        /// The platform's name for it.
        ticket: TicketRef,
        /// Why, in a word.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// The platform will not take the chat, or nobody is there who would.
    Failed {
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
        /// The platform said that no live agent is there, and was not asked to take the chat.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        nobody_there: bool,
    },
}

impl HandoffState {
    /// Every state's name.
    pub const NAMES: [&'static str; 8] =
        ["requested", "waiting", "transferring", "in_doubt", "accepted", "carrying", "closed", "failed"];

    /// The state in one word, as stored, shown and logged.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Waiting { .. } => "waiting",
            Self::Transferring { .. } => "transferring",
            Self::InDoubt { .. } => "in_doubt",
            Self::Accepted { .. } => "accepted",
            Self::Carrying { .. } => "carrying",
            Self::Closed { .. } => "closed",
            Self::Failed { .. } => "failed",
        }
    }

    /// Whether the platform has the chat, or had it until it closed it.
    pub fn is_accepted(&self) -> bool {
        self.ticket().is_some()
    }

    /// Whether nobody knows yet who will have the chat.
    pub fn is_undecided(&self) -> bool {
        matches!(
            self,
            Self::Requested | Self::Waiting { .. } | Self::Transferring { .. } | Self::InDoubt { .. }
        )
    }

    /// Since when the platform has the chat, while it has it.
    pub fn taken_at(&self) -> Option<Timestamp> {
        match self {
            Self::Accepted { at, .. } | Self::Carrying { at, .. } => Some(*at),
            _ => None,
        }
    }

    /// The platform's name for the chat, once it took it.
    pub fn ticket(&self) -> Option<&TicketRef> {
        match self {
            Self::Accepted { ticket, .. } | Self::Carrying { ticket, .. } | Self::Closed { ticket, .. } => {
                Some(ticket)
            }
            _ => None,
        }
    }
}
