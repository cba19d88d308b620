//! Words of the person after the handoff.

use handoff_sdk::{
    Connector, ConnectorError,
    model::{
        Attachment, Content, Source,
        connector::{Forward, Transferred},
    },
};
use serde_json::json;

use crate::stage::{Node, SAID, Stage, person, texts, transfer};

fn words(node: &Node, held: &Transferred, seq: u64, text: &str) -> Forward {
    Forward {
        handoff: transfer("h1").key,
        ticket: held.ticket.clone(),
        checkpoint: node.left(),
        person: person(),
        seq,
        content: Content::text(text),
        maybe_sent: false,
    }
}

async fn handed_over() -> (Stage, Node, Transferred) {
    handed_over_with(&[]).await
}

async fn handed_over_with(flags: &[&str]) -> (Stage, Node, Transferred) {
    let stage = Stage::start(flags).await;
    let node = stage.node();
    let held = node.hand_over(&stage, &transfer("h1")).await;
    (stage, node, held)
}

/// What was said after the handoff.
async fn carried(stage: &Stage) -> Vec<String> {
    let inspected = stage.inspect().await;
    texts(&inspected["live_agent"]["chats"][0]["messages"]).split_off(SAID.len())
}

#[tokio::test]
async fn words_arrive_in_the_persons_name_and_in_order() {
    let (stage, node, held) = handed_over().await;
    for (seq, text) in [(6, "Still there?"), (7, "Hello")] {
        let sent = node.zendesk.forward(&node.host.cx(), words(&node, &held, seq, text)).await.unwrap();
        assert_eq!((sent.external_ids.len(), sent.replaced), (1, None));
    }
    assert_eq!(carried(&stage).await, ["Still there?", "Hello"]);
    let inspected = stage.inspect().await;
    assert_eq!(inspected["live_agent"]["chats"][0]["messages"][5]["author"], "customer");
}

#[tokio::test]
async fn words_whose_answer_was_lost_are_looked_up_before_they_are_said_again() {
    for (kind, parts) in [("reset_before", 1), ("reset_after", 1), ("truncate", 1), ("reset_after", 3)] {
        let (stage, node, held) = handed_over().await;
        let said = words(&node, &held, 6, &"word ".repeat(1700 * parts));
        let fault =
            json!({ "method": "POST", "path": "/messages", "times": 1, "skip": parts - 1, "kind": kind });
        stage.control("faults", json!({ "faults": [fault] })).await;
        let lost = node.zendesk.forward(&node.host.cx(), said.clone()).await.unwrap_err();
        assert!(matches!(lost, ConnectorError::Lost { .. }), "{lost}");
        let again = Forward { maybe_sent: true, ..said.clone() };
        let sent = node.zendesk.forward(&node.host.cx(), again).await.unwrap();
        let there = carried(&stage).await;
        assert_eq!(sent.external_ids.len(), there.len());
        assert_eq!(there.concat(), said.content.text.trim_end(), "{kind}");
    }
}

#[tokio::test]
async fn a_limit_between_two_parts_doubles_neither() {
    let (stage, node, held) = handed_over().await;
    let said = words(&node, &held, 6, &"word ".repeat(2000));
    let fault =
        json!({ "method": "POST", "path": "/messages", "times": 1, "skip": 1, "kind": { "status": 429 } });
    stage.control("faults", json!({ "faults": [fault] })).await;
    let limited = node.zendesk.forward(&node.host.cx(), said.clone()).await.unwrap_err();
    assert!(matches!(limited, ConnectorError::RateLimited { .. }), "{limited}");
    node.zendesk.forward(&node.host.cx(), said.clone()).await.unwrap();
    assert_eq!(carried(&stage).await.concat(), said.content.text.trim_end());
}

#[tokio::test]
async fn a_file_that_cannot_go_is_named_to_both_ends() {
    let (stage, node, held) = handed_over().await;
    let mut said = words(&node, &held, 6, "Look");
    let source = Source::Platform("b1".into());
    said.content.attachments =
        vec![Attachment { name: "cv.pdf".into(), media_type: "application/pdf".into(), source }];
    let sent = node.zendesk.forward(&node.host.cx(), said).await.unwrap();
    assert_eq!(
        carried(&stage).await,
        ["Look", "[A file could not be carried here: cv.pdf, application/pdf]"]
    );
    assert_eq!(sent.replaced.as_deref(), Some("a file (application/pdf)"));
}

#[tokio::test]
async fn a_file_by_address_goes_along_and_a_refused_one_is_named() {
    let (stage, node, held) = handed_over().await;
    let mut said = words(&node, &held, 6, "Look");
    let file = |address: &str| Attachment {
        name: "a.png".into(),
        media_type: "image/png".into(),
        source: Source::Url(address.into()),
    };
    said.content.attachments = vec![file("https://files.example/a.png"), file("https://files.example/b.png")];
    let fault =
        json!({ "method": "POST", "path": "/messages", "times": 2, "skip": 2, "kind": { "status": 413 } });
    stage.control("faults", json!({ "faults": [fault] })).await;
    // The line that would say so is refused as well: that is no matter of this file.
    let refused = node.zendesk.forward(&node.host.cx(), said.clone()).await.unwrap_err();
    assert!(matches!(refused, ConnectorError::Refused { .. }), "{refused}");
    let sent = node.zendesk.forward(&node.host.cx(), said).await.unwrap();
    assert_eq!(sent.external_ids.len(), 3);
    let files = &stage.inspect().await["live_agent"]["chats"][0]["messages"];
    assert_eq!(files[6]["files"][0]["url"], "https://files.example/a.png");
    assert_eq!(files.as_array().unwrap().len(), SAID.len() + 3);
}

#[tokio::test]
async fn a_person_who_was_merged_with_another_is_still_carried() {
    let (stage, node, held) = handed_over().await;
    let other = stage.control("user_message", json!({ "name": "Ann on the web", "text": "Hello" })).await;
    let ann = stage.conversations("h1").await[0]["participants"][0].clone();
    stage.control("user_merge", json!({ "surviving": other["user"], "discarded": ann })).await;
    node.zendesk.forward(&node.host.cx(), words(&node, &held, 6, "Still me")).await.unwrap();
    let conversation = &stage.conversations("h1").await[0];
    assert_eq!(texts(&conversation["messages"]).last().unwrap(), "Still me");
}

#[tokio::test]
async fn words_for_a_conversation_that_is_gone_are_refused() {
    let (_stage, node, mut held) = handed_over().await;
    held.ticket.chat = "67a0ecf8f0305f4a391e0000".into();
    let refused = node.zendesk.forward(&node.host.cx(), words(&node, &held, 6, "Hello")).await.unwrap_err();
    assert!(matches!(refused, ConnectorError::Refused { .. }), "{refused}");
}

#[tokio::test]
async fn words_for_which_a_conversation_has_no_room_are_refused_in_zendesks_words() {
    let most = (SAID.len() + 1).to_string();
    let (stage, node, held) = handed_over_with(&["--message-limit", &most]).await;
    node.zendesk.forward(&node.host.cx(), words(&node, &held, 6, "The last one")).await.unwrap();
    let refused =
        node.zendesk.forward(&node.host.cx(), words(&node, &held, 7, "One more")).await.unwrap_err();
    let ConnectorError::Refused { detail } = refused else { panic!("{refused}") };
    assert!(detail.contains("423") && detail.contains("Message limit"), "{detail}");
    assert_eq!(carried(&stage).await, ["The last one"]);
}
