//! The connector against a host in memory.

use std::sync::Arc;

use handoff_sdk::{
    model::{Content, HandoffKey, Person, Route, TicketRef, connector::HttpError},
    testing::FakeHost,
};

use super::*;

fn host() -> FakeHost {
    let nobody = |_| Box::pin(async { Err(HttpError::NotSent { detail: "nobody".into() }) }) as _;
    FakeHost::new(&[], Arc::new(nobody))
}

fn transfer() -> Transfer {
    Transfer {
        key: HandoffKey::new("h1"),
        route: Route::Bridge,
        chat: None,
        platform_session: None,
        person: Person::default(),
        transcript: Vec::new(),
        options: json!({}),
        checkpoint: None,
    }
}

#[tokio::test]
async fn the_same_words_forwarded_twice_are_kept_once() {
    let host = host();
    let loopback: Loopback = host.connector(&json!({})).unwrap();
    loopback.transfer(&host.cx(), transfer()).await.unwrap();
    let words = Forward {
        handoff: HandoffKey::new("h1"),
        ticket: TicketRef { chat: "h1".into(), label: None, url: None },
        checkpoint: None,
        person: Person::default(),
        seq: 4,
        content: Content::text("hello"),
        maybe_sent: false,
    };
    loopback.forward(&host.cx(), words.clone()).await.unwrap();
    loopback.forward(&host.cx(), Forward { maybe_sent: true, ..words }).await.unwrap();
    let record = host.cx().kept("handoff/h1").await.unwrap().unwrap().value;
    assert_eq!(record["carried"], json!([[4, "hello"]]));
}

#[tokio::test]
async fn a_transfer_is_found_only_after_it_was_made() {
    let host = host();
    let loopback: Loopback = host.connector(&json!({})).unwrap();
    let find = Find { transfer: transfer() };
    assert_eq!(loopback.find(&host.cx(), find.clone()).await.unwrap(), Found::Absent { safe_now: true });
    loopback.transfer(&host.cx(), transfer()).await.unwrap();
    assert!(matches!(loopback.find(&host.cx(), find).await.unwrap(), Found::There(_)));
}

#[test]
fn a_setting_that_is_not_known_is_refused() {
    let refused = host().connector::<Loopback>(&json!({ "ecko": true })).err().unwrap();
    assert!(refused.contains("ecko"), "{refused}");
}
