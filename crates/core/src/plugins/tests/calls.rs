//! Calls of a connector that answers, refuses, waits or panics.

use handoff_model::connector::ConnectorError;
use serde_json::json;

use super::*;
use crate::{
    plugins::tests::fake::{ask, registry},
    world::{CallError, Connectors},
};

fn f0() -> ConnectionId {
    ConnectionId::new("f0")
}

fn quiet() -> Options {
    options(Path::new("/nowhere"))
}

#[tokio::test]
async fn a_call_gets_its_answer_and_an_error_keeps_its_kind() {
    let registry = registry(&Outside::new(), &quiet(), &[], &[json!({})]);
    assert_eq!(registry.call(&f0(), call("echo", json!({ "a": [1] }))).await, Ok(json!({ "a": [1] })));
    let limited = ConnectorError::RateLimited { after_ms: 70, detail: "slow down, hunter2+x".into() };
    let failed = registry.call(&f0(), call("fail", json!({ "code": 422, "body": limited }))).await;
    let clean = ConnectorError::RateLimited { after_ms: 70, detail: "slow down, [token]".into() };
    assert_eq!(failed, Err(clean.into()), "secrets do not come out with errors");
    let unsupported = ConnectorError::Unsupported { verb: "poll".into() };
    assert_eq!(registry.call(&f0(), call("poll", json!({}))).await, Err(unsupported.into()));
    let status = &registry.status()[0];
    assert_eq!((status.calls, status.errors), (3, 1), "a verb that is not offered is no error");
    assert!(status.last_error.as_ref().unwrap().text.contains("slow down"));
}

#[tokio::test]
async fn a_panic_is_a_lost_answer_and_the_next_call_works() {
    let registry = registry(&Outside::new(), &quiet(), &[], &[json!({})]);
    let lost = registry.call(&f0(), call("panic", json!("on purpose"))).await;
    assert!(matches!(lost, Err(CallError::Lost(_))), "{lost:?}");
    let caught = json!({ "code": 500, "body": { "message": "panicked at x.rs:1: boom" } });
    let lost = registry.call(&f0(), call("fail", caught)).await;
    assert_eq!(lost, Err(CallError::Lost("panicked at x.rs:1: boom".into())));
    assert_eq!(registry.call(&f0(), call("echo", json!(1))).await, Ok(json!(1)));
}

#[tokio::test]
async fn a_call_past_its_deadline_is_lost_and_can_ask_nothing_more() {
    let outside = Outside::new();
    let registry = registry(&outside, &quiet(), &[], &[json!({})]);
    let (id, memory) = (f0(), outside.memory.clone());
    let late = async {
        memory.until_kept("f0/begun").await;
        outside.advance(Duration::from_secs(61));
    };
    let (lost, ()) = tokio::join!(registry.call(&id, call("never", json!({}))), late);
    assert_eq!(lost, Err(CallError::Lost("it did not answer within 60000 ms".into())));
}

