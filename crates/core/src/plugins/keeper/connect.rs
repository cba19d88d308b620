//! Other connections for the files that serve.

use std::sync::Arc;

use handoff_model::ConnectorId;
use tracing::info;

use super::{Keeper, Sight};
use crate::plugins::{ConnectionSetup, serving::Serving};

impl Keeper {
    /// Serves other connections, with the files as they were seen last.
    pub(in crate::plugins) fn connect(&mut self, connections: Vec<ConnectionSetup>, sight: &Sight) {
        let before = std::mem::replace(&mut self.connections, connections);
        let of = |all: &[ConnectionSetup], id: &ConnectorId| {
            let mut ours: Vec<_> = all.iter().filter(|setup| setup.connector == *id).cloned().collect();
            ours.sort_by(|one, other| one.id.cmp(&other.id));
            ours
        };
        let changed = self.serving.keys().filter(|id| of(&before, id) != of(&self.connections, id));
        self.reconnect = changed.cloned().collect();
        self.apply(sight);
        self.reconnect.clear();
    }

    /// The same file once more, for other connections: whatever goes wrong with those is not the file's fault.
    pub(super) fn renew(&mut self, current: &Serving) -> Arc<Serving> {
        let image = current.image().clone();
        let accounts = self.accounts(&image.manifest);
        let (next, ready) = Serving::start(
            image,
            accounts,
            &self.options,
            self.world.clone(),
            current.generation(),
            current.baseline(),
        );
        let _ = ready.recv_timeout(self.options.limits.hangs_after);
        let id = &next.manifest().id;
        info!(connector = %id, "Connector {id} serves {} connections", next.accounts().len());
        next
    }
}
