//! The plugin folder as the console shows it.

use handoff_core::plugins::{FileState, Registry};
use handoff_server::console::{ConnectorState, ConnectorView};

pub(super) fn views(registry: &Registry) -> Vec<ConnectorView> {
    let status = registry.status();
    let view = |file: handoff_core::plugins::FileReport| {
        let serving = status.iter().find(|connector| connector.file == file.file);
        let (state, reason, remedy) = match file.state {
            FileState::Loaded => (ConnectorState::Loaded, None, None),
            FileState::Refused(refusal) => {
                (ConnectorState::Refused, Some(refusal.reason), Some(refusal.remedy))
            }
            FileState::Ignored { reason } => (ConnectorState::Ignored, Some(reason), None),
        };
        ConnectorView {
            id: file.id.map(|id| id.to_string()).unwrap_or_default(),
            name: serving.map(|connector| connector.name.clone()).unwrap_or_default(),
            version: file.version.unwrap_or_default(),
            file: file.file,
            state,
            reason,
            remedy,
            calls: serving.map_or(0, |connector| connector.calls),
            errors: serving.map_or(0, |connector| connector.errors),
        }
    };
    registry.report().into_iter().map(view).collect()
}