#[tokio::test]
async fn a_full_queue_refuses_and_what_never_began_says_so() {
    let outside = Outside::new();
    let limits = Limits { queue: 1, at_once: 1, ..Limits::default() };
    let registry = Arc::new(registry(&outside, &Options { limits, ..quiet() }, &[], &[json!({})]));
    let start = |verb| {
        let registry = registry.clone();
        tokio::spawn(async move { registry.call(&f0(), call(verb, json!(1))).await })
    };
    let running = start("never");
    outside.memory.until_kept("f0/begun").await;
    // The lane has one job at work; the queue takes one more.
    let waiting = start("echo");
    let full = loop {
        let more = registry.call(&f0(), Call { deadline: Duration::ZERO, ..call("echo", json!(1)) }).await;
        match more {
            Err(CallError::NotBegun(reason)) if reason.contains("too many") => break reason,
            Err(CallError::NotBegun(reason)) => assert!(reason.contains("did not answer"), "{reason}"),
            other => panic!("{other:?}"),
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(full, "too many calls wait for it");
    outside.advance(Duration::from_secs(61));
    assert!(matches!(running.await.unwrap(), Err(CallError::Lost(_))));
    let waited = waiting.await.unwrap();
    assert!(matches!(&waited, Ok(_) | Err(CallError::NotBegun(_))), "{waited:?}");
}

#[tokio::test]
async fn kept_values_belong_to_their_connection_and_change_only_from_the_expected_version() {
    let outside = Outside::new();
    let registry = registry(&outside, &quiet(), &[], &[json!({}), json!({})]);
    assert_eq!(ask(&registry, "kv.get", json!({ "key": "k" })).await, json!(null));
    for (expected, swapped) in [(1, false), (0, true), (0, false), (1, true)] {
        let asked = json!({ "key": "k", "expected": expected, "value": { "n": expected } });
        assert_eq!(ask(&registry, "kv.cas", asked).await, json!(swapped), "{expected}");
    }
    assert_eq!(
        ask(&registry, "kv.get", json!({ "key": "k" })).await,
        json!({ "value": { "n": 1 }, "version": 2 })
    );
    let other = call("ask", json!({ "operation": "kv.get", "request": { "key": "k" } }));
    assert_eq!(registry.call(&ConnectionId::new("f1"), other).await, Ok(json!(null)));
    let huge =
        ask(&registry, "kv.cas", json!({ "key": "k", "expected": 2, "value": "x".repeat(1 << 20) })).await;
    assert_eq!(huge["code"], 400);
    assert_eq!(ask(&registry, "kv.get", json!({ "key": "" })).await["code"], 400);
}

#[tokio::test]
async fn checkpoints_go_to_the_call_that_takes_them_and_others_are_told_to_stop() {
    let registry = registry(&Outside::new(), &quiet(), &[], &[json!({})]);
    let trail = Arc::new(Trail { superseded_from: Some(1), ..Trail::default() });
    let step = || Call {
        checkpoints: Some(trail.clone()),
        ..call("ask", json!({ "operation": "checkpoint", "request": { "step": 1 } }))
    };
    let superseded = json!({ "code": 422, "body": ConnectorError::Superseded });
    assert_eq!(registry.call(&f0(), step()).await, Ok(json!(null)));
    assert_eq!(registry.call(&f0(), step()).await, Ok(superseded.clone()));
    assert_eq!(*trail.left.lock(), [json!({ "step": 1 })]);
    assert_eq!(ask(&registry, "checkpoint", json!({})).await, superseded, "a call that takes none");
}

#[tokio::test]
async fn the_small_capabilities_do_what_they_say() {
    let outside = Outside::new();
    let registry = registry(&outside, &quiet(), &[], &[json!({})]);
    for (name, given, same) in
        [("token", "hunter2+x", true), ("token", "hunter2", false), ("spare", "", false)]
    {
        let asked = json!({ "name": name, "given": given });
        assert_eq!(ask(&registry, "secret.matches", asked).await, json!(same), "{name} {given}");
    }
    assert_eq!(ask(&registry, "fly", json!({})).await, json!({ "code": 501, "body": { "message": "fly" } }));
    assert_eq!(ask(&registry, "kv.get", json!(7)).await["code"], 400);
    assert_eq!(ask(&registry, "sleep", json!({ "ms": 0 })).await, json!(null));
}

#[tokio::test]
async fn a_connection_that_cannot_work_says_why_and_does_not_disturb_others() {
    let settings =
        [json!({}), json!({ "base_url": 5 }), json!({ "refuse": "the line hunter2+x is not known" })];
    let outside = Outside::new();
    let mut setups: Vec<_> = settings
        .iter()
        .enumerate()
        .map(|(n, settings)| connection(&format!("f{n}"), "fake", settings.clone()))
        .collect();
    setups.push(ConnectionSetup { secrets: BTreeMap::new(), ..connection("f3", "fake", json!({})) });
    setups.push(connection("f4", "elsewhere", json!({})));
    let registry = Registry::start(vec![fake::image(&[])], setups, &quiet(), outside.world());
    let expected = ["", "/base_url", "the line [token] is not known", "the secret token", "no loaded plugin"];
    for (status, expected) in registry.connections().iter().zip(expected) {
        let problems = status.problems.join("; ");
        assert_eq!(problems.is_empty(), expected.is_empty(), "{problems}");
        assert!(problems.contains(expected), "{problems}");
        let called = registry.call(&status.id, call("echo", json!(1))).await;
        assert_eq!(
            called,
            if expected.is_empty() { Ok(json!(1)) } else { Err(CallError::NotBegun(problems)) }
        );
    }
    let unknown = registry.call(&ConnectionId::new("f9"), call("echo", json!(1))).await;
    assert!(matches!(unknown, Err(CallError::NotBegun(_))));
    assert!(registry.manifest(&f0()).is_some());
    assert!(registry.manifest(&ConnectionId::new("f4")).is_none());
}

#[tokio::test]
async fn a_lease_has_one_holder_until_it_is_given_back_or_over() {
    let outside = Outside::new();
    let registry = registry(&outside, &options(Path::new("/nowhere")), &[], &[json!({})]);
    let take = || ask(&registry, "lease.take", json!({ "key": "token", "ttl_ms": 5_000 }));
    let release = |token: u64| ask(&registry, "lease.release", json!({ "key": "token", "token": token }));
    assert_eq!(take().await, json!({ "token": 1 }));
    assert_eq!(take().await, json!({ "wait_ms": 5_000 }));
    outside.advance(Duration::from_secs(2));
    assert_eq!(take().await, json!({ "wait_ms": 3_000 }));
    assert_eq!(release(1).await, json!(true));
    assert_eq!(take().await, json!({ "token": 3 }));
    // The first holder wakes up too late, and takes nothing from the present one.
    assert_eq!(release(1).await, json!(false));
    outside.advance(Duration::from_secs(5));
    assert_eq!(take().await, json!({ "token": 4 }));
    // A connector cannot reach leases as values.
    assert_eq!(ask(&registry, "kv.get", json!({ "key": "\u{1}lease/token" })).await["code"], 400);
    assert_eq!(ask(&registry, "lease.take", json!({ "key": "", "ttl_ms": 1 })).await["code"], 400);
}

#[tokio::test]
async fn of_many_that_ask_for_a_lease_at_once_one_gets_it() {
    let outside = Outside::new();
    let registry = registry(&outside, &options(Path::new("/nowhere")), &[], &[json!({})]);
    let asked = (0..20).map(|_| ask(&registry, "lease.take", json!({ "key": "token", "ttl_ms": 5_000 })));
    let held = futures::future::join_all(asked).await.into_iter().filter(|answer| !answer["token"].is_null());
    assert_eq!(held.count(), 1);
}
