//! The assistant speaks, while it may.

use std::{collections::HashMap, time::Duration};

use handoff_sdk::{
    Result,
    model::{
        Content,
        connector::{Send, Sent, Speaker},
    },
    text::truncate_utf16,
};
use serde_json::{Value, json};

use crate::{
    address::encoded,
    bridge::{LOOKS, conversation, history::back},
    client::{Client, lost, refused},
    lines::{self, Line},
    wire::{Message, keys, text},
};

/// Longest text of a reply button, which web and mobile cut at 40.
const BUTTON_UNITS: usize = 40;

/// Posts a message of the assistant, once for each key, while our integration has control.
///
/// # Errors
/// Refused once somebody else has control: whatever the assistant wanted to say is too late.
pub(crate) async fn send(client: Client<'_>, message: &Send) -> Result<Sent> {
    let now = conversation::get(&client, &message.chat).await?;
    let now = now.ok_or_else(|| refused("the conversation is gone"))?;
    let lines = parts(&message.content);
    let mut there = HashMap::new();
    if message.maybe_sent || lines.len() > 1 {
        there = posted(&client, message).await?;
        for pause in LOOKS {
            if !message.maybe_sent || there.len() >= lines.len() {
                break;
            }
            client.cx.sleep(Duration::from_secs(pause)).await;
            there = posted(&client, message).await?;
        }
    }
    let mut sent = Sent::default();
    let mut replaced = Vec::new();
    for line in &lines {
        if let Some(id) = there.get(&line.part) {
            sent.external_ids.push(id.clone());
            continue;
        }
        // Zendesk would take it from anybody, and show it beside the live agent's words.
        if !now.is_held_by(&client.settings.integration_name) {
            return Err(refused("somebody else has control of the conversation; nothing more is said in it"));
        }
        let (id, instead) = post(&client, message, line).await?;
        sent.external_ids.push(id);
        replaced.extend(instead);
    }
    sent.replaced = (!replaced.is_empty()).then(|| replaced.join("; "));
    Ok(sent)
}

/// What is posted. Choices become reply buttons of the last text.
fn parts(content: &Content) -> Vec<Line> {
    let bare = Content { quick_replies: Vec::new(), ..content.clone() };
    let mut parts = lines::of_message(0, Speaker::Assistant, "", &bare);
    if content.quick_replies.is_empty() {
        return parts;
    }
    let offer = |choice: &String| {
        let text = lines::harmless(truncate_utf16(choice.trim(), BUTTON_UNITS));
        json!({ "type": "reply", "text": text, "payload": choice })
    };
    let actions: Vec<Value> = content.quick_replies.iter().map(offer).collect();
    match parts.iter_mut().rev().find(|line| line.content["type"] == "text") {
        Some(last) => last.content["actions"] = json!(actions),
        // Buttons need a text above them.
        None => parts.extend(lines::of_message(0, Speaker::Assistant, "", content)),
    }
    parts
}

/// Parts of the message that are there already, by number.
async fn posted(client: &Client<'_>, message: &Send) -> Result<HashMap<u64, String>> {
    // What was sent lately stands on the newest page.
    let ours = |found: &Message| text(&json!(found.metadata), keys::SENT) == message.key;
    let found = back(client, &message.chat, |_| true).await?;
    let part = |found: &Message| found.metadata.get(keys::PART).and_then(Value::as_u64).unwrap_or(0);
    Ok(found.iter().filter(|found| ours(found)).map(|found| (part(found), found.id.clone())).collect())
}

async fn post(client: &Client<'_>, message: &Send, line: &Line) -> Result<(String, Option<String>)> {
    let path = format!("/conversations/{}/messages", encoded(&message.chat));
    let mut author = json!({ "type": "business" });
    if !client.settings.assistant_name.is_empty() {
        author["displayName"] = json!(client.settings.assistant_name);
    }
    let metadata = json!({ keys::SENT: message.key, keys::PART: line.part });
    let body = |content: &Value| json!({ "author": author, "content": content, "metadata": metadata });
    let answer = client.post(&path, &body(&line.content)).await?;
    if !answer.is_about_content() {
        return Ok((id(&answer.accept()?)?, line.replaced.clone()));
    }
    let words = answer.words();
    let instead = client.post(&path, &body(&lines::stand_in(line, &words))).await?.accept()?;
    Ok((id(&instead)?, Some(words)))
}

fn id(body: &Value) -> Result<String> {
    let id = text(&body["messages"][0], "id");
    if id.is_empty() { Err(lost("Zendesk's answer names no message")) } else { Ok(id) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_become_buttons_that_give_the_whole_choice_back() {
        let long = "I would like to talk about my very long contract";
        let content = Content { quick_replies: vec![long.into()], ..Content::text("What about?") };
        let parts = parts(&content);
        assert_eq!(parts.len(), 1);
        let action = &parts[0].content["actions"][0];
        assert_eq!((&action["type"], &action["payload"]), (&json!("reply"), &json!(long)));
        assert_eq!(action["text"].as_str().map(str::len), Some(40));
    }
}
