//! Looking what an earlier transfer left behind.
//!
//! The proof is who holds the chat now: a live agent, or nobody while the bot is out of it. A bot
//! that is still in it proves nothing on open channels where it stays until the end. There,
//! asking the queue once more is harmless, and the answer is the proof.

use handoff_sdk::{
    Result,
    model::connector::{Found, Transfer},
};

use crate::{
    bot,
    chat::{self, HIDDEN, Unseen},
    checkpoint::{Checkpoint, Target},
    client::Client,
    comeback,
    recipe::{chat_of, found_passed_on, is_moved},
};

/// Finds out whether the chat was passed on.
pub(crate) async fn find(client: &Client<'_>, transfer: &Transfer) -> Result<Found> {
    let found = look(client, transfer).await?;
    if let Found::There(done) = &found {
        let (chat, session) = (chat_of(transfer)?, done.ticket.label.as_deref());
        comeback::remember(client.cx, chat, session, comeback::wanted(&transfer.options)?).await?;
    }
    Ok(found)
}

async fn look(client: &Client<'_>, transfer: &Transfer) -> Result<Found> {
    let chat = chat_of(transfer)?;
    let target = Target::chosen(&transfer.options, &client.portal.settings)?;
    let earlier = match Checkpoint::of(transfer) {
        Some(done) if done.asked => return Ok(Found::There(done.transferred(chat))),
        earlier => earlier,
    };
    let bot = bot::number(client).await?;
    let seen = match chat::look(client, bot, chat).await {
        Ok(seen) => seen,
        Err(Unseen::Hidden) => return Ok(Found::Unknown { detail: HIDDEN.to_owned() }),
        Err(Unseen::Failed(error)) => return Err(error),
    };
    let earlier = earlier.filter(|point| point.session == seen.session);
    let again = earlier.is_some();
    let mut point = earlier.unwrap_or_else(|| Checkpoint::begin(&seen, target));
    let nothing_open = seen.session.is_none() && seen.owner.is_none();
    if nothing_open || (seen.may_be_ours() && !(again && is_moved(&seen, &point))) {
        return Ok(Found::Absent { safe_now: nothing_open || point.target == Target::Queue });
    }
    if !again {
        point.remarks.push(found_passed_on(&seen).to_owned());
    }
    Ok(Found::There(point.done(seen.owner.is_some()).transferred(chat)))
}
