//! A ticket of a handoff that failed: it is closed off, so that nobody answers a chat that the assistant goes on with.

use handoff_sdk::{
    Result,
    model::connector::{Transfer, Withdrawn},
};
use serde_json::json;

use super::find::looked_up;
use crate::{address::encoded, support::Support};

/// What the team reads.
const WHY: &str = "This chat was not handed over: the assistant went on with it. There is nothing to answer.";

/// Solves the ticket, if one was made.
pub(crate) async fn withdraw(support: Support<'_>, transfer: &Transfer) -> Result<Withdrawn> {
    let remark = match looked_up(&support, transfer, &[]).await? {
        None => "no ticket was left on Zendesk".to_owned(),
        Some(there) => {
            let comment = json!({ "body": WHY, "public": false });
            let path = format!("/tickets/{}", encoded(&there.ticket.chat));
            let solved = json!({ "ticket": { "status": "solved", "comment": comment } });
            let answer = support.put(&path, &solved).await?;
            let label = there.ticket.label.unwrap_or_default();
            match answer.status {
                422 => format!("the ticket {label} stays as it is: {}", answer.words()),
                _ => answer.accept().map(|_| format!("the ticket {label} was solved, with a remark"))?,
            }
        }
    };
    Ok(Withdrawn { remarks: vec![remark] })
}
