//! What Zendesk will not do, and what is taken back then.

use handoff_sdk::{
    Connector, ConnectorError,
    model::{
        Attachment, Route, Source,
        connector::{Transfer, Withdraw},
    },
};
use serde_json::json;

use crate::stage::{SAID, Stage, transfer};

async fn refusal(stage: &Stage, setting: &str, name: &str) -> (ConnectorError, Vec<String>) {
    let mut settings = stage.settings();
    settings[setting] = json!(name);
    let node = stage.node_with(settings, std::time::Duration::from_secs(20));
    let error = node.zendesk.transfer(&node.host.cx(), transfer("h2")).await.unwrap_err();
    let withdraw = Withdraw { transfer: Transfer { checkpoint: node.left(), ..transfer("h2") } };
    (error, node.zendesk.withdraw(&node.host.cx(), withdraw).await.unwrap().remarks)
}

#[tokio::test]
async fn a_name_that_is_not_in_the_switchboard_is_refused_and_the_conversation_taken_back() {
    for bad_target in ["http400", "http200-then-failure-event"] {
        for setting in ["target", "integration_name"] {
            let stage = Stage::start(&["--bad-target", bad_target]).await;
            // A person's first conversation cannot be deleted, so there is one already.
            stage.node().hand_over(&stage, &transfer("h1")).await;
            let (error, remarks) = refusal(&stage, setting, "nobody").await;
            let ConnectorError::Refused { detail } = &error else {
                panic!("{bad_target} {setting}: {error}")
            };
            assert!(detail.contains(setting) && detail.contains("nobody"), "{detail}");
            assert!(remarks[0].contains("deleted"), "{remarks:?}");
            assert!(stage.conversations("h2").await.is_empty());
            assert_eq!(stage.conversations("h1").await.len(), 1);
        }
    }
}

#[tokio::test]
async fn a_first_conversation_stays_and_the_receipt_says_so() {
    let stage = Stage::start(&[]).await;
    let (_, remarks) = refusal(&stage, "target", "nobody").await;
    assert!(remarks[0].contains("stays"), "{remarks:?}");
    assert_eq!(stage.conversations("h2").await.len(), 1);
}

#[tokio::test]
async fn what_live_agents_have_is_never_taken_back() {
    let stage = Stage::start(&[]).await;
    let node = stage.node();
    for key in ["h1", "h2"] {
        node.hand_over(&stage, &transfer(key)).await;
    }
    for checkpoint in [None, node.left()] {
        let withdraw = Withdraw { transfer: Transfer { checkpoint, ..transfer("h2") } };
        let remarks = node.zendesk.withdraw(&node.host.cx(), withdraw).await.unwrap().remarks;
        assert!(remarks[0].contains("stays"), "{remarks:?}");
    }
    stage.assert_handed_over(&transfer("h2"), &SAID, "").await;
}

#[tokio::test]
async fn a_route_that_lacks_what_it_needs_is_refused_and_leaves_nothing() {
    let stage = Stage::start(&[]).await;
    let node = stage.node();
    for route in [Route::Native, Route::Ticket] {
        let error =
            node.zendesk.transfer(&node.host.cx(), Transfer { route, ..transfer("h1") }).await.unwrap_err();
        assert!(matches!(error, ConnectorError::Refused { .. }), "{error}");
    }
    assert_eq!(stage.requests().await, 0);
}

#[tokio::test]
async fn credentials_that_do_not_fit_are_the_operators_to_mend() {
    let stage = Stage::start(&[]).await;
    let mut settings = stage.settings();
    settings["key_id"] = json!("app_unknown");
    let node = stage.node_with(settings, std::time::Duration::from_secs(20));
    let error = node.zendesk.transfer(&node.host.cx(), transfer("h1")).await.unwrap_err();
    assert!(matches!(error, ConnectorError::Unauthorised { .. }), "{error}");
}

#[tokio::test]
async fn content_that_is_refused_is_replaced_by_a_line_that_says_so() {
    let stage = Stage::start(&[]).await;
    let (node, mut chat) = (stage.node(), transfer("h1"));
    let file = |source| Attachment { name: "a.png".into(), media_type: "image/png".into(), source };
    chat.transcript[0].content.attachments = vec![file(Source::Platform("b".into()))];
    let held = node.zendesk.transfer(&node.host.cx(), chat.clone()).await.unwrap();
    let line = "[A file could not be carried here: a.png, image/png]";
    stage.assert_handed_over(&chat, &[SAID[0], line, SAID[1], SAID[2], SAID[3], SAID[4]], "").await;
    assert_eq!(held.remarks.len(), 1, "{:?}", held.remarks);

    stage.reset().await;
    let too_much =
        json!({ "method": "POST", "path": "/messages", "skip": 1, "times": 1, "kind": { "status": 400 } });
    stage.control("faults", json!({ "faults": [too_much] })).await;
    let held = node.zendesk.transfer(&node.host.cx(), transfer("h1")).await.unwrap();
    let line = "[A message could not be shown here. Zendesk said: Bad Request]";
    stage.assert_handed_over(&transfer("h1"), &[SAID[0], line, SAID[2], SAID[3], SAID[4]], "").await;
    assert_eq!(held.remarks.len(), 1, "{:?}", held.remarks);
}

#[tokio::test]
async fn fields_that_are_refused_do_not_stop_the_chat() {
    let stage = Stage::start(&[]).await;
    let node = stage.node();
    // The first pass is the one to ourselves.
    let fault = json!({ "path": "passControl", "skip": 1, "times": 1, "kind": { "status": 400 } });
    stage.control("faults", json!({ "faults": [fault] })).await;
    let held = node.zendesk.transfer(&node.host.cx(), transfer("h1")).await.unwrap();
    stage.assert_handed_over(&transfer("h1"), &SAID, "").await;
    assert!(held.remarks[0].contains("fields"), "{:?}", held.remarks);
}
