//! `GET /v1/conversations/{id}`: one conversation and what was said in it until it left.

use axum::extract::{Path, State};
use handoff_core::{
    handoff::Consented,
    session::{Conversation, SessionState},
};
use handoff_model::{ConversationId, Message, Person};
use serde::{Deserialize, Serialize};

use super::super::openapi::ProblemDocument;
use crate::{
    AppState,
    auth::Admin,
    web::{Json, Problem, Query},
};

/// Messages that are given at once, at most.
const MOST: u64 = 500;

/// Which part of a long thread.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ThreadQuery {
    /// Only messages with a greater place than this.
    #[serde(default)]
    after: u64,
}

/// A conversation, and what was said in it. What followed a handoff is not kept, and so is not here.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Thread {
    id: String,
    channel: String,
    external_id: String,
    #[schema(value_type = Object)]
    person: Person,
    /// Who holds it: free, session, handoff, platform or taken.
    held_by: &'static str,
    /// The latest session.
    session: Option<SessionView>,
    /// Sessions so far.
    sessions: u64,
    /// What the person answered when they were asked before a handoff, the latest last.
    #[schema(value_type = Vec<Object>)]
    consents: Vec<Consented>,
    /// The latest handoff.
    last_handoff: Option<String>,
    /// When it began, in milliseconds since 1970 UTC.
    began: i64,
    /// When something last happened that the Inbox shows, in milliseconds since 1970 UTC.
    updated: i64,
    #[schema(value_type = Vec<Object>)]
    messages: Vec<Message>,
    /// `after` of the next part; none when this is the last.
    next: Option<u64>,
}

/// A session, without its variables: they may hold what the person said.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct SessionView {
    id: String,
    assistant: String,
    assistant_version: u32,
    began: i64,
    #[schema(value_type = Object)]
    state: SessionState,
}

/// One conversation with its thread.
#[utoipa::path(
    get, path = "/v1/conversations/{conversation}", tag = "inbox",
    params(("conversation" = String, Path, description = "Id of the conversation"), ThreadQuery),
    responses(
        (status = 200, description = "The conversation until it left", body = Thread),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    _: Admin,
    Path(id): Path<String>,
    Query(query): Query<ThreadQuery>,
) -> Result<Json<Thread>, Problem> {
    let id = ConversationId::new(id);
    let store = state.runtime.store();
    let found = store.conversation(&id).await?;
    let conversation =
        found.ok_or_else(|| Problem::not_found(format!("There is no conversation {:?}.", id.as_str())))?;
    let until = conversation.last_seq.min(query.after.saturating_add(MOST));
    let messages = store.messages(&id, query.after, until).await?;
    let next = (until < conversation.last_seq).then_some(until);
    Ok(Json(Thread::new(conversation, messages, next)))
}

impl Thread {
    fn new(conversation: Conversation, messages: Vec<Message>, next: Option<u64>) -> Self {
        Self {
            id: conversation.id.to_string(),
            channel: conversation.channel.to_string(),
            external_id: conversation.external_id,
            person: conversation.person,
            held_by: conversation.control.name(),
            session: conversation.session.map(|session| SessionView {
                id: session.id.to_string(),
                assistant: session.assistant.to_string(),
                assistant_version: session.assistant_version,
                began: session.began.0,
                state: session.state,
            }),
            sessions: conversation.sessions,
            consents: conversation.consents,
            last_handoff: conversation.last_handoff.map(|id| id.to_string()),
            began: conversation.began.0,
            updated: conversation.updated.0,
            messages,
            next,
        }
    }
}
