//! Who holds a conversation, and how a session begins and ends.
//!
//! Plain functions of their arguments. Read [`turn`] first: its `match` on who holds the
//! conversation is the heart of the server. `conversation` has the states, `settle` does what a
//! handoff's transitions ask for.

pub mod conversation;
mod draft;
mod fallback;
pub mod replay;
pub mod settle;
mod start;
pub mod turn;

pub use conversation::{Control, Conversation, Ended, Session, SessionState};
pub use replay::{Repair, ReplayRefusal, replay};
pub use settle::settle;
pub use turn::{FromTeam, Handled, Happening, Setting, know, turn};
