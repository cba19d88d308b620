//! The plugin folder as the console shows it, and what can be done about it there.

use std::{path::PathBuf, sync::Arc};

use handoff_core::{
    plugins::{self, ConnectorStatus, FileReport, FileState, Mode, Quarantine, Refusal, Registry},
    world::Clock,
};
use handoff_model::ConnectorId;
use handoff_server::console::{ConnectorDesk, ConnectorState, ConnectorView, QuarantineView};

/// The registry and its private store, for the console.
pub(super) struct Desk {
    pub(super) registry: Arc<Registry>,
    pub(super) vault: PathBuf,
    pub(super) clock: Arc<dyn Clock>,
}

impl ConnectorDesk for Desk {
    fn files(&self) -> Vec<ConnectorView> {
        let status = self.registry.status();
        let serving = |file: &FileReport| {
            let loaded = matches!(file.state, FileState::Loaded);
            status.iter().find(|connector| loaded && Some(&connector.sha256) == file.sha256.as_ref()).cloned()
        };
        self.registry.report().into_iter().map(|file| view(serving(&file), file)).collect()
    }

    fn measures(&self) -> Vec<plugins::Measure> {
        self.registry.measures()
    }

    fn quarantine(&self) -> Vec<QuarantineView> {
        let records = Quarantine::of(&self.vault).list().into_iter();
        let view = |record: plugins::Record| QuarantineView {
            id: record.id.to_string(),
            version: record.version,
            file: record.file,
            sha256: record.sha256,
            stage: record.stage.name().to_owned(),
            since: record.at.to_string(),
            reason: record.reason,
            remedy: record.remedy,
        };
        records.map(view).collect()
    }

    fn roll_back(&self, id: &str) -> Result<(), String> {
        plugins::set_back(&self.vault, &ConnectorId::new(id), self.clock.now()).map(drop)
    }

    fn release(&self, sha256: &str) -> Result<(), String> {
        plugins::release(&self.vault, sha256).map(drop)
    }
}

fn view(serving: Option<ConnectorStatus>, file: FileReport) -> ConnectorView {
    let (state, stage, reason, remedy) = match file.state {
        FileState::Loaded => (ConnectorState::Loaded, None, None, None),
        FileState::Refused(Refusal { stage, reason, remedy }) => {
            (ConnectorState::Refused, Some(stage.name().to_owned()), Some(reason), Some(remedy))
        }
        FileState::Ignored { reason } => (ConnectorState::Ignored, None, Some(reason), None),
    };
    let known = ConnectorView {
        id: file.id.map(|id| id.to_string()).unwrap_or_default(),
        version: file.version.unwrap_or_default(),
        file: file.file,
        state,
        stage,
        reason,
        remedy,
        trust: file.trust.map(|trust| trust.name().to_owned()).unwrap_or_default(),
        sha256: file.sha256.unwrap_or_default(),
        ..ConnectorView::default()
    };
    let Some(serving) = serving else { return known };
    ConnectorView {
        name: serving.name,
        generation: serving.generation,
        since: serving.since.to_string(),
        on_probation: serving.on_probation,
        mode: match serving.mode {
            Mode::InProcess => "in_process".to_owned(),
            Mode::Worker => "worker".to_owned(),
        },
        confined: serving.confined,
        ends: serving.ends,
        calls: serving.calls,
        errors: serving.errors,
        faults: serving.faults,
        last_error: serving.last_error.map(|last| last.text).unwrap_or_default(),
        ..known
    }
}
