//! The person's later words.

use std::time::Duration;

use handoff_sdk::{
    ConnectorError, Result,
    model::connector::{Forward, Sent, Speaker},
};

use super::{history::History, mark::Mark, post, user};
use crate::{
    client::{Client, refused},
    lines,
};

/// Pauses between looks for a call whose answer was lost, in seconds: together as long as Zendesk may still work
/// on it. Only what is not there after the last of them is posted again.
pub(crate) const LOOKS: [u64; 5] = [1, 2, 4, 8, 15];

/// Posts the words in the person's name, once.
pub(crate) async fn forward(client: Client<'_>, words: &Forward) -> Result<Sent> {
    let name = words.person.name.as_deref().unwrap_or_default();
    let lines = lines::of_message(words.seq, Speaker::Person, name, &words.content);
    let user = author(&client, words).await?;
    let mut there = there(&client, words, lines.len()).await?;
    for pause in LOOKS {
        if !words.maybe_sent || there.beginning(&lines) == lines.len() {
            break;
        }
        client.cx.sleep(Duration::from_secs(pause)).await;
        there = self::there(&client, words, lines.len()).await?;
    }
    let mut sent = Sent::default();
    let mut replaced = Vec::new();
    for line in &lines {
        if let Some(id) = there.id(line) {
            sent.external_ids.push(id.to_owned());
            continue;
        }
        let posted = post::line(&client, &words.handoff, &words.ticket.chat, &user, line).await?;
        sent.external_ids.push(posted.id);
        replaced.extend(posted.replaced);
    }
    sent.replaced = (!replaced.is_empty()).then(|| replaced.join("; "));
    Ok(sent)
}

/// Which parts are there. A single part that was never sent cannot be.
async fn there(client: &Client<'_>, words: &Forward, parts: usize) -> Result<History> {
    // Of several parts an earlier attempt may have posted some and then been told to wait.
    if !words.maybe_sent && parts < 2 {
        return Ok(History::default());
    }
    History::since(client, &words.handoff, &words.ticket.chat, words.seq).await
}

async fn author(client: &Client<'_>, words: &Forward) -> Result<String> {
    if let Some(mark) = Mark::read(words.checkpoint.as_ref()).filter(|mark| !mark.user.is_empty()) {
        return Ok(mark.user);
    }
    let found = match user::find(client, &words.person).await? {
        Some(user) => Some(user),
        None => user::participant(client, &words.ticket.chat).await?,
    };
    found.ok_or_else(|| -> ConnectorError { refused("the person is no longer known to Zendesk") })
}
