//! Two connections of one connector that know nothing of each other.

use serde_json::json;

use super::{
    Done, Subject,
    handoff::{begin, begin_as, once, read},
};
use crate::{Failure, Promise, stage::House};

/// Each chat goes to the platform of its own connection.
pub(crate) async fn connections(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    let (one, first) = begin(subject, house).await?;
    let (other, second) = begin_as(subject, house, "kit-handoff-2").await?;
    // One after the other, and then the first again: whoever keeps something shows it now.
    for (stage, transfer, stranger) in [(&one, &first, &other), (&other, &second, &one)] {
        let before = stranger.scene.requests();
        let answer = stage.call("transfer", json!(transfer)).await.map_err(|trouble| {
            let text =
                format!("beside another connection of the same connector a transfer ends with: {trouble}");
            stage.failure(Promise::P5, text)
        })?;
        let held = read(stage, "transfer", answer)?;
        if stranger.scene.requests() > before {
            let text = "what one connection was asked to do went to the platform of another";
            return Err(stranger.failure(Promise::P5, text));
        }
        once(stage, transfer, &held).await?;
    }
    Ok(Done::Passed)
}
