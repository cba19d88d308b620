//! Steps 3, 5, 6 and 7: who controls the conversation.
//!
//! A success here is no proof: Zendesk may answer it and then report the failure as an event. So
//! every action is followed by a look. Targets are named, which makes repeating harmless; `next` would not.

use std::time::Duration;

use handoff_sdk::{ConnectorError, Result, model::HandoffKey};
use serde_json::{Map, Value, json};

use super::{conversation, transfer::in_doubt};
use crate::{
    address::encoded,
    client::{Answer, Client, lost, refused},
    wire::{Conversation, keys},
};

/// Pauses between looks, in milliseconds, for an action that is accepted and not yet seen.
const PAUSES: [u64; 6] = [0, 300, 700, 1_500, 3_000, 4_500];

/// Puts ourselves in control, so that no bot of the account wakes up over the transcript.
pub(super) async fn take(client: &Client<'_>, key: &HandoffKey, id: &str) -> Result<()> {
    let ours = &client.settings.integration_name;
    if expect(client, id).await?.is_held_by(ours) {
        return Ok(());
    }
    let answer = act(client, id, "passControl", ours, own_step(key)).await?;
    if answer.is_about_content() || answer.is_missing() {
        return Err(not_in_switchboard("integration_name", ours, &answer.words()));
    }
    answer.accept()?;
    match watch(client, id, |seen| seen.is_held_by(ours)).await? {
        Ok(()) => Ok(()),
        Err(_) => Err(not_in_switchboard("integration_name", ours, "control did not come to us")),
    }
}

/// Passes control to the live agents and proves it. Gives a remark when the fields had to be left out.
///
/// # Errors
/// Refused only when control is seen not to have been passed; Lost when nobody can tell.
pub(crate) async fn give(
    client: &Client<'_>,
    id: &str,
    fields: Map<String, Value>,
    again: bool,
) -> Result<Option<String>> {
    let target = &client.settings.target;
    if again && expect(client, id).await.map_err(in_doubt)?.is_held_by(target) {
        return Ok(None);
    }
    let first = fields.get("first_message_id").cloned();
    let mut answer = act(client, id, "passControl", target, fields).await?;
    let mut remark = None;
    if answer.is_about_content() {
        // Either the target or a field is wrong; without fields it shows.
        remark = Some(format!("the ticket's fields were left out: {}", answer.words()));
        let bare = first.into_iter().map(|first| ("first_message_id".to_owned(), first)).collect();
        answer = act(client, id, "passControl", target, bare).await?;
    }
    let refusal = (!answer.is_success()).then(|| answer.words());
    if refusal.is_some() && !answer.is_about_content() {
        return Err(if again { in_doubt(answer.refusal()) } else { answer.refusal() });
    }
    let seen = watch(client, id, |seen| seen.is_held_by(target)).await.map_err(in_doubt)?;
    match (seen, refusal) {
        (Ok(()), _) => Ok(remark),
        (Err(_), Some(words)) => Err(not_in_switchboard("target", target, &words)),
        (Err(last), None) if last.is_held_by(&client.settings.integration_name) => {
            Err(not_in_switchboard("target", target, "Zendesk took the request and left control with us"))
        }
        (Err(_), None) => Err(lost("control was passed on, and somebody else has it")),
    }
}

/// Offers control to ourselves: from then on we hear what happens. Gives a remark when Zendesk will not.
pub(super) async fn ask_to_hear(client: &Client<'_>, key: &HandoffKey, id: &str) -> Result<Option<String>> {
    let ours = &client.settings.integration_name;
    let answer = act(client, id, "offerControl", ours, own_step(key)).await?;
    if !answer.is_success() {
        return Ok(Some(deaf(&answer.words())));
    }
    let hears = |seen: &Conversation| seen.is_offered_to(ours) || seen.is_held_by(ours);
    let seen = watch(client, id, hears).await?;
    Ok(seen.err().map(|_| deaf("the offer does not show")))
}

fn deaf(words: &str) -> String {
    format!(
        "control could not be offered to us ({words}): answers come only if the switchboard delivers standby events"
    )
}

/// Marks an action as a step of ours, for when its event comes to our webhook.
fn own_step(key: &HandoffKey) -> Map<String, Value> {
    let marks = [(keys::HANDOFF, json!(key)), (keys::STEP, json!("bridge"))];
    marks.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn not_in_switchboard(setting: &str, name: &str, words: &str) -> ConnectorError {
    refused(format!(
        "{words}. Is {name}, the setting {setting}, the name of an integration in the switchboard?"
    ))
}

async fn act(
    client: &Client<'_>,
    id: &str,
    action: &str,
    target: &str,
    metadata: Map<String, Value>,
) -> Result<Answer> {
    let path = format!("/conversations/{}/{action}", encoded(id));
    client.post(&path, &json!({ "switchboardIntegration": target, "metadata": metadata })).await
}

async fn expect(client: &Client<'_>, id: &str) -> Result<Conversation> {
    conversation::get(client, id).await?.ok_or_else(|| refused("the conversation is gone"))
}

/// Looks until `wanted` shows, for some seconds; otherwise gives what was seen last.
async fn watch(
    client: &Client<'_>,
    id: &str,
    wanted: impl Fn(&Conversation) -> bool,
) -> Result<std::result::Result<(), Conversation>> {
    let mut last = Conversation::default();
    for pause in PAUSES {
        if pause > 0 {
            client.cx.sleep(Duration::from_millis(pause)).await;
        }
        last = expect(client, id).await?;
        if wanted(&last) {
            return Ok(Ok(()));
        }
    }
    Ok(Err(last))
}
