//! Who hears what, how stubbornly, and what a test can do to the deliveries.

use serde_json::{Value, json};

use crate::harness::Sim;

fn text_is<'a>(text: &'a str) -> impl Fn(&Value) -> bool + 'a {
    move |payload| payload["message"]["content"]["text"] == text
}

#[tokio::test]
async fn our_own_posts_come_back_to_us_with_the_secret() {
    let sim = Sim::start(&["--webhook-secret", "hush"]).await;
    let (user, conversation) = sim.bridge("our-user").await;
    sim.act(&conversation, "passControl", "handoff").await;
    sim.say(&conversation, "from the bot").await;
    let echo = sim.ear.event("conversation:message", text_is("from the bot")).await;
    let message = &echo["payload"]["message"];
    assert_eq!(
        (&message["author"]["type"], &message["source"]["type"]),
        (&json!("business"), &json!("api:conversations"))
    );
    assert_eq!(echo["payload"]["conversation"]["activeSwitchboardIntegration"]["name"], "handoff");
    assert_eq!(echo["payload"]["conversation"]["metadata"]["handoffId"], "h-1");

    sim.user_says(&conversation, &user, "from the user").await;
    let said = sim.ear.event("conversation:message", text_is("from the user")).await;
    assert_eq!(
        said["payload"]["message"]["author"]["user"],
        json!({ "id": user, "externalId": "our-user", "authenticated": true })
    );
    for (headers, body) in sim.ear.calls() {
        assert_eq!(headers["x-api-key"], "hush");
        assert_eq!(body["app"]["id"], crate::harness::APP);
        assert_eq!(body["webhook"]["version"], "v2");
    }
}

#[tokio::test]
async fn only_those_in_control_or_pending_hear_unless_standby_asks_for_it() {
    for (standby, expected) in [("false", false), ("true", true)] {
        let sim = Sim::start(&["--deliver-standby-events", standby]).await;
        let (user, conversation) = sim.bridge("our-user").await;
        sim.act(&conversation, "passControl", "handoff").await;
        sim.user_says(&conversation, &user, "heard").await;
        sim.act(&conversation, "passControl", "zd-agentWorkspace").await;
        sim.user_says(&conversation, &user, "on standby").await;
        sim.act(&conversation, "offerControl", "handoff").await;
        sim.user_says(&conversation, &user, "pending").await;
        sim.ear.event("conversation:message", text_is("heard")).await;
        // The one who loses control is told so.
        sim.ear
            .event("switchboard:passControl", |payload| {
                payload["conversation"]["activeSwitchboardIntegration"]["name"] == "zd-agentWorkspace"
            })
            .await;
        sim.ear.event("conversation:message", text_is("pending")).await;
        let heard = sim.ear.events().iter().any(|event| text_is("on standby")(&event["payload"]));
        assert_eq!(heard, expected);
    }
}

