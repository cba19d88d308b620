//! Step 2: the conversation that carries the handoff's key.

use handoff_sdk::{Result, model::HandoffKey};
use serde_json::{Map, Value, json};

use crate::{
    address::encoded,
    client::{Aim, Answer, Client, lost, unavailable, vague},
    wire::{Conversation, keys},
};

/// Pages of a list beyond which something is wrong.
const MOST_PAGES: usize = 1000;

/// What stands for a handoff.
pub(super) struct Found {
    pub(super) id: String,
    pub(super) remark: Option<String>,
}

/// Makes the handoff's conversation, unless it is there.
///
/// # Errors
/// Lost when it is there: an earlier attempt got further than its checkpoint says, and how far is found
/// out by looking.
pub(super) async fn create(client: &Client<'_>, key: &HandoffKey, user: &str) -> Result<Found> {
    let all = list(client, user).await?;
    if !with_key(&all, key).is_empty() {
        return Err(lost("an earlier attempt already made the conversation"));
    }
    let body = json!({
        "type": "personal",
        "participants": [{ "userId": user, "subscribeSDKClient": false }],
        "metadata": metadata(client, key),
    });
    let made = client.post("/conversations", &body).await?;
    if made.is_success() {
        return Ok(Found { id: read(Aim::Act, &made.body)?.id, remark: None });
    }
    match all.into_iter().find(|conversation| conversation.is_default) {
        Some(only) if is_about_number(client, &made).await? => reuse(client, key, only).await,
        _ => Err(made.refusal()),
    }
}

/// The conversation now; none when it was deleted.
pub(crate) async fn get(client: &Client<'_>, id: &str) -> Result<Option<Conversation>> {
    let answer = client.get(&format!("/conversations/{}", encoded(id))).await?;
    if answer.is_missing() {
        return Ok(None);
    }
    read(Aim::Read, &answer.accept()?).map(Some)
}

/// All conversations of a user, with their metadata.
pub(super) async fn list(client: &Client<'_>, user: &str) -> Result<Vec<Conversation>> {
    let mut all = Vec::new();
    let start = format!("/conversations?filter%5BuserId%5D={}&page%5Bsize%5D=100", encoded(user));
    let mut path = start.clone();
    for _ in 0..MOST_PAGES {
        let page = client.get(&path).await?;
        if page.is_missing() {
            return Ok(all);
        }
        let body = page.accept()?;
        let items =
            body["conversations"].as_array().ok_or_else(|| unavailable("Zendesk's list is no list"))?;
        all.extend(items.iter().filter_map(Conversation::read));
        if body["meta"]["hasMore"].as_bool() != Some(true) {
            return with_metadata(client, all).await;
        }
        let after =
            body["meta"]["afterCursor"].as_str().ok_or_else(|| unavailable("Zendesk's list breaks off"))?;
        path = format!("{start}&page%5Bafter%5D={}", encoded(after));
    }
    Err(unavailable("Zendesk's list of conversations does not end"))
}

/// Those of the handoff, oldest first. More than one should not be.
pub(super) fn with_key<'a>(all: &'a [Conversation], key: &HandoffKey) -> Vec<&'a Conversation> {
    let mut ours: Vec<_> =
        all.iter().filter(|conversation| conversation.tag(keys::HANDOFF) == key.as_str()).collect();
    ours.sort_by(|a, b| a.created_at.cmp(&b.created_at));
    ours
}

/// Zendesk's description shows metadata in lists, its example does not: what a list leaves out is
/// asked for.
async fn with_metadata(client: &Client<'_>, all: Vec<Conversation>) -> Result<Vec<Conversation>> {
    let mut whole = Vec::with_capacity(all.len());
    for conversation in all {
        if conversation.metadata.is_some() {
            whole.push(conversation);
        } else if let Some(asked) = get(client, &conversation.id).await? {
            whole.push(asked);
        }
    }
    Ok(whole)
}

/// Whether a refusal may be because a user can have one conversation only. Zendesk does not document
/// what it answers then, so the app's setting decides; it can be read with a key of the app only.
async fn is_about_number(client: &Client<'_>, refusal: &Answer) -> Result<bool> {
    if !matches!(refusal.status, 400 | 403 | 409 | 422) {
        return Ok(false);
    }
    let app = client.get("").await?;
    Ok(app.body["app"]["settings"]["multiConvoEnabled"].as_bool() != Some(true))
}

/// Takes the only conversation that the user can have, under the handoff's key.
async fn reuse(client: &Client<'_>, key: &HandoffKey, only: Conversation) -> Result<Found> {
    // Whether Zendesk replaces or merges metadata is not documented: sent whole, both give the same.
    let mut whole = only.metadata.unwrap_or_default();
    whole.extend(metadata(client, key));
    let path = format!("/conversations/{}", encoded(&only.id));
    client.patch(&path, &json!({ "metadata": whole })).await?.accept()?;
    let remark = "the account keeps one conversation for each person: this chat went on in it".to_owned();
    Ok(Found { id: only.id, remark: Some(remark) })
}

fn metadata(client: &Client<'_>, key: &HandoffKey) -> Map<String, Value> {
    let tags = [
        (keys::HANDOFF, key.as_str()),
        (keys::OWNER, &client.settings.owner),
        (keys::INSTANCE, &client.settings.integration_name),
    ];
    tags.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()
}

fn read(aim: Aim, body: &Value) -> Result<Conversation> {
    let missing = || vague(aim, "Zendesk's answer names no conversation".to_owned());
    Conversation::read(&body["conversation"]).ok_or_else(missing)
}
