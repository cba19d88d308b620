//! Control goes from the assistant to the live agents.
//!
//! The conversation is on Zendesk, so there is one step. It names its target and is harmless to repeat.
//! That it may have been taken is kept before it is, and that it was taken is seen, not believed.

use handoff_sdk::{
    ConnectorError, Result,
    model::{
        TicketRef,
        connector::{Found, Speaker, Transfer, Transferred, Withdrawn},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::place::{self, Place};
use crate::{
    address,
    bridge::{control, conversation, fields, history::back, in_doubt},
    client::{Client, lost, refused},
    wire::{Message, keys, text},
};

/// The checkpoint: control may have been passed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    /// The first message of the session, from which on live agents see the chat.
    first: String,
    /// For the receipt.
    remarks: Vec<String>,
}

/// Passes control, going on from the checkpoint.
///
/// # Errors
/// Refused only when control is seen not to have been passed; Lost when nobody can tell.
pub(crate) async fn transfer(client: Client<'_>, transfer: &Transfer) -> Result<Transferred> {
    let chat = chat(transfer)?;
    let before: Option<Mark> = match &transfer.checkpoint {
        None => None,
        Some(given) => {
            Some(serde_json::from_value(given.clone()).map_err(|_| lost("the checkpoint cannot be read"))?)
        }
    };
    let again = before.is_some();
    let settings = client.settings;
    let now = conversation::get(&client, chat).await.map_err(|error| doubt_if(again, error))?;
    let now = now.ok_or_else(|| doubt_if(again, refused("the conversation is gone")))?;
    if now.is_held_by(&settings.target) {
        return held(&client, transfer, before.unwrap_or_default()).await;
    }
    if now.active.is_some() && !now.is_held_by(&settings.integration_name) {
        return Err(doubt_if(again, refused("another bot has control of the conversation")));
    }
    let mut mark = match before {
        Some(mark) => mark,
        None => Mark { first: first_message(&client, transfer, chat).await?, remarks: Vec::new() },
    };
    let mut fields = fields::of(transfer, &mark.first, "");
    fields.metadata.insert(keys::HANDOFF.to_owned(), json!(transfer.key));
    mark.remarks = std::mem::take(&mut fields.remarks);
    keep(&client, transfer, false).await?;
    client.cx.checkpoint(&json!(mark)).await?;
    let remark = control::give(&client, chat, fields.metadata, again).await?;
    mark.remarks.extend(remark);
    held(&client, transfer, mark).await
}

/// What an earlier transfer left behind.
pub(crate) async fn find(client: Client<'_>, transfer: &Transfer) -> Result<Found> {
    let mark = transfer.checkpoint.clone().and_then(|given| serde_json::from_value::<Mark>(given).ok());
    match conversation::get(&client, chat(transfer)?).await? {
        None => Ok(Found::Unknown {
            detail: "the conversation was deleted while control was being passed".to_owned(),
        }),
        Some(now) if now.is_held_by(&client.settings.target) => {
            held(&client, transfer, mark.unwrap_or_default()).await.map(Found::There)
        }
        Some(_) => Ok(match mark {
            Some(mark) => {
                Found::Partly { checkpoint: json!(mark), safe_now: true, held: false, unseen: false }
            }
            None => Found::Absent { safe_now: true },
        }),
    }
}

/// Nothing was made, so there is nothing to take back.
pub(crate) fn withdraw() -> Withdrawn {
    Withdrawn {
        remarks: vec!["control stays where it is: a pass that was refused leaves nothing behind".to_owned()],
    }
}

/// Live agents have the chat. Events that say otherwise are old from now on, unless Zendesk says so when asked.
async fn held(client: &Client<'_>, transfer: &Transfer, mark: Mark) -> Result<Transferred> {
    keep(client, transfer, true).await.map_err(in_doubt)?;
    let url = address::workspace(&client.settings.base_url);
    let ticket = TicketRef { chat: chat(transfer)?.to_owned(), label: None, url };
    Ok(Transferred { ticket, queued: false, remarks: mark.remarks })
}

async fn keep(client: &Client<'_>, transfer: &Transfer, passed: bool) -> Result<()> {
    let place = Place { handoff: transfer.key.clone(), session: transfer.platform_session.clone(), passed };
    place::keep(client.cx, chat(transfer)?, &place).await
}

fn chat(transfer: &Transfer) -> Result<&str> {
    transfer.chat.as_deref().ok_or_else(|| refused("the transfer names no conversation"))
}

fn doubt_if(again: bool, error: ConnectorError) -> ConnectorError {
    if again { in_doubt(error) } else { error }
}

/// The first message of the session: what the person wrote right before the assistant's first words, or
/// those words.
async fn first_message(client: &Client<'_>, transfer: &Transfer, chat: &str) -> Result<String> {
    let spoken = transfer.transcript.iter().find(|message| message.speaker == Speaker::Assistant);
    let ending = spoken.map(|message| format!("-{}", message.seq)).unwrap_or_default();
    let is_first = |message: &Message| {
        !ending.is_empty() && text(&json!(message.metadata), keys::SENT).ends_with(&ending)
    };
    let mut messages = back(client, chat, is_first).await?;
    // The order within a page is not documented.
    messages.sort_by(|a, b| a.received.cmp(&b.received));
    let from = messages.iter().position(is_first).unwrap_or(messages.len());
    let earlier = messages[..from].iter().rev().take_while(|message| message.author == "user").last();
    let first = earlier.or_else(|| messages.get(from));
    Ok(first.map(|message| message.id.clone()).unwrap_or_default())
}
