//! Asks platforms for events that do not come by themselves.
//!
//! Only connectors whose manifest says so are asked. How far a connector has come it hears again in
//! the next call, and only once the events before are on disk; after a restart it begins where the
//! platform does, and what is told twice is recognised by its key. A connector also hears which chats it carries,
//! so that it can ask the platform what was said there and never reached us.

use std::{collections::BTreeMap, time::Duration};

use futures::future::join_all;
use handoff_model::{
    ConnectionId, Timestamp,
    connector::{Poll, Polled},
};
use serde_json::{Value, json};

use super::{Runtime, TurnError};
use crate::world::{Call, CallError};

/// Longest time for one poll.
const POLLING: Duration = Duration::from_secs(30);
/// How often it is looked whether a poll is due.
const TICK: Duration = Duration::from_millis(500);
/// Bounds of what a connector may wish to wait.
const WAITS: (u64, u64) = (500, 10 * 60 * 1000);
/// After a failure, in milliseconds.
const AFTER_FAILURE: u64 = 5_000;
/// Most chats under way that a connector is told of.
const MOST_OPEN: usize = 1_000;

/// How far one connection has come.
#[derive(Debug, Clone, Default)]
struct Standing {
    cursor: Option<Value>,
    due: Option<Timestamp>,
}

impl Runtime {
    /// Polls every connection that wants it, each in its own time.
    pub(super) async fn poll_platforms(&self) {
        let mut known = BTreeMap::<ConnectionId, Standing>::new();
        loop {
            let now = self.0.parts.clock.now();
            let connections = self.connections();
            let due = connections.iter().map(|connection| connection.id.clone()).filter(|id| {
                let wants =
                    self.0.parts.connectors.manifest(id).is_some_and(|manifest| manifest.capabilities.polls);
                wants && known.get(id).and_then(|standing| standing.due).is_none_or(|due| due <= now)
            });
            let due: Vec<_> = due.map(|id| (known.get(&id).cloned().unwrap_or_default(), id)).collect();
            let polled = join_all(due.into_iter().map(|(standing, id)| self.poll_one(id, standing))).await;
            known.extend(polled);
            self.0.parts.clock.sleep(TICK).await;
        }
    }

    async fn poll_one(&self, id: ConnectionId, standing: Standing) -> (ConnectionId, Standing) {
        let cursor = standing.cursor.clone();
        let (cursor, wait) = match self.poll_once(&id, standing.cursor).await {
            Ok(polled) => (polled.cursor.or(cursor), polled.wait_ms.clamp(WAITS.0, WAITS.1)),
            Err(cause) => {
                tracing::warn!(connection.id = %id, %cause, "A platform could not be asked for events; trying again");
                (cursor, AFTER_FAILURE)
            }
        };
        let due = Some(self.0.parts.clock.now().after(Duration::from_millis(wait)));
        (id, Standing { cursor, due })
    }

    /// One poll, its events on disk when this returns.
    async fn poll_once(&self, id: &ConnectionId, cursor: Option<Value>) -> Result<Polled, String> {
        let open = self.0.parts.store.carried(id, MOST_OPEN).await.map_err(|error| error.to_string())?;
        let request = json!(Poll { cursor, open });
        let seen = self.0.parts.clock.now();
        let call = Call { verb: "poll", request, deadline: POLLING, checkpoints: None };
        let answer =
            self.0.parts.connectors.call(id, call).await.map_err(|error: CallError| error.to_string())?;
        let polled: Polled = serde_json::from_value(answer).map_err(|error| error.to_string())?;
        match self.take_each(id, &polled.events, seen).await {
            // Told already. To ask for the same events for ever would keep all later ones back.
            Ok(()) | Err(TurnError::Damaged) => Ok(polled),
            Err(error) => Err(error.to_string()),
        }
    }
}
