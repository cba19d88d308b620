//! Events as the documentation shows them, and what nobody documents.

use std::{collections::BTreeMap, sync::Arc};

use handoff_sdk::{
    model::{HandoffKey, connector::HttpError},
    testing::FakeHost,
};
use serde_json::{Value, json};

use super::*;
use crate::settings::tests::settings;

fn host() -> FakeHost {
    let nobody = |_| Box::pin(async { Err(HttpError::NotSent { detail: "nobody".into() }) }) as _;
    FakeHost::new(&[("webhook_secret", "s1"), ("webhook_secret_next", "s2")], Arc::new(nobody))
}

fn request(method: &str, secret: Option<&str>, body: &str) -> Receive {
    let headers = secret.map(|secret| ("x-api-key".to_owned(), secret.to_owned()));
    Receive {
        method: method.into(),
        path: String::new(),
        query: String::new(),
        headers: headers.into_iter().collect::<BTreeMap<_, _>>(),
        body: body.into(),
        at: Timestamp(5),
    }
}

async fn decoded(events: Value) -> Vec<PlatformEvent> {
    let body = json!({ "app": { "id": "app1" }, "webhook": { "id": "w" }, "events": events }).to_string();
    receive(&host().cx(), &settings(), &request("POST", Some("s1"), &body)).await.unwrap().events
}

/// The kind of a single event.
async fn kind(event_type: &str, payload: Value) -> EventKind {
    let mut events = decoded(json!([{ "id": "e1", "type": event_type, "payload": payload }])).await;
    assert_eq!(events.len(), 1);
    events.remove(0).kind
}

fn conversation(active: Value) -> Value {
    json!({ "id": "c1", "type": "personal", "activeSwitchboardIntegration": active,
        "metadata": { "handoffId": "h1", "handoffOwner": "handoff", "handoffInstance": "handoff" } })
}

fn workspace() -> Value {
    json!({ "id": "s1", "name": "zd-agentWorkspace", "integrationId": "i1", "integrationType": "zd:agentWorkspace" })
}

fn ours() -> Value {
    json!({ "id": "s2", "name": "handoff", "integrationId": "i2", "integrationType": "custom" })
}

fn from_live_agent() -> Value {
    json!({ "id": "m1", "received": "2026-01-01T00:00:00.000Z",
        "author": { "type": "business", "displayName": "Maria", "subtypes": ["agent"] },
        "content": { "type": "text", "text": "Hi, Maria here" }, "source": { "type": "zd:agentWorkspace" },
        "metadata": { "__zendesk_msg.agent.id": "901234567" } })
}

fn ended(reason: &str) -> EventKind {
    EventKind::Closed { reason: reason.to_owned() }
}

fn is_ignored(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Ignored { .. })
}

