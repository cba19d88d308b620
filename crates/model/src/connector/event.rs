//! What happened on a platform, in our words.

use serde::{Deserialize, Serialize};

use crate::{Content, HandoffKey, Person, Timestamp};

/// One thing that happened in one chat on the platform.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlatformEvent {
    /// Equal for every delivery of the same event, and for no other event of the connection.
    pub key: String,
    /// The platform's id of the chat.
    pub chat: String,
    /// The handoff that made the chat, when the platform keeps our key with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handoff: Option<HandoffKey>,
    /// The platform's name of its own session within the chat, when it has one: another one than
    /// that of the transfer means that control came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_session: Option<String>,
    /// When it happened, as the platform says; otherwise when it arrived.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// The person opened the chat on the platform's channel, and the assistant may greet.
    ChatStarted {
        /// Who.
        person: Person,
    },
    /// The person wrote on the platform's channel, and the assistant holds the chat there.
    PersonMessage {
        /// Who.
        person: Person,
        /// What.
        content: Content,
        /// The platform's id of the message.
        external_id: String,
        /// A live agent holds the chat on the platform: the assistant must not answer.
        held_by_live_agent: bool,
    },
    /// A live agent, or the platform in the team's name, wrote to the person.
    LiveAgentMessage {
        /// Name to show; none for automatic texts.
        name: Option<String>,
        /// What.
        content: Content,
        /// The platform's id of the message.
        external_id: String,
    },
    /// The platform took the chat from the assistant without being asked.
    TakenByPlatform,
    /// The platform ended the chat, moved it elsewhere or deleted it.
    Closed {
        /// Why, in a word: `closed`, `moved_to_email`, `ended`, `deleted`.
        reason: String,
    },
    /// The platform gives the chat to the assistant again.
    ControlReturned {
        /// Who.
        person: Option<Person>,
    },
    /// The platform now knows the chat under another id.
    Renamed {
        /// The new id.
        to: String,
    },
    /// Nothing that concerns us; counted, never stored.
    Ignored {
        /// Why, in a few words.
        reason: String,
    },
}
