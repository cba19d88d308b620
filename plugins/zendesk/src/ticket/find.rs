//! Looks for the ticket by its external id. Zendesk's search would not do: its index lags by minutes.

use handoff_sdk::{
    Result,
    model::connector::{Found, Transfer, Transferred},
};
use serde_json::{Value, json};

use super::{body::external_id, create::made, mark::Mark};
use crate::{
    address::encoded,
    client::unavailable,
    support::{Support, entries},
    wire::text,
};

/// What an earlier transfer left behind.
pub(crate) async fn find(support: Support<'_>, transfer: &Transfer) -> Result<Found> {
    let mark = Mark::read(transfer.checkpoint.as_ref());
    let remarks = mark.as_ref().map(|mark| mark.remarks.clone()).unwrap_or_default();
    if let Some(there) = looked_up(&support, transfer, &remarks).await? {
        return Ok(Found::There(there));
    }
    Ok(match mark {
        // The key was spent on a body that made no ticket.
        Some(mut mark) if mark.spoilt => {
            mark.revise(String::new());
            Found::Partly { checkpoint: json!(mark), safe_now: false, held: false, unseen: false }
        }
        // The same bytes under the same key make no second ticket; once the key may be forgotten, the
        // transfer looks again before it sends.
        Some(mark) => Found::Partly { checkpoint: json!(mark), safe_now: true, held: false, unseen: false },
        // Without a checkpoint nothing was sent, or its key is not known here any more.
        None => Found::Absent { safe_now: transfer.checkpoint.is_none() },
    })
}

/// The handoff's ticket; the oldest, should there be several.
pub(super) async fn looked_up(
    support: &Support<'_>,
    transfer: &Transfer,
    remarks: &[String],
) -> Result<Option<Transferred>> {
    let mut tickets = list(support, transfer).await?;
    tickets.sort_by_key(|ticket| ticket["id"].as_u64());
    let Some(oldest) = tickets.first() else { return Ok(None) };
    let mut remarks = remarks.to_vec();
    if tickets.len() > 1 {
        let others: Vec<_> = tickets[1..].iter().map(|ticket| format!("#{}", text(ticket, "id"))).collect();
        remarks.push(format!("there is more than one ticket; to be closed: {}", others.join(", ")));
    }
    made(support, oldest, remarks).map(Some)
}

/// Tickets of the handoff. Zendesk's list is compared once more: a filter that it does not know it ignores.
async fn list(support: &Support<'_>, transfer: &Transfer) -> Result<Vec<Value>> {
    let wanted = external_id(transfer);
    let answer = support.get(&format!("/tickets?external_id={}", encoded(&wanted))).await?;
    let body = answer.accept()?;
    if !body["tickets"].is_array() {
        return Err(unavailable("Zendesk's list of tickets is no list"));
    }
    let ours = entries(&body["tickets"]).iter().filter(|ticket| text(ticket, "external_id") == wanted);
    Ok(ours.cloned().collect())
}
