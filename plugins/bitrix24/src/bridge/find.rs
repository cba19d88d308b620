//! Looking for what an earlier transfer left in an open channel.
//!
//! Every message has an id of ours that the session's history tells again. Which session that is, the
//! first answer says; when that answer was lost, the event that a dialog began does. Where neither
//! came, nothing can be looked up: the first line, and only that, is then sent once more into the
//! same chat, and says of itself that it may be there twice. From then on the handoff does not fail by itself:
//! live agents may have the chat, in a place that nobody told us.

use handoff_sdk::{
    Result,
    model::connector::{Found, Transfer},
};
use serde_json::json;

use super::{
    mark::{self, Mark},
    outgoing, text,
    transfer::{id, line},
};
use crate::{answer::Failure, client::Client};

/// Finds out how far the transfer came.
pub(crate) async fn find(client: &Client<'_>, transfer: &Transfer) -> Result<Found> {
    let (pieces, remarks) = text::pieces(transfer);
    let kept = mark::place(client.cx, transfer.key.as_str()).await?;
    // Without a checkpoint a copy of our data may have been put back: the first line may be there.
    let unmarked = || Mark { asked: true, remarks, ..Mark::default() };
    let mut seen = Mark::of(transfer).unwrap_or_else(unmarked);
    if seen.line == 0 {
        seen.line = line(client, &transfer.options)?;
    }
    if !seen.asked {
        return Ok(so_far(seen, pieces.len(), transfer, true));
    }
    seen.place = seen.place.or(kept);
    let Some(place) = seen.place.clone() else { return Ok(never_heard(seen)) };
    match outgoing::there(client, &place).await {
        Ok(said) => {
            // Of a checkpoint that was lost, more than one message may be there.
            let is_there = |n: &usize| outgoing::has(&said, &id(transfer, *n));
            let next = (seen.next..pieces.len()).find(|n| !is_there(n)).unwrap_or(pieces.len());
            let safe_now = transfer.checkpoint.is_some() && next > seen.next;
            Ok(so_far(Mark { asked: false, next, ..seen }, pieces.len(), transfer, safe_now))
        }
        Err(Failure::Said { words, .. }) => Ok(Found::Unknown { detail: words }),
        Err(Failure::Failed(error)) => Err(error),
    }
}

fn so_far(mark: Mark, pieces: usize, transfer: &Transfer, safe_now: bool) -> Found {
    if mark.next >= pieces && mark.place.is_some() {
        return Found::There(mark.transferred(&transfer.key));
    }
    let unseen = mark.repeats > 0 && mark.place.is_none();
    Found::Partly { checkpoint: json!(mark), safe_now, held: false, unseen }
}

/// The answer to the first line was lost, and no event told of the dialog.
fn never_heard(mut mark: Mark) -> Found {
    if mark.repeats > 0 {
        let detail = "the first line was sent twice and neither answer came: look into the open channel";
        return Found::Unknown { detail: detail.to_owned() };
    }
    mark.repeats += 1;
    mark.asked = false;
    mark.remarks.push("the first line may be there twice: Bitrix24 gives no way to look it up".to_owned());
    Found::Partly { checkpoint: json!(mark), safe_now: false, held: false, unseen: true }
}
