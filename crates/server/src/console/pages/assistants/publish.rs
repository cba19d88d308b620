//! Publishes a draft as the next version.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use handoff_core::runtime::AssistantError;

use super::{
    open,
    save::stale,
    show::{Notice, View, render},
};
use crate::console::{
    ConsoleState,
    access::Posted,
    answer::{self, Trouble},
    link,
};

/// Publishes the draft that the page showed.
pub(in crate::console) async fn publish(
    State(state): State<ConsoleState>,
    Path(id): Path<String>,
    Posted { who, fields }: Posted,
) -> Result<Response, Trouble> {
    let opened = open(&state, id.clone()).await?;
    if opened.changed_since(&fields) {
        return Ok(stale(&state, &who, opened));
    }
    match state.runtime.publish(&opened.row.id).await {
        Ok((version, _)) => Ok(answer::go(&format!("{}?done=published-{version}", link::assistant(&id)))),
        Err(AssistantError::Invalid(_)) => {
            let notice = Some(Notice::bad("Not published: solve the problems that are listed first."));
            let view = View { status: StatusCode::UNPROCESSABLE_ENTITY, notice, ..View::default() };
            Ok(render(&state, &who, opened, view))
        }
        Err(AssistantError::Changed) => Ok(stale(&state, &who, open(&state, id).await?)),
        Err(AssistantError::Unknown) => Err(Trouble::not_found("There is no such assistant.")),
        Err(AssistantError::Store(error)) => Err(error.into()),
    }
}
