//! A chat's way into an open channel.

use handoff_sdk::{
    Advice, ConnectorError, Result,
    model::connector::{Transfer, Transferred},
    tracing::warn,
};
use serde_json::{Value, json};

use super::{
    mark::{self, Mark},
    outgoing,
    text::{self, Piece},
};
use crate::{answer::Failure, checkpoint::choice, client::Client, crm, wire};

/// Stands before a first line that may be there twice.
const REPEATED: &str = "(perhaps repeated) ";

/// The id of a message of the hand-over.
pub(crate) fn id(transfer: &Transfer, n: usize) -> String {
    format!("{}.h{n}", transfer.key)
}

/// The open channel that is to take the chat.
///
/// # Errors
/// [`ConnectorError::Refused`] when none was chosen.
pub(crate) fn line(client: &Client<'_>, options: &Value) -> Result<u64> {
    choice(options, "line")?.or(client.portal.settings.line).ok_or_else(|| ConnectorError::Refused {
        detail: "no open channel is chosen: set line in the connection or in the action".to_owned(),
    })
}

/// Sends the hand-over piece by piece, each with a checkpoint before it.
pub(crate) async fn transfer(client: &Client<'_>, transfer: &Transfer) -> Result<Transferred> {
    let line = line(client, &transfer.options)?;
    let (pieces, remarks) = text::pieces(transfer);
    let mut mark = Mark::of(transfer).unwrap_or_else(|| Mark { line, remarks, ..Mark::default() });
    if mark.asked {
        return Err(ConnectorError::Lost {
            detail: "what became of the last message is not known".to_owned(),
        });
    }
    while let Some(piece) = pieces.get(mark.next) {
        step(client, transfer, &mut mark, piece).await?;
        if mark.next == 1 && mark.repeats > 0 {
            pass_over(client, transfer, &mut mark, pieces.len()).await?;
        }
    }
    ask_for_person(client, transfer, &mut mark).await?;
    link(client, &mut mark).await;
    mark.save(client.cx).await?;
    Ok(mark.transferred(&transfer.key))
}

/// The answer to a first line that was repeated says at last where the chat is: what follows may be there as well.
async fn pass_over(client: &Client<'_>, transfer: &Transfer, mark: &mut Mark, pieces: usize) -> Result<()> {
    let Some(place) = &mark.place else { return Ok(()) };
    let said = match outgoing::there(client, place).await {
        Ok(said) => said,
        Err(Failure::Said { words, .. }) => return Err(ConnectorError::Lost { detail: words }),
        Err(Failure::Failed(error)) => return Err(error),
    };
    while mark.next < pieces && outgoing::has(&said, &id(transfer, mark.next)) {
        mark.next += 1;
    }
    Ok(())
}

async fn step(client: &Client<'_>, transfer: &Transfer, mark: &mut Mark, piece: &Piece) -> Result<()> {
    let mut piece = piece.clone();
    if mark.next == 0 && mark.repeats > 0 {
        piece.text.insert_str(0, REPEATED);
    }
    mark.asked = true;
    mark.save(client.cx).await?;
    let id = id(transfer, mark.next);
    match outgoing::send(client, mark.line, &transfer.key, &transfer.person, &id, &piece).await {
        Ok(place) => {
            mark::remember(client.cx, transfer.key.as_str(), &place).await?;
            mark.place = Some(place);
            mark.next += 1;
            mark.asked = false;
            Ok(())
        }
        Err(error) if error.advice() == Advice::LookFirst => Err(error),
        Err(error) => {
            // Nothing was done, so that the next attempt need not look.
            mark.asked = false;
            mark.save(client.cx).await?;
            Err(error)
        }
    }
}

/// A chosen person is asked once; when that does not work, the open channel's queue has the chat.
async fn ask_for_person(client: &Client<'_>, transfer: &Transfer, mark: &mut Mark) -> Result<()> {
    let Some(person) = choice(&transfer.options, "user")?.filter(|_| !mark.person_asked) else {
        return Ok(());
    };
    let Some(chat) = mark.place.as_ref().map(|place| place.chat) else { return Ok(()) };
    mark.person_asked = true;
    mark.save(client.cx).await?;
    let body = json!({ "CHAT_ID": chat, "USER_ID": person });
    if let Err(failure) = client.act("imopenlines.operator.transfer", &body).await {
        let error = ConnectorError::from(failure);
        warn!("The chosen person could not be asked: {error}");
        mark.remarks
            .push("the chosen person could not be asked; the open channel's queue has the chat".to_owned());
    }
    Ok(())
}

/// Notes what the open channel made of the chat in the CRM. For the receipt only, so a failure is no matter.
async fn link(client: &Client<'_>, mark: &mut Mark) {
    let Some(place) = &mark.place else { return };
    if let Ok(seen) = client.read("imopenlines.dialog.get", &json!({ "CHAT_ID": place.chat })).await {
        mark.remarks.extend(crm::remark(wire::text(&seen["entity_data_1"])));
    }
}
