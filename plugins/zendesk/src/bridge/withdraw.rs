//! Takes back a conversation that live agents never got.

use handoff_sdk::{
    Result,
    model::connector::{Transfer, Withdrawn},
};

use super::{
    conversation,
    history::History,
    mark::{Mark, Step},
    user,
};
use crate::{address::encoded, client::Client, lines, wire::Conversation};

/// Deletes what an attempt left behind, as far as that is ours to delete.
pub(crate) async fn withdraw(client: Client<'_>, transfer: &Transfer) -> Result<Withdrawn> {
    let left = Mark::read(transfer.checkpoint.as_ref()).unwrap_or_default();
    let remark = match left_behind(&client, transfer, &left).await? {
        None => "no conversation was left on Zendesk".to_owned(),
        Some(found) if is_with_live_agents(&client, transfer, &left, &found).await? => {
            format!("the conversation {} stays: live agents have or had it", found.id)
        }
        Some(found) => delete(&client, &found).await?,
    };
    Ok(Withdrawn { remarks: vec![remark] })
}

async fn left_behind(client: &Client<'_>, transfer: &Transfer, left: &Mark) -> Result<Option<Conversation>> {
    if !left.conversation.is_empty() {
        return conversation::get(client, &left.conversation).await;
    }
    let user = match left.user.as_str() {
        "" => user::find(client, &transfer.person).await?,
        id => Some(id.to_owned()),
    };
    let Some(user) = user else { return Ok(None) };
    let all = conversation::list(client, &user).await?;
    match conversation::with_key(&all, &transfer.key).first() {
        Some(ours) => conversation::get(client, &ours.id).await,
        None => Ok(None),
    }
}

async fn is_with_live_agents(
    client: &Client<'_>,
    transfer: &Transfer,
    left: &Mark,
    found: &Conversation,
) -> Result<bool> {
    if left.step >= Step::Passed || found.is_held_by(&client.settings.target) {
        return Ok(true);
    }
    let lines = lines::of_transcript(&transfer.transcript);
    Ok(History::load(client, &transfer.key, &found.id, &lines).await?.touched)
}

async fn delete(client: &Client<'_>, found: &Conversation) -> Result<String> {
    let answer = client.delete(&format!("/conversations/{}", encoded(&found.id))).await?;
    if answer.status == 400 {
        // A user's first conversation cannot be deleted.
        return Ok(format!("the conversation {} stays: {}", found.id, answer.words()));
    }
    if !answer.is_missing() {
        answer.accept()?;
    }
    Ok(format!("the conversation {} was deleted", found.id))
}
