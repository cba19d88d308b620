//! Faults on request: what the caller sees and what nevertheless happened.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Sim;

async fn made_under(kind: Value) -> (Sim, Result<(u16, Option<Value>), reqwest::Error>) {
    let sim = Sim::start(&[]).await;
    sim.fault(json!({ "method": "POST", "path": "/users$", "kind": kind })).await;
    let request = sim.request(Method::POST, "/users").json(&json!({ "externalId": "our-user" }));
    let outcome = match request.timeout(Duration::from_millis(700)).send().await {
        Err(why) => Err(why),
        Ok(answer) => {
            let status = answer.status().as_u16();
            answer.bytes().await.map(|body| (status, serde_json::from_slice(&body).ok()))
        }
    };
    (sim, outcome)
}

/// Whether the struck request took effect.
async fn happened(sim: &Sim) -> bool {
    !sim.inspect().await["users"].as_array().unwrap().is_empty()
}

#[tokio::test]
async fn an_answer_without_effect_stands_for_itself() {
    let cases = [
        (json!({ "status": 429, "retry_after": 2 }), 429, true),
        (json!({ "status": 503 }), 503, true),
        (json!({ "status": 500, "body": "oops" }), 500, false),
        (json!("html"), 502, false),
        (json!("html_ok"), 200, false),
    ];
    for (kind, expected, is_json) in cases {
        let (sim, outcome) = made_under(kind.clone()).await;
        let (status, body) = outcome.unwrap();
        assert_eq!((status, body.is_some()), (expected, is_json), "{kind}");
        assert!(!happened(&sim).await, "{kind}");
        assert_eq!(sim.post("/users", json!({ "externalId": "our-user" })).await.0, 201);
    }
}

#[tokio::test]
async fn a_lost_answer_may_or_may_not_have_had_its_effect() {
    let cases = [
        ("hang", false),
        ("hang_after", true),
        ("reset_before", false),
        ("reset_after", true),
        ("reset_mid", true),
        ("hold", false),
        ("hold_after", true),
    ];
    for (kind, effect) in cases {
        let (sim, outcome) = made_under(json!(kind)).await;
        assert!(outcome.is_err(), "{kind}");
        assert_eq!(happened(&sim).await, effect, "{kind}");
        let requests = sim.look("/requests").await;
        assert_eq!(requests[0]["fault"], kind);
        assert_eq!(requests[0]["body"]["externalId"], "our-user");
    }
}

#[tokio::test]
async fn a_truncated_answer_is_whole_http_and_half_json() {
    let (sim, outcome) = made_under(json!("truncate")).await;
    assert_eq!(outcome.unwrap(), (201, None));
    assert!(happened(&sim).await);
}

#[tokio::test]
async fn a_held_request_goes_on_when_released_even_if_its_caller_has_left() {
    let (sim, outcome) = made_under(json!("hold")).await;
    assert!(outcome.is_err());
    assert_eq!(sim.inspect().await["control"]["held"], 1);
    sim.script("/release", json!({})).await;
    sim.until(|state| state["users"].as_array().unwrap().len() == 1).await;
}

#[tokio::test]
async fn a_held_call_answers_its_patient_caller() {
    let sim = Sim::start(&[]).await;
    sim.fault(json!({ "path": "/users", "kind": "hold_after" })).await;
    let caller = sim.post("/users", json!({ "externalId": "our-user" }));
    let releaser = async {
        sim.until(|state| state["control"]["held"] == 1).await;
        sim.script("/release", json!({})).await;
    };
    let ((status, _), ()) = tokio::join!(caller, releaser);
    assert_eq!(status, 201);
}

#[tokio::test]
async fn a_fault_lets_pass_what_it_is_told_to() {
    let sim = Sim::start(&[]).await;
    sim.fault(
        json!({ "method": "GET", "path": "/users/", "skip": 1, "times": 2, "kind": { "status": 500 } }),
    )
    .await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(sim.get("/users/nobody").await.0);
    }
    assert_eq!(statuses, [404, 500, 500, 404]);
    assert_eq!(sim.try_script("/faults", json!({ "faults": [{ "kind": "explode" }] })).await.0, 400);
}

#[tokio::test]
async fn a_reset_brings_the_first_state_back() {
    let sim = Sim::start(&[]).await;
    let before = sim.inspect().await;
    let made = sim.bridge("our-user").await;
    sim.fault(json!({ "kind": { "status": 500 } })).await;
    sim.script("/reset", json!({})).await;
    let after = sim.inspect().await;
    for part in ["users", "conversations", "tickets", "switchboard_integrations", "live_agent"] {
        assert_eq!(before[part], after[part]);
    }
    assert_eq!(sim.look("/requests").await, json!([]));
    assert_eq!(sim.bridge("our-user").await, made);
}
