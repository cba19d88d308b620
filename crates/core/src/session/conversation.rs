//! A conversation and its session, as states that carry their data.

use handoff_model::{
    AssistantId, ChannelId, ConversationId, HandoffId, NodeId, Person, SessionId, Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::handoff::consent::{Asked, Consented};

/// All that is needed to handle the next event of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// Grows by one with every change; what a commit compares. 0: not stored yet.
    pub version: u64,
    /// Where the person writes.
    pub channel: ChannelId,
    /// The channel's own name for the conversation.
    pub external_id: String,
    /// Who writes.
    pub person: Person,
    /// Who answers the next message.
    pub control: Control,
    /// The latest session.
    pub session: Option<Session>,
    /// Sessions so far.
    pub sessions: u64,
    /// Place of the last thing that was said or is to be shown.
    pub last_seq: u64,
    /// The platform's own session that events last belonged to, on a platform's channel.
    pub platform_session: Option<String>,
    /// What the person answered when they were asked about handoffs, the latest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consents: Vec<Consented>,
    /// The latest handoff.
    pub last_handoff: Option<HandoffId>,
    /// When the conversation began.
    pub began: Timestamp,
    /// When something last happened that the Inbox shows.
    pub updated: Timestamp,
}

/// Who answers the next message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "held_by", rename_all = "snake_case")]
pub enum Control {
    /// Nobody: the next message starts a session.
    Free,
    /// The assistant.
    Session,
    /// Nobody yet: a transfer is undecided.
    Handoff {
        /// Which.
        id: HandoffId,
    },
    /// The platform.
    Platform {
        /// By which handoff.
        id: HandoffId,
    },
    /// The platform, which took the chat without being asked.
    Taken,
}

impl Control {
    /// Who holds the conversation, in one word, as stored and shown.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Session => "session",
            Self::Handoff { .. } => "handoff",
            Self::Platform { .. } => "platform",
            Self::Taken => "taken",
        }
    }
}

/// One run of an assistant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// The assistant that runs.
    pub assistant: AssistantId,
    /// The published version it stays on.
    pub assistant_version: u32,
    /// When it began.
    pub began: Timestamp,
    /// Place of the first message that belongs to it.
    pub first_seq: u64,
    /// Where it stands.
    pub state: SessionState,
    /// The trigger whose level is offered the next event first; none: the top level.
    pub level: Option<NodeId>,
    /// Variables.
    pub variables: Map<String, Value>,
    /// The question before a handoff that waits for its answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
}

/// Where a session stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// The assistant answers.
    Active,
    /// An External Handoff fired; the assistant is mute.
    HandingOff {
        /// Which.
        handoff: HandoffId,
    },
    /// Over.
    Ended {
        /// How.
        how: Ended,
        /// When.
        at: Timestamp,
    },
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The chat was given away for good.
    Transferred,
    /// The chat was closed.
    Closed,
    /// Nobody wrote for too long.
    Expired,
}

/// A change that the session's state does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a session that is {from} cannot become {to}")]
pub struct InvalidSessionChange {
    from: &'static str,
    to: &'static str,
}

impl SessionState {
    /// The state in one word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::HandingOff { .. } => "handing off",
            Self::Ended { .. } => "ended",
        }
    }

    /// An External Handoff fired.
    ///
    /// # Errors
    /// Unless the session is active.
    pub fn hand_off(&self, handoff: HandoffId) -> Result<Self, InvalidSessionChange> {
        match self {
            Self::Active => Ok(Self::HandingOff { handoff }),
            other => Err(InvalidSessionChange { from: other.name(), to: "handing off" }),
        }
    }

    /// The handoff failed for good, and the assistant goes on.
    ///
    /// # Errors
    /// Unless this very handoff holds the session.
    pub fn resume(&self, handoff: &HandoffId) -> Result<Self, InvalidSessionChange> {
        match self {
            Self::HandingOff { handoff: held } if held == handoff => Ok(Self::Active),
            other => Err(InvalidSessionChange { from: other.name(), to: "active again" }),
        }
    }

    /// The session is over.
    ///
    /// # Errors
    /// When it was over before.
    pub fn end(&self, how: Ended, at: Timestamp) -> Result<Self, InvalidSessionChange> {
        match self {
            Self::Active | Self::HandingOff { .. } => Ok(Self::Ended { how, at }),
            other @ Self::Ended { .. } => Err(InvalidSessionChange { from: other.name(), to: "ended" }),
        }
    }
}

impl Conversation {
    /// A conversation of which nothing is stored yet.
    pub fn new(channel: ChannelId, external_id: String, person: Person, now: Timestamp) -> Self {
        Self {
            id: ConversationId::derive(&channel, &external_id),
            version: 0,
            channel,
            external_id,
            person,
            control: Control::Free,
            session: None,
            sessions: 0,
            last_seq: 0,
            platform_session: None,
            consents: Vec::new(),
            last_handoff: None,
            began: now,
            updated: now,
        }
    }

    /// The next place.
    pub fn take_seq(&mut self) -> u64 {
        self.last_seq += 1;
        self.last_seq
    }
}
