//! `checkpoint`: stores how far a transfer has come.

use handoff_model::connector::ConnectorError;
use serde_json::Value;

use super::{Fault, answer};
use crate::world::Checkpoints;

/// Largest checkpoint, in bytes of JSON.
const MAX_CHECKPOINT: usize = 256 * 1024;

/// Stores a checkpoint. A call that takes none, or is over, is told to stop.
pub(in crate::plugins) async fn store(
    sink: Option<&dyn Checkpoints>,
    checkpoint: Value,
) -> Result<Vec<u8>, Fault> {
    let sink = sink.ok_or(Fault::Connector(ConnectorError::Superseded))?;
    if checkpoint.to_string().len() > MAX_CHECKPOINT {
        return Err(Fault::Bad("the checkpoint is larger than 256 KiB".to_owned()));
    }
    sink.store(checkpoint).await.map_err(Fault::Connector)?;
    answer(&())
}
