//! A registry that follows a folder of its own, in which the connector's file can be exchanged.

use std::{collections::VecDeque, fs, io, path::PathBuf, sync::Arc, time::Duration};

use handoff_core::plugins::{Options, Registry};
use serde_json::Value;

use crate::{
    Failure, Promise,
    scenario::Platform,
    stage::{House, Room, Stage, fresh},
};

/// A folder in which the file can be exchanged, and what serves from it.
pub(crate) struct Moving {
    pub(crate) registry: Arc<Registry>,
    pub(crate) vault: PathBuf,
    /// How long an exchange may take.
    pub(crate) patience: Duration,
    folder: PathBuf,
    rooms: VecDeque<Room>,
}

impl Moving {
    /// Puts this file into the place of the one that is there.
    pub(crate) fn put(&self, file: &[u8]) -> io::Result<()> {
        let part = self.folder.join("plugin.so.part");
        fs::write(&part, file)?;
        fs::rename(part, self.folder.join("plugin.so"))
    }
}

impl House {
    /// A folder with this file, and so many connections.
    pub(crate) async fn moving(
        &mut self,
        file: &[u8],
        settings: &(dyn Fn(&str) -> Value + Sync),
        connections: usize,
    ) -> Result<Moving, Failure> {
        let place = self.place.join(format!("moving-{}", fresh()));
        let (folder, vault) = (place.join("plugins"), place.join("vault"));
        let put = fs::create_dir_all(&folder).and_then(|()| fs::write(folder.join("plugin.so"), file));
        put.map_err(|error| Failure::new(Promise::P7, format!("no scratch folder: {error}")))?;
        let options =
            Options { folder: folder.clone(), vault: vault.clone(), follow: true, ..self.options() };
        let rooms = self.rooms(&options, settings, connections).await?.into();
        let patience = self.terms.patience;
        Ok(Moving { registry: self.latest()?, vault, patience, folder, rooms })
    }

    /// One of its connections before this platform.
    pub(crate) fn enter(&self, moving: &mut Moving, platform: Arc<dyn Platform>) -> Result<Stage, Failure> {
        let room =
            moving.rooms.pop_front().ok_or_else(|| Failure::new(Promise::P7, "no connection is left"))?;
        Ok(self.occupy(room, platform))
    }
}