#[tokio::test]
async fn a_failed_call_is_repeated_with_the_same_body_until_it_is_taken() {
    let sim = Sim::start(&["--clock-factor", "10000"]).await;
    let (_, conversation) = sim.bridge("our-user").await;
    sim.ear.answers(&[500, 302, 429, 503]);
    sim.act(&conversation, "passControl", "handoff").await;
    sim.ear.until_called(5).await;
    let bodies: Vec<Value> = sim.ear.calls().into_iter().map(|(_, body)| body).collect();
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    let deliveries = sim.until_deliveries(|all| all.iter().any(|one| one["state"] == "delivered")).await;
    let spacing: Vec<i64> = deliveries[0]["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| attempt["at_ms"].as_i64().unwrap())
        .collect();
    for (pair, seconds) in spacing.windows(2).zip([30, 60, 180, 480]) {
        assert!(pair[1] - pair[0] >= seconds * 1000, "{spacing:?}");
    }
}

#[tokio::test]
async fn five_failures_lose_the_events() {
    let sim = Sim::start(&["--clock-factor", "10000"]).await;
    let (_, conversation) = sim.bridge("our-user").await;
    sim.ear.answers(&[500; 5]);
    sim.act(&conversation, "passControl", "handoff").await;
    let deliveries = sim.until_deliveries(|all| all.iter().any(|one| one["state"] == "failed")).await;
    assert_eq!(deliveries[0]["attempts"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn a_refusal_loses_the_events_at_once() {
    for status in [400, 401, 403, 404, 406] {
        let sim = Sim::start(&["--clock-factor", "10000"]).await;
        let (_, conversation) = sim.bridge("our-user").await;
        sim.ear.answers(&[status]);
        sim.act(&conversation, "passControl", "handoff").await;
        let deliveries = sim.until_deliveries(|all| all.iter().any(|one| one["state"] == "failed")).await;
        assert_eq!(deliveries[0]["attempts"].as_array().unwrap().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn held_events_of_several_conversations_travel_in_one_call() {
    let sim = Sim::start(&["--webhook-batch", "3"]).await;
    let (user, first) = sim.bridge("our-user").await;
    let second = sim.conversation_of(&user).await;
    sim.script("/deliveries/hold", json!({})).await;
    for conversation in [&first, &second, &first, &second] {
        sim.act(conversation, "passControl", "handoff").await;
        sim.user_says(conversation, &user, "hello").await;
    }
    assert_eq!(sim.ear.calls().len(), 0);
    sim.script("/deliveries/release", json!({})).await;
    sim.ear.until_called(2).await;
    let batches: Vec<usize> =
        sim.ear.calls().iter().map(|(_, body)| body["events"].as_array().unwrap().len()).collect();
    assert_eq!(batches, [3, 3]);
    let calls = sim.ear.calls();
    let mut about: Vec<&str> = calls[0].1["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["payload"]["conversation"]["id"].as_str().unwrap())
        .collect();
    about.dedup();
    assert_eq!(about, [first.as_str(), second.as_str()]);
}

/// Three messages of a conversation in our control, under these delivery faults: their texts as heard.
async fn three_under(faults: Value, calls: usize) -> Vec<String> {
    let sim = Sim::start(&["--webhook-batch", "1"]).await;
    let (user, conversation) = sim.bridge("our-user").await;
    sim.act(&conversation, "passControl", "handoff").await;
    sim.ear.until_called(1).await;
    sim.script("/deliveries/faults", faults).await;
    for text in ["one", "two", "three"] {
        sim.user_says(&conversation, &user, text).await;
    }
    sim.ear.until_called(1 + calls).await;
    let events = sim.ear.events();
    events[1..]
        .iter()
        .map(|event| event["payload"]["message"]["content"]["text"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn deliveries_are_doubled_dropped_and_swapped_on_request() {
    assert_eq!(three_under(json!({ "duplicate": 2 }), 5).await, ["one", "one", "two", "two", "three"]);
    assert_eq!(three_under(json!({ "drop": 1 }), 2).await, ["two", "three"]);
    assert_eq!(three_under(json!({ "reorder": true }), 3).await, ["two", "one", "three"]);
    assert_eq!(three_under(json!({ "delay_ms": 300 }), 3).await, ["two", "three", "one"]);
}

#[tokio::test]
async fn an_old_delivery_can_be_made_again() {
    let sim = Sim::start(&[]).await;
    let (_, conversation) = sim.bridge("our-user").await;
    sim.act(&conversation, "passControl", "handoff").await;
    let deliveries = sim.until_deliveries(|all| all.iter().any(|one| one["state"] == "delivered")).await;
    sim.script(&format!("/deliveries/{}/redeliver", deliveries[0]["n"]), json!({})).await;
    sim.ear.until_called(2).await;
    let calls = sim.ear.calls();
    assert_eq!(calls[0].1, calls[1].1);
    assert_eq!(sim.try_script("/deliveries/999/redeliver", json!({})).await.0, 400);
}

#[tokio::test]
async fn the_webhook_can_be_pointed_elsewhere_at_run_time() {
    let sim = Sim::start(&[]).await;
    let other = Sim::start(&[]).await;
    let target = other.inspect().await["integrations"][0]["webhooks"][0]["target"].clone();
    sim.script("/webhook", json!({ "target": target, "secret": "new" })).await;
    let (_, conversation) = sim.bridge("our-user").await;
    sim.act(&conversation, "passControl", "handoff").await;
    other.ear.until_called(1).await;
    assert_eq!(other.ear.calls()[0].0["x-api-key"], "new");
    assert_eq!(sim.try_script("/webhook", json!({ "target": "nowhere" })).await.0, 400);
}
