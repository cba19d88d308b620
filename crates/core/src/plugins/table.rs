//! Who serves what. Replaced as a whole, so that every call sees one state of it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Weak},
};

use handoff_model::{ConnectionId, ConnectorId};

use super::{ConnectionSetup, account::Account, report::ConnectionStatus, serving::Serving};

/// Who serves what, at one moment.
pub(super) struct Table {
    pub(super) connectors: Vec<Arc<Serving>>,
    /// Those that serve no new calls, while they have calls under way.
    pub(super) draining: Vec<Weak<Serving>>,
    pub(super) routes: HashMap<ConnectionId, Route>,
}

/// Where the calls of a connection go.
pub(super) enum Route {
    To(Arc<Serving>, Arc<Account>),
    Nowhere(ConnectionStatus),
}

pub(super) fn table(
    serving: &BTreeMap<ConnectorId, Arc<Serving>>,
    connections: &[ConnectionSetup],
    draining: Vec<Weak<Serving>>,
) -> Table {
    let route = |setup: &ConnectionSetup| {
        let to = serving.get(&setup.connector).and_then(|serving| {
            let account = serving.accounts().iter().find(|account| account.id == setup.id)?;
            Some(Route::To(serving.clone(), account.clone()))
        });
        (setup.id.clone(), to.unwrap_or_else(|| nowhere(setup)))
    };
    Table {
        connectors: serving.values().cloned().collect(),
        draining,
        routes: connections.iter().map(route).collect(),
    }
}

fn nowhere(setup: &ConnectionSetup) -> Route {
    let problem =
        format!("no loaded plugin brings the connector {}; see the report on plugin files", setup.connector);
    Route::Nowhere(ConnectionStatus {
        id: setup.id.clone(),
        connector: setup.connector.clone(),
        problems: vec![problem],
    })
}