#[tokio::test]
async fn nobody_is_believed_without_one_of_the_secrets() {
    let cx = host().cx();
    for secret in [None, Some(""), Some("wrong")] {
        let refused = receive(&cx, &settings(), &request("POST", secret, "not even JSON")).await.unwrap_err();
        assert!(matches!(refused, ConnectorError::Unverified { .. }), "{secret:?} {refused:?}");
    }
    for secret in ["s1", "s2"] {
        let body = r#"{"app":{"id":"app1"},"events":[]}"#;
        assert_eq!(
            receive(&cx, &settings(), &request("POST", Some(secret), body)).await.unwrap().status,
            200
        );
    }
    assert_eq!(receive(&cx, &settings(), &request("HEAD", None, "")).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_body_that_is_no_batch_is_unreadable() {
    for body in ["", "{", "[]", "null", r#"{"app":{"id":"app1"}}"#, r#"{"events":{}}"#] {
        let refused =
            receive(&host().cx(), &settings(), &request("POST", Some("s1"), body)).await.unwrap_err();
        assert!(matches!(refused, ConnectorError::Unreadable { .. }), "{body} {refused:?}");
    }
}

#[tokio::test]
async fn one_event_that_cannot_be_read_does_not_stop_the_others() {
    let good = json!({ "id": "e9", "type": "conversation:message", "createdAt": "2020-09-30T15:14:29.834Z",
        "payload": { "conversation": conversation(workspace()), "message": from_live_agent() } });
    let odd = json!({ "id": "e8", "type": "conversation:message", "payload": { "conversation": conversation(json!(7)), "message": 3 } });
    let events = decoded(json!([null, 7, {}, { "id": {}, "type": [] }, odd, good])).await;
    assert_eq!(events.len(), 6);
    assert!(events[..5].iter().all(|event| is_ignored(&event.kind)));
    let last = &events[5];
    assert_eq!((last.key.as_str(), last.chat.as_str(), last.at.0), ("e9", "c1", 1_601_478_869_834));
    assert_eq!(last.handoff, Some(HandoffKey::new("h1")));
    let keys: std::collections::BTreeSet<_> = events.iter().map(|event| &event.key).collect();
    assert_eq!(keys.len(), 6);
}

#[tokio::test]
async fn only_what_live_agents_write_is_carried() {
    let said = |message: Value| {
        kind("conversation:message", json!({ "conversation": conversation(workspace()), "message": message }))
    };
    let EventKind::LiveAgentMessage { name, content, external_id } = said(from_live_agent()).await else {
        panic!("not carried");
    };
    assert_eq!(
        (name.as_deref(), content.text.as_str(), external_id.as_str()),
        (Some("Maria"), "Hi, Maria here", "m1")
    );

    let with = |pointer: &str, value: Value| {
        let mut message = from_live_agent();
        *message.pointer_mut(pointer).unwrap() = value;
        message
    };
    let automatic = with("/metadata", json!({ "__zendesk_msg.agent.id": "__trigger" }));
    assert!(matches!(said(automatic).await, EventKind::LiveAgentMessage { name: None, .. }));
    let mut echo = with("/source/type", json!("api:conversations"));
    echo["metadata"] = json!({ "handoffId": "h1", "seq": 1, "part": 0 });
    assert!(is_ignored(&said(echo).await));
    let mut bot = with("/source/type", json!("api:conversations"));
    bot["metadata"] = json!({});
    assert!(is_ignored(&said(bot).await));
    assert!(is_ignored(&said(with("/author/type", json!("user"))).await));
    assert!(is_ignored(&said(with("/content", json!({ "type": "text", "text": " " }))).await));
}

#[tokio::test]
async fn every_sign_of_the_end_is_seen() {
    let system = |activity: &str| {
        json!({ "conversation": conversation(workspace()), "message": { "id": "m", "author": { "type": "business" },
            "activity": { "type": activity, "data": {} }, "content": { "type": "text", "text": "x" } } })
    };
    let reason = |reason: &str| json!({ "conversation": conversation(Value::Null), "reason": reason });
    for (event_type, payload, expected) in [
        ("switchboard:releaseControl", reason("ticketClosed"), "closed"),
        ("switchboard:releaseControl", reason("transferToEmail"), "moved_to_email"),
        ("switchboard:releaseControl", json!({ "conversation": conversation(Value::Null) }), "closed"),
        ("switchboard:passControl", reason("ticketClosed"), "closed"),
        ("switchboard:passControl", json!({ "conversation": conversation(ours()) }), "closed"),
        ("switchboard:acceptControl", json!({ "conversation": conversation(ours()) }), "closed"),
        (
            "switchboard:passControl",
            json!({ "conversation": conversation(json!({ "id": "s3", "name": "zd-answerBot" })) }),
            "moved_on",
        ),
        ("conversation:message", system("ticket:closed"), "closed"),
        ("conversation:message", system("ticket:transfer:email"), "moved_to_email"),
        ("conversation:message", system("conversation:endedByUser"), "ended"),
        ("conversation:remove", json!({ "conversation": { "id": "c1" } }), "deleted"),
    ] {
        assert_eq!(kind(event_type, payload.clone()).await, ended(expected), "{event_type} {payload}");
    }
}

#[tokio::test]
async fn the_steps_of_our_own_recipe_are_no_end() {
    let own = json!({ "conversation": conversation(ours()), "metadata": { "handoffId": "h1", "handoffStep": "bridge" } });
    let given = json!({ "conversation": conversation(workspace()), "metadata": { "first_message_id": "m" } });
    for (event_type, payload) in [
        ("switchboard:passControl", own.clone()),
        ("switchboard:passControl", given),
        ("switchboard:offerControl", own),
        ("switchboard:passControl:failure", json!({ "conversation": conversation(ours()) })),
        ("conversation:typing", json!({ "conversation": conversation(ours()) })),
    ] {
        assert!(is_ignored(&kind(event_type, payload).await), "{event_type}");
    }
}

#[tokio::test]
async fn what_belongs_to_others_is_passed_over() {
    let mut foreign = conversation(workspace());
    foreign["metadata"]["handoffOwner"] = json!("another");
    let mut twin = conversation(workspace());
    twin["metadata"]["handoffInstance"] = json!("another-host");
    let native = json!({ "id": "c2", "type": "personal" });
    for conversation in [foreign, twin, native] {
        let events = decoded(json!([{ "id": "e", "type": "conversation:message",
            "payload": { "conversation": conversation, "message": from_live_agent() } }]))
        .await;
        assert!(is_ignored(&events[0].kind), "{conversation}");
        assert_eq!(events[0].handoff, None);
    }
    let body = json!({ "app": { "id": "other" }, "events": [{ "id": "e", "type": "conversation:remove",
        "payload": { "conversation": { "id": "c1" } } }] });
    let got =
        receive(&host().cx(), &settings(), &request("POST", Some("s1"), &body.to_string())).await.unwrap();
    assert!(is_ignored(&got.events[0].kind));
}

#[tokio::test]
async fn a_merge_renames_the_chat() {
    let pair = |from: &str, to: &str| json!({ "surviving": { "id": to }, "discarded": { "id": from } });
    let events = decoded(json!([
        { "id": "e1", "type": "user:merge", "payload": { "mergedConversations": pair("c1", "c2"), "reason": "api" } },
        { "id": "e2", "type": "user:merge", "payload": { "mergedConversations": [pair("a", "b"), pair("c", "d")] } },
        { "id": "e3", "type": "user:merge", "payload": { "reason": "api" } },
    ]))
    .await;
    let renames: Vec<_> =
        events.iter().map(|event| (event.key.as_str(), event.chat.as_str(), &event.kind)).collect();
    let to = |to: &str| EventKind::Renamed { to: to.to_owned() };
    assert_eq!(renames[0], ("e1", "c1", &to("c2")));
    assert_eq!(renames[1], ("e2", "a", &to("b")));
    assert_eq!(renames[2], ("e2/1", "c", &to("d")));
    assert!(is_ignored(renames[3].2));
}
