//! Connectors that keep their thread for themselves.

use serde_json::json;

use super::*;
use crate::{
    plugins::tests::fake::{gate, registry},
    world::{CallError, Connectors},
};

fn impatient() -> Options {
    let limits = Limits { hangs_after: Duration::from_millis(150), ..Limits::default() };
    Options { limits, ..options(Path::new("/nowhere")) }
}

async fn until_it_serves(registry: &Registry, connection: &str) {
    loop {
        match registry.call(&ConnectionId::new(connection), call("echo", json!(1))).await {
            Ok(_) => return,
            Err(CallError::NotBegun(_) | CallError::Lost(_)) => tokio::task::yield_now().await,
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn calls_of_a_connector_that_hangs_are_given_up_and_a_new_lane_serves() {
    let outside = Outside::new();
    let registry = Arc::new(registry(&outside, &impatient(), &[], &[json!({}), json!({})]));
    let mut hog = gate("hog");
    let start = |connection: &'static str, verb, request| {
        let registry = registry.clone();
        tokio::spawn(async move { registry.call(&ConnectionId::new(connection), call(verb, request)).await })
    };
    let bystander = start("f1", "never", json!({}));
    outside.memory.until_kept("f1/begun").await;
    let culprit = start("f0", "hog", json!("hog"));
    assert_eq!(hog.heard.recv().await, Some(json!("begun")));
    for given_up in [culprit, bystander] {
        assert_eq!(given_up.await.unwrap(), Err(CallError::Lost("it hangs".into())));
    }
    until_it_serves(&registry, "f0").await;
    until_it_serves(&registry, "f1").await;
    assert!(registry.status()[0].hangs >= 1);

    hog.open.send(()).unwrap();
    let late = hog.heard.recv().await.unwrap();
    assert_eq!(late["code"], 503, "who wakes up late can no longer do anything: {late}");
    assert_eq!(outside.memory.value("f0/late"), None);
}

#[tokio::test]
async fn a_connector_that_hangs_while_it_is_made_is_not_made_again_and_others_serve() {
    let outside = Outside::new();
    let gate = gate("birth");
    let registry = registry(&outside, &impatient(), &[], &[json!({ "wait": "birth" }), json!({})]);
    until_it_serves(&registry, "f1").await;
    let problems = registry.connections()[0].problems.join("; ");
    assert!(problems.contains("hung while it was made"), "{problems}");
    gate.open.send(()).unwrap();
    let still = registry.call(&ConnectionId::new("f0"), call("echo", json!(1))).await;
    assert_eq!(still, Err(CallError::NotBegun(problems)));
}
