//! Identifiers: one type for each noun, so that two of them cannot be mixed up.
//!
//! Ids are derived, not drawn: a conversation's from its channel and the name the channel gives
//! it, a session's from its conversation and its number. The same facts give the same id again,
//! also after rows were lost.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text of the id.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        /// The id in quotes, as messages for people show it.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// A way by which persons reach the server: a webchat, an API channel, or a connection's own.
    ChannelId
    /// One configured account on a platform.
    ConnectionId
    /// The code that speaks to a platform, such as `zendesk`.
    ConnectorId
    /// All messages of one person on one channel.
    ConversationId
    /// What an author writes and publishes.
    AssistantId
    /// A trigger or an action within an assistant.
    NodeId
    /// One run of an assistant in a conversation.
    SessionId
    /// The record of a conversation leaving.
    HandoffId
}

impl ConversationId {
    /// The conversation which `channel` calls `external`.
    pub fn derive(channel: &ChannelId, external: &str) -> Self {
        Self(format!("c{}", digest(&["conversation", channel.as_str(), external])))
    }
}

impl SessionId {
    /// The `number`-th session of a conversation, counted from 1.
    pub fn nth(conversation: &ConversationId, number: u64) -> Self {
        Self(format!("{conversation}-{number}"))
    }
}

impl HandoffId {
    /// The handoff that the event with this key fired in this conversation. `replay` counts from 0.
    pub fn derive(conversation: &ConversationId, event: &str, replay: u32) -> Self {
        Self(format!("h{}", digest(&["handoff", conversation.as_str(), event, &replay.to_string()])))
    }
}

/// 24 hexadecimal digits of SHA-256 over the parts, each preceded by its length.
fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_facts_give_the_same_id_and_other_facts_another() {
        let web = ChannelId::new("web");
        assert_eq!(ConversationId::derive(&web, "ann"), ConversationId::derive(&web, "ann"));
        assert_ne!(
            ConversationId::derive(&web, "ann"),
            ConversationId::derive(&ChannelId::new("weba"), "nn")
        );
        let conversation = ConversationId::derive(&web, "ann");
        assert_ne!(HandoffId::derive(&conversation, "e1", 0), HandoffId::derive(&conversation, "e1", 1));
    }
}
