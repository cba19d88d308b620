//! Who may come in, and which forms are taken.
//!
//! A password is checked against its argon2id hash, wrong ones are counted by name and by address.
//! Who signed in carries a random token in a cookie; the store knows only its hash. Every form repeats
//! a second token, and must come from our own pages.

mod cookie;
mod failures;
mod first_admin;
mod origin;
mod password;
mod posted;
mod session;
mod token;

pub(super) use failures::{Caller, Gate};
pub use first_admin::{FirstAdminError, first_admin};
pub(super) use password::matches;
pub(super) use posted::{Posted, Unsigned};
pub(super) use session::{SignedIn, begin, end};
