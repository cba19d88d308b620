//! Events as a list, with waiting when there are none.

use std::time::Duration;

use serde::Serialize;

use super::{
    super::{Answer, answer, view::Line},
    Source,
};
use crate::web::Json;

/// What is to be shown after a cursor.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Events {
    events: Vec<Line>,
    /// Where the next list begins, and what to acknowledge once the events are kept.
    cursor: u64,
}

/// What is there, or what comes while the client waits.
pub(super) async fn list(mut source: Source, wait_ms: u64) -> Answer {
    let longest = source.state.options.request_timeout / 2;
    let end = source.state.runtime.clock().sleep(Duration::from_millis(wait_ms).min(longest));
    tokio::pin!(end);
    loop {
        let events = source.read().await?;
        if !events.is_empty() || wait_ms == 0 {
            return answer(Json::<_>(Events { events, cursor: source.after }));
        }
        let goes_on = tokio::select! {
            goes_on = source.wait() => goes_on,
            () = &mut end => false,
        };
        if !goes_on {
            return answer(Json::<_>(Events { events: Vec::new(), cursor: source.after }));
        }
    }
}
