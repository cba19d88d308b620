//! What the person typed while the ticket was being made: an internal comment for each message.

use std::time::Duration;

use handoff_sdk::{
    Result,
    model::connector::{Forward, Sent},
};
use serde_json::{Value, json};

use super::{files::Files, mark::Mark, transcript};
use crate::{
    address::encoded,
    bridge::LOOKS,
    support::{Support, entries},
    wire::text,
};

/// Whether words belong to a ticket rather than to a chat.
pub(crate) fn is_ticket(words: &Forward) -> bool {
    Mark::read(words.checkpoint.as_ref()).is_some()
}

/// Adds the words, unless they are there.
pub(crate) async fn forward(support: Support<'_>, words: &Forward) -> Result<Sent> {
    let head = head(words);
    let path = format!("/tickets/{}", encoded(&words.ticket.chat));
    if words.maybe_sent && turns_up(&support, &path, &head).await? {
        return Ok(Sent::default());
    }
    let body = format!("{head}\n{}", transcript::words(&words.content));
    let files = Files::upload(&support, std::iter::once(&words.content)).await?;
    let mut comment = json!({ "body": body, "public": false });
    files.attach(&mut comment);
    support.put(&path, &json!({ "ticket": { "comment": comment } })).await?.accept()?;
    let replaced = (!files.left_out.is_empty()).then(|| files.left_out.join("; "));
    Ok(Sent { replaced, ..Sent::default() })
}

/// The comment's first line, which no other comment has: changing a ticket knows no key.
fn head(words: &Forward) -> String {
    let name = words.person.name.as_deref().unwrap_or("The customer");
    let name = name.replace(['\r', '\n'], " ").replace("{{", "{ {");
    format!("{name} wrote after that (message {}, {}):", words.seq, words.handoff)
}

/// Whether the words are there, or come while Zendesk may still work on a call whose answer was lost.
async fn turns_up(support: &Support<'_>, path: &str, head: &str) -> Result<bool> {
    for pause in LOOKS {
        if is_there(support, path, head).await? {
            return Ok(true);
        }
        support.cx.sleep(Duration::from_secs(pause)).await;
    }
    is_there(support, path, head).await
}

async fn is_there(support: &Support<'_>, path: &str, head: &str) -> Result<bool> {
    let newest = format!("{path}/comments?sort_order=desc&per_page=100");
    let body = support.get(&newest).await?.accept()?;
    let ours = |comment: &Value| text(comment, "body").starts_with(head);
    Ok(entries(&body["comments"]).iter().any(ours))
}
