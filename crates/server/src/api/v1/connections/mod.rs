//! Connections: accounts on platforms, changed while the server runs.

pub(crate) mod act;
pub(crate) mod change;
pub(crate) mod list;

use handoff_core::connections::Book;

use crate::{AppState, web::Problem};

fn book(state: &AppState) -> Result<&Book, Problem> {
    let missing = || Problem::not_found("This server was started without connections that can be changed.");
    state.connections.as_deref().ok_or_else(missing)
}
