//! The nouns of handoff: plain data that every other crate shares.
//!
//! No input or output, no SQL, no async. What crosses the plugin edge is under [`connector`];
//! everything is JSON through serde, and unknown fields are ignored so that a newer side may
//! say more than an older one understands.

pub mod connector;
mod content;
mod handoff;
mod id;
mod message;
mod person;
mod plan;
mod time;

pub use content::{Attachment, Content, Source};
pub use handoff::{HandoffKey, Route, TicketRef};
pub use id::{
    AssistantId, ChannelId, ConnectionId, ConnectorId, ConversationId, HandoffId, NodeId, SessionId,
};
pub use message::{Author, Delivery, Message};
pub use person::Person;
pub use plan::{Plan, UnknownPlan};
pub use time::Timestamp;
