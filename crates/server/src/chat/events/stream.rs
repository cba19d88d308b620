//! Events as a stream of server-sent events.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::response::{
    IntoResponse,
    sse::{Event, KeepAlive, Sse},
};
use futures::stream;

use super::{super::view::Line, Source};

/// How often a silent stream says that it is still there, so that nothing on the way closes it.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Each line as an event whose id is its place. The stream ends when the server stops or fails;
/// the client comes back with `Last-Event-ID`.
pub(super) fn stream(source: Source) -> impl IntoResponse {
    let following = Following { source, waiting: VecDeque::new() };
    let events = stream::unfold(following, |mut following| async move {
        let line = following.next().await?;
        Some((Ok::<_, Infallible>(event(&line)), following))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

struct Following {
    source: Source,
    waiting: VecDeque<Line>,
}

impl Following {
    async fn next(&mut self) -> Option<Line> {
        loop {
            if let Some(line) = self.waiting.pop_front() {
                return Some(line);
            }
            self.waiting = self.source.read().await.ok()?.into();
            if self.waiting.is_empty() && !self.source.wait().await {
                return None;
            }
        }
    }
}

fn event(line: &Line) -> Event {
    let event = Event::default().id(line.seq.to_string());
    // Plain data cannot fail to become JSON; a line that did would be told by its id alone.
    serde_json::to_string(line).map_or_else(|_| event.clone(), |json| event.clone().data(json))
}
