//! Publishes a draft as the next version.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use handoff_core::{
    assistant::{Finding, validate},
    runtime::AssistantError,
};

use super::{
    Opened, open,
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
        return Ok(stale(&state, &who, opened).await);
    }
    match state.runtime.publish(&opened.row.id).await {
        Ok((version, findings)) => {
            if !accounts_spoke(&state, &opened, &findings) {
                return Ok(answer::go(&format!("{}?done=published-{version}", link::assistant(&id))));
            }
            let words = format!(
                "Published as version {version}. The accounts had something to say; it is listed below."
            );
            let view = View { notice: Some(Notice::good(words)), ..View::default() };
            Ok(render(&state, &who, open(&state, id).await?, view).await)
        }
        Err(AssistantError::Invalid(_)) => {
            let notice = Some(Notice::bad("Not published: solve the problems that are listed first."));
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            let view = View { status, notice, ..View::default() };
            Ok(render(&state, &who, opened, view).await)
        }
        Err(AssistantError::Changed) => Ok(stale(&state, &who, open(&state, id).await?).await),
        Err(AssistantError::Unknown) => Err(Trouble::not_found("There is no such assistant.")),
        Err(AssistantError::Store(error)) => Err(error.into()),
    }
}

/// Whether a finding comes from an account.
fn accounts_spoke(state: &ConsoleState, opened: &Opened, findings: &[Finding]) -> bool {
    let own = validate(&opened.draft, &state.runtime.targets());
    findings.iter().any(|finding| !own.contains(finding))
}
