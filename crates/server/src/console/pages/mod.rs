//! One file for each page.

pub(super) mod assistants;
pub(super) mod connections;
pub(super) mod connectors;
pub(super) mod handoffs;
pub(super) mod inbox;
pub(super) mod receipt;
pub(super) mod sign_in;
pub(super) mod thread;

mod paging;

use axum::response::Response;

use super::{access::SignedIn, answer, answer::Trouble};

/// `/console`: the Inbox is where the day begins.
pub(super) async fn home(_: SignedIn) -> Response {
    answer::go("/console/inbox")
}

/// Any other address.
pub(super) async fn nothing() -> Trouble {
    Trouble::not_found("This address does not belong to any page of the console.")
}

/// A page asked for in a way that it does not offer.
pub(super) async fn wrong_method() -> Trouble {
    Trouble::wrong_method()
}
