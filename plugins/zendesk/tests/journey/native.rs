//! Chats of Zendesk's own channels: heard, answered once, passed on once.

use handoff_sdk::{
    Connector, ConnectorError,
    model::{
        Content, HandoffKey, Route,
        connector::{EventKind, PlatformEvent, Send, Transfer},
    },
};
use serde_json::{Value, json};

use crate::{
    events::told,
    stage::{Node, Stage, texts, transfer},
};

/// An account whose channels our integration answers first.
pub(crate) async fn channel() -> Stage {
    Stage::start(&["--channel-responder", "handoff"]).await
}

/// A person writes on the web channel; the conversation.
pub(crate) async fn begins(stage: &Stage, text: &str) -> String {
    let begun = stage.control("user_message", json!({ "name": "Ann", "text": text })).await;
    begun["conversation"].as_str().unwrap().to_owned()
}

/// A handoff of this conversation.
pub(crate) fn leaving(key: &str, chat: &str) -> Transfer {
    Transfer {
        route: Route::Native,
        chat: Some(chat.to_owned()),
        platform_session: Some("1000".to_owned()),
        ..transfer(key)
    }
}

fn reply(chat: &str, key: &str, text: &str) -> Send {
    Send { chat: chat.to_owned(), key: key.to_owned(), content: Content::text(text), maybe_sent: false }
}

async fn conversation(stage: &Stage, chat: &str) -> Value {
    let seen = stage.inspect().await;
    let all = seen["conversations"].as_array().unwrap();
    all.iter().find(|one| one["id"] == chat).unwrap().clone()
}

fn heard(events: &[PlatformEvent]) -> Vec<(bool, String)> {
    let said = events.iter().filter_map(|event| match &event.kind {
        EventKind::PersonMessage { content, held_by_live_agent, .. } => {
            Some((*held_by_live_agent, content.text.clone()))
        }
        _ => None,
    });
    said.collect()
}

async fn passed_on(stage: &Stage) -> (Node, String) {
    let chat = begins(stage, "Where is my parcel?").await;
    let node = stage.node();
    node.zendesk.send(&node.host.cx(), reply(&chat, "c-2", "Which number?")).await.unwrap();
    node.hand_over(stage, &leaving("h1", &chat)).await;
    (node, chat)
}

#[tokio::test]
async fn the_team_sees_the_session_from_its_first_message_on() {
    let stage = channel().await;
    let (_, chat) = passed_on(&stage).await;
    let seen = stage.inspect().await;
    let tickets = seen["live_agent"]["chats"].as_array().unwrap();
    assert_eq!((tickets.len(), &tickets[0]["id"]), (1, &json!(chat)));
    assert_eq!(texts(&tickets[0]["messages"]), ["Where is my parcel?", "Which number?"]);
    assert_eq!(conversation(&stage, &chat).await["active"], "zd-agentWorkspace");
}

#[tokio::test]
async fn a_reply_is_said_once_whatever_becomes_of_its_answer() {
    let stage = channel().await;
    let chat = begins(&stage, "Hello").await;
    let node = stage.node();
    for (n, kind) in ["reset_before", "reset_after", "truncate", "html_ok"].into_iter().enumerate() {
        let (key, text) = (format!("c-{n}"), format!("answer {n}"));
        stage.control("faults", json!({ "faults": [{ "method": "POST", "kind": kind }] })).await;
        let error = node.zendesk.send(&node.host.cx(), reply(&chat, &key, &text)).await.unwrap_err();
        assert!(matches!(error, ConnectorError::Lost { .. }), "{kind}: {error}");
        let again = Send { maybe_sent: true, ..reply(&chat, &key, &text) };
        node.zendesk.send(&node.host.cx(), again).await.unwrap();
        let said = texts(&conversation(&stage, &chat).await["messages"]);
        assert_eq!(said.iter().filter(|said| **said == text).count(), 1, "{kind}: {said:?}");
    }
}

