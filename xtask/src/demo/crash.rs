//! `kill -9` in the middle of a transfer, and how it goes on.

use anyhow::{Context, Result};
use handoff_tests::{
    assistants::{ACCEPTED, WISH},
    visitor::Visitor,
};
use serde_json::json;

use super::{bridge::summary, report::Report, theatre::Theatre};

const DURING: &str = "Still there? canary-crash-9261";

/// Plays the chat.
pub(super) async fn play(theatre: &mut Theatre, report: &mut Report) -> Result<()> {
    let Theatre { zendesk, server, .. } = theatre;
    let mut person = Visitor::open(server).await?;
    zendesk.fault(json!({ "path": "/messages", "method": "POST", "skip": 1, "kind": "hold_after" })).await?;
    person.says(WISH).await?;
    zendesk.until_held().await?;
    person.says(DURING).await?;
    server.kill9().await?;
    zendesk.release().await?;
    server.restart().await?;
    person.until_told(ACCEPTED).await?;
    let handoff = server.until_state(&person.conversation, "carrying").await?;
    let key = handoff["id"].as_str().context("no id")?.to_owned();
    let chats =
        zendesk.until_chats("the tail", |chats| chats.iter().any(|chat| chat.count(DURING) > 0)).await?;
    let chat = chats.iter().find(|chat| chat.count(DURING) > 0).context("no chat")?;
    let expected: Vec<_> = person.texts().into_iter().filter(|text| *text != ACCEPTED).collect();
    let whole = chat.said() == expected;
    report.see("P7", whole, "killed in the middle of the history, restarted: whole, once and in order");
    let made = zendesk.conversations_of(&key).await?.len();
    report.see("P7", made == 1, format!("killed: {made} conversation on the platform"));
    report.see("P7", person.times(ACCEPTED) == 1, "killed: the person was told once");
    report.handoff(summary("zendesk", &handoff, &chats, made));
    Ok(())
}
