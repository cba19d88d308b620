//! The ticket route: one ticket with the transcript, made at most once.
//!
//! The bytes that make it are kept before they are sent, and sent again unchanged under the same key,
//! which Zendesk remembers for two hours. After that, and whenever it is not clear what happened, the
//! ticket is looked for by its external id.

mod body;
mod create;
mod files;
mod find;
mod forward;
mod leave_out;
mod mark;
mod transcript;
mod withdraw;

pub(crate) use create::transfer;
pub(crate) use find::find;
pub(crate) use forward::{forward, is_ticket};
pub(crate) use withdraw::withdraw;
