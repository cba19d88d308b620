//! Connections that administrators made.

use futures::future::BoxFuture;
use handoff_core::{
    handoff::HandoffState,
    store::{ConnectionRow, Connections, Result, StoreError},
};
use handoff_model::ConnectionId;

use super::{Memory, State};

impl Connections for Memory {
    fn connection_rows(&self) -> BoxFuture<'_, Result<Vec<ConnectionRow>>> {
        self.with(|state| Ok(state.connections.values().cloned().collect()))
    }

    fn save_connection(&self, row: ConnectionRow) -> BoxFuture<'_, Result<u64>> {
        self.with(|state| {
            let known = state.connections.get(&row.id).map_or(0, |known| known.revision);
            if known != row.revision {
                return Err(StoreError::Conflict);
            }
            let revision = known + 1;
            state.connections.insert(row.id.clone(), ConnectionRow { revision, ..row });
            Ok(revision)
        })
    }

    fn remove_connection(&self, id: &ConnectionId, revision: u64) -> BoxFuture<'_, Result<u64>> {
        self.with(|state| {
            if state.connections.get(id).is_none_or(|known| known.revision != revision) {
                return Err(StoreError::Conflict);
            }
            let open = state.open_handoffs(id);
            if open == 0 {
                state.connections.remove(id);
                state.kept.retain(|(connection, _), _| connection != id);
                state.parked.retain(|_, parked| parked.connection != *id);
            }
            Ok(open)
        })
    }
}

impl State {
    /// Handoffs of a connection that are not at their end, or about which something is still to be done.
    fn open_handoffs(&self, id: &ConnectionId) -> u64 {
        let open = self.handoffs.values().filter(|handoff| handoff.connection == *id).filter(|handoff| {
            let over = matches!(
                handoff.state,
                HandoffState::Accepted { .. } | HandoffState::Closed { .. } | HandoffState::Failed { .. }
            );
            !over || self.effects.values().any(|effect| effect.row.handoff.as_ref() == Some(&handoff.id))
        });
        open.count() as u64
    }
}
