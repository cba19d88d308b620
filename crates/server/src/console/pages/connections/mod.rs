//! `/console/connections`: accounts on platforms, their forms, and what their platforms say of them.

mod authorise;
mod field;
mod list;
mod show;

use axum::{
    Router,
    routing::{get, post},
};
use handoff_core::connections::Book;

use crate::console::{ConsoleState, answer::Trouble};

/// The addresses of these pages.
pub(in crate::console) fn routes() -> Router<ConsoleState> {
    Router::new()
        .route("/console/connections", get(list::list))
        .route("/console/connections/new", get(show::new).post(show::add))
        .route("/console/connections/{id}", get(show::show).post(show::save))
        .route("/console/connections/{id}/check", post(show::check))
        .route("/console/connections/{id}/install", post(show::install))
        .route("/console/connections/{id}/authorise", post(authorise::begin))
        .route("/console/authorised", get(authorise::back))
        .route("/console/authorised/finish", get(authorise::finish))
        .route("/console/connections/{id}/remove", post(show::remove))
}

fn book(state: &ConsoleState) -> Result<&Book, Trouble> {
    let missing = || Trouble::not_found("This server was started without connections that can be changed.");
    state.connections.as_deref().ok_or_else(missing)
}
