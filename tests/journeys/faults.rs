//! A platform that hangs, answers nonsense, or closes the socket: once, at each step, and the chat
//! still arrives whole and once.

use anyhow::Result;
use handoff_tests::{
    assistants::{ACCEPTED, WISH},
    visitor::Visitor,
};
use serde_json::{Value, json};

use super::{on_bitrix24, on_zendesk, patient, plain};

fn kinds() -> [Value; 11] {
    [
        json!("html"),
        json!("html_ok"),
        json!("hang"),
        json!("hang_after"),
        json!("reset_before"),
        json!("reset_after"),
        json!("reset_mid"),
        json!("truncate"),
        json!({ "status": 500 }),
        json!({ "status": 503 }),
        json!({ "status": 429, "retry_after": 2 }),
    ]
}

async fn arrives_whole_on_zendesk(path: &str) -> Result<()> {
    let (zendesk, server) = on_zendesk(|setup| setup.with_assistant(patient(3600))).await?;
    for kind in kinds() {
        let mut person = Visitor::open(&server).await?;
        person.says("My card is lost").await?;
        zendesk.fault(json!({ "method": "POST", "path": path, "skip": 0, "kind": kind })).await?;
        person.says(WISH).await?;
        person.until_told(ACCEPTED).await?;
        let handoff = server.until_state(&person.conversation, "carrying").await?;
        let key = handoff["id"].as_str().unwrap_or_default();
        assert_eq!(zendesk.conversations_of(key).await?.len(), 1, "{path} {kind}");
        let ticket = handoff["receipt"]["ticket"]["chat"].as_str().unwrap_or_default();
        let chats = zendesk.chats().await?;
        let chat = chats.iter().find(|chat| chat.id == ticket).expect("a ticket");
        let left: Vec<_> = person.texts().into_iter().filter(|text| *text != ACCEPTED).collect();
        assert_eq!(chat.said(), left, "{path} {kind}: {:#}", handoff["receipt"]);
        assert_eq!(person.times(ACCEPTED), 1, "{path} {kind}");
        zendesk.heal().await?;
    }
    Ok(())
}

#[tokio::test]
async fn p3_one_fault_while_the_conversation_is_made_doubles_nothing() -> Result<()> {
    arrives_whole_on_zendesk("/conversations$").await
}

#[tokio::test]
async fn p3_one_fault_while_the_history_is_posted_doubles_nothing() -> Result<()> {
    arrives_whole_on_zendesk("/messages").await
}

#[tokio::test]
async fn p3_one_fault_while_control_is_passed_doubles_nothing() -> Result<()> {
    arrives_whole_on_zendesk("/passControl").await
}

#[tokio::test]
async fn p3_one_fault_while_a_chat_is_passed_to_operators_doubles_nothing() -> Result<()> {
    let patient = handoff_tests::assistants::with_handoff(handoff_tests::assistants::line(), |handoff| {
        handoff["budget_seconds"] = json!(3600);
    });
    let (bitrix24, server) =
        on_bitrix24(&["--rate-limit", "false"], |setup| setup.with_assistant(patient)).await?;
    for (n, kind) in kinds().into_iter().enumerate() {
        let person = format!("person{n}");
        let chat = bitrix24.says(&person, "Hello").await?;
        bitrix24.until_chat(chat, "an answer", |chat| chat.said().len() == 3).await?;
        bitrix24.fault(json!({ "path": "bot.session.operator", "kind": kind })).await?;
        bitrix24.says(&person, WISH).await?;
        let seen = bitrix24.until_chat(chat, "the queue", |chat| chat.status == "queue").await?;
        assert_eq!(seen.raw["handoff_calls"], 1, "{kind}");
        let all = server.conversations().await?;
        let latest = all[0]["id"].as_str().unwrap_or_default();
        server.until_state(latest, "accepted").await?;
        bitrix24.heal().await?;
    }
    Ok(())
}

#[tokio::test]
async fn one_fault_while_words_are_carried_loses_and_doubles_nothing() -> Result<()> {
    let (zendesk, server) = on_zendesk(plain).await?;
    let mut person = Visitor::open(&server).await?;
    person.says(WISH).await?;
    person.until_told(ACCEPTED).await?;
    let mut expected = Vec::new();
    for (n, kind) in kinds().into_iter().enumerate() {
        zendesk.fault(json!({ "method": "POST", "path": "/messages", "kind": kind })).await?;
        for part in ["a", "b"] {
            let text = format!("words {n} {part}");
            person.says(&text).await?;
            expected.push(text);
        }
        let last = expected.last().cloned().unwrap_or_default();
        zendesk.until_chats("the words", |chats| chats.iter().any(|chat| chat.count(&last) > 0)).await?;
        zendesk.heal().await?;
    }
    let chat = zendesk.chats().await?.remove(0);
    let carried: Vec<_> = chat.said().into_iter().filter(|text| text.starts_with("words ")).collect();
    assert_eq!(carried, expected);
    Ok(())
}
