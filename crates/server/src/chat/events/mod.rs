//! What is to be shown to the person: as a list, as a stream, and the word that it has arrived.

mod list;
mod source;
mod stream;

use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;

pub(crate) use list::Events;

use super::{Address, Answer, answer};
use crate::{
    AppState,
    web::{LONGEST_WAIT_MS, Problem, accepts_stream, to_its_end},
};
use source::Source;

/// Rows that are read at once.
const BATCH: usize = 100;

/// Where to begin, and how long to wait.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// Only what has a greater place than this; a `Last-Event-ID` header goes first.
    after: Option<u64>,
    /// Milliseconds to wait for something to show, at most 30,000; a list only.
    wait_ms: Option<u64>,
}

/// Up to where the person has everything.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AckIn {
    /// The `cursor` of a list, or the id of an event.
    cursor: u64,
}

/// A list of what is to be shown, or a stream of it when the client accepts `text/event-stream`.
///
/// # Errors
/// The problem to answer with.
pub(crate) async fn events(
    state: AppState,
    address: Address,
    headers: &HeaderMap,
    query: EventsQuery,
) -> Answer {
    let after = last_event_id(headers)?.or(query.after).unwrap_or(0);
    if query.wait_ms.is_some_and(|wait| wait > LONGEST_WAIT_MS) {
        return Err(Problem::invalid(format!("`wait_ms` must be at most {LONGEST_WAIT_MS}.")));
    }
    let streams = accepts_stream(headers);
    let place = if streams || query.wait_ms.is_some() { Some(take_place(&state)?) } else { None };
    let source = Source::new(state, address, after, place);
    if streams {
        return answer(stream::stream(source));
    }
    list::list(source, query.wait_ms.unwrap_or(0)).await
}

/// The person has everything up to a place: what the team wrote up to there is deleted here.
///
/// # Errors
/// The problem to answer with.
pub(crate) async fn acknowledge(state: AppState, address: Address, input: AckIn) -> Answer {
    let until = input.cursor;
    let work = async move { state.runtime.acknowledge(&address.channel, &address.external, until).await };
    to_its_end(work).await??;
    answer(StatusCode::NO_CONTENT)
}

fn take_place(state: &AppState) -> Result<tokio::sync::OwnedSemaphorePermit, Problem> {
    state.streams.clone().try_acquire_owned().map_err(|_| {
        Problem::unavailable("Too many clients wait for events just now. Ask again in a while.", 10)
    })
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    number.map(Some).ok_or_else(|| {
        Problem::unreadable("The header Last-Event-ID must be the id of an event: a whole number.")
    })
}
