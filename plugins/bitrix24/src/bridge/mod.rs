//! The bridge route: the chat is on a channel of ours, and reaches an open channel as a customer's
//! chat of our own connector.
//!
//! [`setup`] registers the connector, [`transfer`] is the recipe, [`find`] looks for what it left
//! behind, [`forward`] carries the person's later words, [`event`] reads what comes back, and [`watch`] what should have. The
//! outside id of a chat is the handoff's key, and every message has an id made from it: by these
//! Bitrix24 tells us apart, and by these we look up what arrived.

mod acks;
mod event;
mod find;
mod forward;
mod mark;
mod names;
mod outgoing;
mod setup;
mod staff;
mod text;
mod transfer;
mod watch;
mod withdraw;

pub(crate) use acks::send as acknowledge;
pub(crate) use event::{is_ours, read};
pub(crate) use find::find;
pub(crate) use forward::forward;
pub(crate) use setup::{findings, set_up, switch_on};
pub(crate) use staff::full_name;
pub(crate) use transfer::transfer;
pub(crate) use watch::{Watch, look_again};
pub(crate) use withdraw::withdraw;
