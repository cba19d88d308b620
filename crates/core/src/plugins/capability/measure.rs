//! What connectors count and measure, for the server's metrics.

use std::{collections::BTreeMap, sync::Arc};

use handoff_model::{ConnectionId, ConnectorId};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// Different names that one connection may use.
const MOST_NAMES: usize = 50;
/// Longest name.
const LONGEST_NAME: usize = 60;

/// What a number means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeasureKind {
    /// It only grows: notes say by how much.
    Counter,
    /// It goes up and down: notes say what it is.
    Gauge,
}

/// A number that a connector keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// The connector.
    pub connector: ConnectorId,
    /// The connection that it serves.
    pub connection: ConnectionId,
    /// Its name: a-z, 0-9 and `_`.
    pub name: String,
    /// What it means.
    pub kind: MeasureKind,
    /// The number.
    pub value: f64,
}

/// A note about a number.
#[derive(Deserialize)]
pub(in crate::plugins) struct Note {
    name: String,
    kind: MeasureKind,
    value: f64,
}

/// All numbers of all connectors. They outlive generations.
#[derive(Clone, Default)]
pub(in crate::plugins) struct Measures(Arc<Mutex<BTreeMap<(ConnectionId, String), Measure>>>);

impl Measures {
    /// Takes a note; one that makes no sense is dropped.
    pub(in crate::plugins) fn take(&self, connector: &ConnectorId, connection: &ConnectionId, note: Note) {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let Note { name, kind, value } = note;
        let named = (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(fits);
        let growing = kind == MeasureKind::Gauge || value >= 0.0;
        if !named || !value.is_finite() || !growing {
            return;
        }
        let mut all = self.0.lock();
        let key = (connection.clone(), name);
        let names = all.keys().filter(|(of, _)| of == connection).count();
        if names >= MOST_NAMES && !all.contains_key(&key) {
            return;
        }
        let name = key.1.clone();
        let measure = all.entry(key).or_insert_with(|| Measure {
            connector: connector.clone(),
            connection: connection.clone(),
            name,
            kind,
            value: 0.0,
        });
        if measure.kind == kind {
            measure.value = if kind == MeasureKind::Counter { measure.value + value } else { value };
        }
    }

    /// Every number.
    pub(in crate::plugins) fn all(&self) -> Vec<Measure> {
        self.0.lock().values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_grow_gauges_move_and_nonsense_is_dropped() {
        let measures = Measures::default();
        let (connector, connection) = (ConnectorId::new("acme"), ConnectionId::new("desk"));
        let take = |name: &str, kind, value| {
            measures.take(&connector, &connection, Note { name: name.to_owned(), kind, value });
        };
        take("sent", MeasureKind::Counter, 2.0);
        take("sent", MeasureKind::Counter, 3.0);
        take("open", MeasureKind::Gauge, 7.0);
        take("open", MeasureKind::Gauge, 4.0);
        for (name, kind, value) in [
            ("Sent", MeasureKind::Counter, 1.0),
            ("", MeasureKind::Gauge, 1.0),
            ("sent", MeasureKind::Counter, -1.0),
            ("sent", MeasureKind::Gauge, 1.0),
            ("open", MeasureKind::Gauge, f64::NAN),
        ] {
            take(name, kind, value);
        }
        let all: Vec<_> = measures.all().into_iter().map(|one| (one.name, one.value)).collect();
        assert_eq!(all, [("open".to_owned(), 4.0), ("sent".to_owned(), 5.0)]);
        (0..200).for_each(|n| take(&format!("n{n}"), MeasureKind::Gauge, 1.0));
        assert_eq!(measures.all().len(), MOST_NAMES);
    }
}
