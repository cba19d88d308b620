//! The server dies at every point, and another one goes on from what was written down.

use handoff_sdk::{
    Connector, ConnectorError,
    model::connector::{Find, Found, Transfer},
};

use crate::stage::{Node, SAID, Stage, transfer};

/// Another node takes over: it looks, then goes on.
async fn goes_on(stage: &Stage, dead: &Node, context: &str) {
    let (node, mut chat) = (stage.node(), transfer("h1"));
    if let Err(from) = node.look(stage, &chat, dead.left()).await {
        chat.checkpoint = from;
        node.hand_over(stage, &chat).await;
    }
    stage.assert_handed_over(&chat, &SAID, context).await;
    stage.reset().await;
}

#[tokio::test]
async fn a_server_that_dies_around_any_request_is_replaced() {
    let stage = Stage::start(&[]).await;
    stage.node().hand_over(&stage, &transfer("h1")).await;
    let count = stage.requests().await;
    stage.reset().await;
    for after in [false, true] {
        for n in 0..count {
            let (node, stopped) = stage.mortal_node(n, after);
            let cx = node.host.cx();
            tokio::select! {
                done = node.zendesk.transfer(&cx, transfer("h1")) => panic!("request {n} was not made: {done:?}"),
                () = stopped.notified() => {}
            }
            goes_on(&stage, &node, &format!("died at request {n}, after: {after}")).await;
        }
    }
}

#[tokio::test]
async fn a_server_that_was_superseded_stops_at_once() {
    let stage = Stage::start(&[]).await;
    let node = stage.node();
    node.hand_over(&stage, &transfer("h1")).await;
    let count = node.host.checkpoints().len() as u64;
    stage.reset().await;
    for n in 0..count {
        let node = stage.node();
        node.host.supersede_after(n);
        let stopped = node.zendesk.transfer(&node.host.cx(), transfer("h1")).await.unwrap_err();
        assert_eq!(stopped, ConnectorError::Superseded);
        let asked = stage.requests().await;
        goes_on(&stage, &node, &format!("superseded at checkpoint {n}")).await;
        assert!(asked > 0);
    }
}

#[tokio::test]
async fn a_conversation_that_somebody_deletes_is_never_taken_for_one_that_never_was() {
    let stage = Stage::start(&[]).await;
    let node = stage.node();
    for key in ["h1", "h2"] {
        node.hand_over(&stage, &transfer(key)).await;
    }
    let conversation = stage.conversations("h2").await[0]["id"].as_str().unwrap().to_owned();
    stage.delete(&conversation).await;
    for (step, expected) in
        [("offered", "there"), ("passed", "there"), ("passing", "unknown"), ("posting", "absent")]
    {
        let mut checkpoint = node.left().unwrap();
        checkpoint["step"] = step.into();
        let find = Find { transfer: Transfer { checkpoint: Some(checkpoint), ..transfer("h2") } };
        let found = node.zendesk.find(&node.host.cx(), find).await.unwrap();
        let as_expected = match expected {
            "there" => matches!(&found, Found::There(there) if there.ticket.chat == conversation),
            "unknown" => matches!(found, Found::Unknown { .. }),
            _ => found == Found::Absent { safe_now: false },
        };
        assert!(as_expected, "{step}: {found:?}");
    }
}

#[tokio::test]
async fn a_checkpoint_of_another_version_is_looked_into_and_not_trusted() {
    let stage = Stage::start(&[]).await;
    let (node, old) = (stage.node(), Some(serde_json::json!({ "version": 0 })));
    node.hand_over(&stage, &Transfer { checkpoint: old.clone(), ..transfer("h1") }).await;
    stage.assert_handed_over(&transfer("h1"), &SAID, "nothing was there").await;
    node.hand_over(&stage, &Transfer { checkpoint: old, ..transfer("h1") }).await;
    stage.assert_handed_over(&transfer("h1"), &SAID, "all was there").await;
}
