//! Every request of a handoff goes wrong in every way, one at a time.

use handoff_sdk::{Connector, ConnectorError};
use serde_json::{Value, json};

use crate::stage::{Node, SAID, Stage, transfer};

async fn undisturbed(stage: &Stage) -> usize {
    let before = stage.requests().await;
    stage.node().hand_over(stage, &transfer("h1")).await;
    let count = stage.requests().await - before;
    stage.reset().await;
    assert!(count > 12, "{count}");
    count
}

async fn each_request_meets(kind: Value, node: fn(&Stage) -> Node) {
    let stage = Stage::start(&[]).await;
    for n in 0..undisturbed(&stage).await {
        let chat = transfer("h1");
        stage.fault(n, kind.clone()).await;
        node(&stage).hand_over(&stage, &chat).await;
        stage.settle().await;
        stage.assert_handed_over(&chat, &SAID, &format!("{kind} at request {n}")).await;
        stage.reset().await;
    }
}

#[tokio::test]
async fn a_limit_or_a_failure_before_the_effect_doubles_and_loses_nothing() {
    for kind in [
        json!({ "status": 429, "retry_after": 1 }),
        json!({ "status": 503 }),
        json!({ "status": 500 }),
        json!("html"),
    ] {
        each_request_meets(kind, Stage::node).await;
    }
}

#[tokio::test]
async fn a_page_that_poses_as_success_doubles_and_loses_nothing() {
    each_request_meets(json!("html_ok"), Stage::node).await;
}

#[tokio::test]
async fn a_connection_that_breaks_doubles_and_loses_nothing() {
    for kind in ["reset_before", "reset_after", "reset_mid", "truncate"] {
        each_request_meets(json!(kind), Stage::node).await;
    }
}

#[tokio::test]
async fn an_answer_that_never_comes_doubles_and_loses_nothing() {
    for kind in ["hang", "hang_after"] {
        each_request_meets(json!(kind), Stage::hasty_node).await;
    }
}

#[tokio::test]
async fn a_call_that_has_its_effect_late_doubles_and_loses_nothing() {
    // The server goes on at once where it is told that it may, and only then the late call lands.
    each_request_meets(json!("hold"), Stage::hasty_node).await;
}

#[tokio::test]
async fn three_limits_in_a_row_are_waited_out() {
    let stage = Stage::start(&[]).await;
    for n in 0..undisturbed(&stage).await {
        let fault = json!({ "skip": n, "times": 3, "kind": { "status": 429, "retry_after": 2 } });
        stage.control("faults", json!({ "faults": [fault] })).await;
        stage.node().hand_over(&stage, &transfer("h1")).await;
        stage.assert_handed_over(&transfer("h1"), &SAID, &format!("from request {n}")).await;
        stage.reset().await;
    }
}

#[tokio::test]
async fn once_control_may_be_passed_no_failure_reads_as_if_nothing_had_happened() {
    let stage = Stage::start(&[]).await;
    let count = undisturbed(&stage).await;
    stage.node().hand_over(&stage, &transfer("h1")).await;
    let requests = stage.look("requests").await;
    let passes = |request: &Value| request["path"].as_str().unwrap().ends_with("/passControl");
    let passed = requests.as_array().unwrap().iter().rposition(passes).unwrap();
    assert!(passed + 3 < count);
    for n in passed + 1..count {
        for kind in [
            json!({ "status": 429 }),
            json!({ "status": 503 }),
            json!({ "status": 401 }),
            json!("reset_before"),
        ] {
            stage.reset().await;
            stage.fault(n, kind.clone()).await;
            let node = stage.node();
            let error = node.zendesk.transfer(&node.host.cx(), transfer("h1")).await.unwrap_err();
            assert!(matches!(error, ConnectorError::Lost { .. }), "{kind} at request {n}: {error}");
        }
    }
}
