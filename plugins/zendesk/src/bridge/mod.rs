//! The bridge route: the chat is on a channel of ours, a conversation is made on Zendesk, and words
//! are carried.
//!
//! [`transfer`] is the recipe; each step is a file. [`find`] looks for what a recipe left behind,
//! [`withdraw`] takes it back, [`forward`] carries words afterwards. Zendesk knows no idempotency keys
//! here: the handoff's key stands in the metadata of the conversation and of every message, and
//! whatever may already be there is looked up by it.

pub(crate) mod control;
pub(crate) mod conversation;
pub(crate) mod fields;
mod find;
mod forward;
pub(crate) mod history;
mod mark;
mod post;
mod transfer;
mod user;
mod withdraw;

pub(crate) use find::find;
pub(crate) use forward::{LOOKS, forward};
pub(crate) use transfer::{in_doubt, transfer};
pub(crate) use withdraw::withdraw;
