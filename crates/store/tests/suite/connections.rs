//! `Connections`: what administrators made.

use std::sync::Arc;

use handoff_core::{
    handoff::HandoffState,
    store::{Changes, ConnectionRow, NewEffect, Store, StoreError},
};
use handoff_model::{AssistantId, ConnectionId, ConnectorId, TicketRef, Timestamp};
use serde_json::json;

use super::samples::{conversation, effect, handoff, only};

fn row(id: &str) -> ConnectionRow {
    ConnectionRow {
        id: ConnectionId::new(id),
        connector: ConnectorId::new("zendesk"),
        assistant: Some(AssistantId::new("support")),
        settings: json!({ "base_url": "https://acme.example", "lines": [1, 2] }),
        sealed: vec![0, 1, 255],
        revision: 0,
        at: Timestamp(7),
    }
}

pub(crate) async fn a_connection_comes_back_as_it_was_and_changes_under_its_revision(store: Arc<dyn Store>) {
    assert!(store.connection_rows().await.unwrap().is_empty());
    assert_eq!(store.save_connection(row("two")).await, Ok(1));
    assert_eq!(store.save_connection(row("one")).await, Ok(1));
    let taken = store.save_connection(row("one")).await;
    assert_eq!(taken, Err(StoreError::Conflict), "there is one of that name");
    let changed = ConnectionRow { settings: json!(null), assistant: None, revision: 1, ..row("one") };
    assert_eq!(store.save_connection(changed.clone()).await, Ok(2));
    assert_eq!(store.save_connection(changed.clone()).await, Err(StoreError::Conflict));
    let rows = store.connection_rows().await.unwrap();
    assert!(rows == [ConnectionRow { revision: 2, ..changed }, ConnectionRow { revision: 1, ..row("two") }]);
}

pub(crate) async fn a_connection_is_removed_once_its_handoffs_are_at_their_end(store: Arc<dyn Store>) {
    let desk = ConnectionId::new("desk");
    store.save_connection(row("desk")).await.unwrap();
    store.save_connection(row("other")).await.unwrap();
    for id in ["desk", "other"] {
        store.swap(&ConnectionId::new(id), "token", 0, json!("t")).await.unwrap();
    }
    let chat = conversation("ann");
    let mut leaving = handoff(&chat.id, "e1");
    let after = NewEffect { handoff: Some(leaving.id.clone()), ..effect(&chat.id, "out", 5) };
    let changes = Changes { handoffs: vec![leaving.clone()], effects: vec![after], ..only(&chat) };
    store.commit(changes).await.unwrap();
    assert_eq!(store.remove_connection(&desk, 1).await, Ok(1), "it is not decided");

    let ticket = TicketRef { chat: "c9".into(), label: None, url: None };
    (leaving.version, leaving.state) = (1, HandoffState::Accepted { ticket, at: Timestamp(2) });
    store.commit(Changes { handoffs: vec![leaving], ..Changes::default() }).await.unwrap();
    assert_eq!(store.remove_connection(&desk, 1).await, Ok(1), "words are still on their way");

    let rows = store.claim(Timestamp(10), Timestamp(20), 9).await.unwrap();
    store.commit(Changes { done: vec![rows[0].id], ..Changes::default() }).await.unwrap();
    assert_eq!(store.remove_connection(&desk, 2).await, Err(StoreError::Conflict));
    assert_eq!(store.remove_connection(&desk, 1).await, Ok(0));
    assert_eq!(store.connection_rows().await.unwrap().len(), 1);
    assert_eq!(store.get(&desk, "token").await, Ok(None));
    assert!(store.get(&ConnectionId::new("other"), "token").await.unwrap().is_some());
}
