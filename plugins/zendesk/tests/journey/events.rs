//! What the account tells our webhook, decoded.

use handoff_sdk::{
    Connector, ConnectorError,
    model::{
        Source, Timestamp,
        connector::{EventKind, Fetch, PlatformEvent, Receive, Transferred},
    },
};
use serde_json::{Value, json};

use crate::{
    schemas,
    stage::{Node, Stage, transfer},
};

/// Everything the account has told so far, decoded in order.
pub(crate) async fn told(stage: &Stage, node: &Node) -> Vec<PlatformEvent> {
    let mut events = Vec::new();
    for delivery in stage.look("deliveries").await["deliveries"].as_array().unwrap() {
        schemas::check_events(&delivery["body"]);
        let headers = delivery["headers"].as_object().unwrap().iter();
        let request = Receive {
            method: "POST".into(),
            path: String::new(),
            query: String::new(),
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.as_str().unwrap().into()))
                .collect(),
            body: delivery["body"].to_string(),
            at: Timestamp(0),
        };
        events.extend(node.zendesk.receive(&node.host.cx(), request).await.unwrap().events);
    }
    events
}

fn noteworthy(events: Vec<PlatformEvent>) -> Vec<PlatformEvent> {
    events.into_iter().filter(|event| !matches!(event.kind, EventKind::Ignored { .. })).collect()
}

async fn handed_over(args: &[&str]) -> (Stage, Node, Transferred) {
    let stage = Stage::start(args).await;
    let node = stage.node();
    let held = node.hand_over(&stage, &transfer("h1")).await;
    (stage, node, held)
}

async fn live_agent(stage: &Stage, held: &Transferred, action: &str, mut more: Value) {
    more["conversation"] = json!(held.ticket.chat);
    stage.control(&format!("agent/{action}"), more).await;
}

#[tokio::test]
async fn a_handoff_by_itself_tells_nothing_that_concerns_the_person() {
    for standby in ["true", "false"] {
        let (stage, node, _) = handed_over(&["--deliver-standby-events", standby]).await;
        let events = told(&stage, &node).await;
        assert!(!events.is_empty());
        assert_eq!(noteworthy(events), []);
    }
}

#[tokio::test]
async fn live_agents_words_come_with_name_and_handoff() {
    let (stage, node, held) = handed_over(&[]).await;
    live_agent(&stage, &held, "reply", json!({ "text": "Hi, Maria here" })).await;
    live_agent(&stage, &held, "automatic", json!({ "text": "We are on it" })).await;
    let events = noteworthy(told(&stage, &node).await);
    let said: Vec<_> = events
        .iter()
        .map(|event| match &event.kind {
            EventKind::LiveAgentMessage { name, content, .. } => (name.as_deref(), content.text.as_str()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(said, [(Some("Maria"), "Hi, Maria here"), (None, "We are on it")]);
    assert!(events.iter().all(|event| event.chat == held.ticket.chat));
    assert!(events.iter().all(|event| event.handoff.as_ref() == Some(&transfer("h1").key)));
}

#[tokio::test]
async fn a_live_agents_private_file_is_fetched_with_our_key() {
    let (stage, node, held) = handed_over(&[]).await;
    let file = json!({ "file_name": "label.txt", "media_type": "text/plain", "content_base64": "aGVsbG8=" });
    live_agent(&stage, &held, "attach", file).await;
    let events = noteworthy(told(&stage, &node).await);
    let EventKind::LiveAgentMessage { content, .. } = &events[0].kind else { panic!("{events:?}") };
    let Source::Platform(address) = &content.attachments[0].source else { panic!("{content:?}") };
    let fetched = node.zendesk.fetch(&node.host.cx(), Fetch { address: address.clone() }).await.unwrap();
    assert_eq!((fetched.blob.as_str(), fetched.media_type.as_str()), ("hello", "text/plain"));

    let elsewhere = format!("{}/sc/v2/apps/x/attachments/", stage.base);
    for address in ["http://127.0.0.1:9/sc/attachments/v2/a/b".to_owned(), elsewhere] {
        let refused = node.zendesk.fetch(&node.host.cx(), Fetch { address }).await.unwrap_err();
        assert!(matches!(refused, ConnectorError::Refused { .. }), "{refused}");
    }
}

#[tokio::test]
async fn the_end_is_told_however_it_comes() {
    for (action, more, expected) in [
        ("close", json!({ "on_close": "release" }), "closed"),
        ("close", json!({ "on_close": "pass_to_next" }), "closed"),
        ("close", json!({ "on_close": "nothing" }), "closed"),
        ("transfer_email", json!({}), "moved_to_email"),
        ("end", json!({ "by": "agent" }), "closed"),
        ("end", json!({ "by": "user" }), "ended"),
    ] {
        let (stage, node, held) = handed_over(&["--agent-workspace-next", "handoff"]).await;
        live_agent(&stage, &held, action, more.clone()).await;
        let events = noteworthy(told(&stage, &node).await);
        let first = events.first().unwrap_or_else(|| panic!("{action} {more}: nothing told"));
        assert_eq!(first.kind, EventKind::Closed { reason: expected.into() }, "{action} {more}");
        assert!(events.iter().all(|event| matches!(event.kind, EventKind::Closed { .. })), "{events:?}");
    }
}

#[tokio::test]
async fn another_servers_chat_is_passed_over() {
    let (stage, _, held) = handed_over(&[]).await;
    live_agent(&stage, &held, "reply", json!({ "text": "Hi" })).await;
    let mut settings = stage.settings();
    settings["owner"] = json!("another");
    let other = stage.node_with(settings, std::time::Duration::from_secs(20));
    assert_eq!(noteworthy(told(&stage, &other).await), []);
}

#[tokio::test]
async fn the_same_delivery_twice_gives_the_same_keys() {
    let (stage, node, held) = handed_over(&[]).await;
    live_agent(&stage, &held, "reply", json!({ "text": "Hi" })).await;
    let (once, twice) = (told(&stage, &node).await, told(&stage, &node).await);
    assert_eq!(once, twice);
    let keys: std::collections::BTreeSet<_> = once.iter().map(|event| &event.key).collect();
    assert_eq!(keys.len(), once.len());
}