#[tokio::test]
async fn trap_5_nothing_is_said_once_somebody_else_has_control() {
    let stage = channel().await;
    let (node, chat) = passed_on(&stage).await;
    let error = node.zendesk.send(&node.host.cx(), reply(&chat, "c-9", "Too late")).await.unwrap_err();
    assert!(matches!(&error, ConnectorError::Refused { .. }), "{error}");
    assert!(!texts(&conversation(&stage, &chat).await["messages"]).contains(&"Too late".to_owned()));
}

#[tokio::test]
async fn trap_6_our_own_echo_and_the_teams_words_are_not_heard() {
    let stage = Stage::start(&["--channel-responder", "handoff", "--deliver-standby-events", "true"]).await;
    let (node, chat) = passed_on(&stage).await;
    stage.control("agent/reply", json!({ "conversation": chat, "text": "Maria here" })).await;
    stage.control("user_message", json!({ "conversation": chat, "text": "Hi Maria" })).await;
    let events = told(&stage, &node).await;
    // Read after the pass, the words from before it are the team's as well.
    assert_eq!(heard(&events), [(true, "Where is my parcel?".into()), (true, "Hi Maria".into())]);
    let silent = |event: &&PlatformEvent| matches!(event.kind, EventKind::LiveAgentMessage { .. });
    assert_eq!(events.iter().filter(silent).count(), 0);
}

#[tokio::test]
async fn a_session_after_control_came_back_is_a_later_one_and_old_words_are_not() {
    let stage = Stage::start(&["--channel-responder", "handoff", "--on-close", "release"]).await;
    let (node, chat) = passed_on(&stage).await;
    // The first words come again, long after: they belong to no later session.
    let before = told(&stage, &node).await;
    assert!(
        before.iter().all(|event| {
            !matches!(event.kind, EventKind::PersonMessage { held_by_live_agent: false, .. })
        }),
        "{before:#?}"
    );
    stage.control("agent/close", json!({ "conversation": chat })).await;
    stage.control("user_message", json!({ "conversation": chat, "text": "Something new" })).await;
    let after = told(&stage, &node).await;
    let last =
        after.iter().rev().find(|event| matches!(event.kind, EventKind::PersonMessage { .. })).unwrap();
    let session: u64 = last.platform_session.as_deref().unwrap().parse().unwrap();
    assert!(session > 1000 && heard(&after).contains(&(false, "Something new".into())), "{after:#?}");
}

#[tokio::test]
async fn a_chat_that_live_agents_take_by_themselves_is_told_of() {
    let stage = channel().await;
    let chat = begins(&stage, "Hello").await;
    let node = stage.node();
    let taken = Transfer { key: HandoffKey::new("other"), ..leaving("other", &chat) };
    // As another program of the account would do it: without a word of ours in the event.
    stage.pass_control(&chat, "zd-agentWorkspace").await;
    let events = told(&stage, &node).await;
    assert!(events.iter().any(|event| event.kind == EventKind::TakenByPlatform), "{events:#?}");
    // A handoff that was under way finds the chat where it was to go.
    node.zendesk.transfer(&node.host.cx(), taken).await.unwrap();
}

#[tokio::test]
async fn whatever_one_request_of_a_pass_meets_control_is_passed_once() {
    let stage = channel().await;
    let kinds = [
        json!({ "status": 429, "retry_after": 1 }),
        json!({ "status": 503 }),
        json!("html"),
        json!("html_ok"),
        json!("reset_before"),
        json!("reset_after"),
        json!("truncate"),
    ];
    for kind in &kinds {
        for n in 0..5 {
            let chat = begins(&stage, "Where is my parcel?").await;
            stage.fault(n, kind.clone()).await;
            stage.node().hand_over(&stage, &leaving("h1", &chat)).await;
            let seen = stage.inspect().await;
            let tickets = seen["live_agent"]["chats"].as_array().unwrap();
            assert_eq!(tickets.len(), 1, "{kind} at {n}");
            assert_eq!(conversation(&stage, &chat).await["active"], "zd-agentWorkspace", "{kind} at {n}");
            stage.reset().await;
        }
    }
}
