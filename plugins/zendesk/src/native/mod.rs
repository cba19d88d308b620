//! Chats of Zendesk's own channels, in which the assistant is an integration of the switchboard.
//!
//! Who controls the conversation decides who speaks: the assistant only while the switchboard names our own
//! integration. [`told`] reads the events, `send` speaks, `transfer` passes control on.

mod place;
mod send;
mod told;
mod transfer;

pub(crate) use send::send;
pub(crate) use told::told;
pub(crate) use transfer::{find, transfer, withdraw};
