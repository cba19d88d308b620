//! `Transactions`: all of it or nothing.

use std::sync::Arc;

use futures::future::join_all;
use handoff_core::store::{Changes, EffectKind, Store, StoreError};
use handoff_model::{ConnectionId, Timestamp};

use super::samples::{conversation, effect, event, handoff, message, only, with_messages};

pub(crate) async fn a_commit_stores_all_of_it(store: Arc<dyn Store>) {
    let chat = conversation("ann");
    let leaving = handoff(&chat.id, "e1");
    let desk = ConnectionId::new("desk");
    let changes = Changes {
        dedupe: vec![event("e1", 0, 2)],
        handoffs: vec![leaving.clone()],
        sealed: vec![(chat.id.clone(), 3, b"sealed".to_vec())],
        chats: vec![(desk.clone(), "chat-1".into(), leaving.id.clone())],
        effects: vec![effect(&chat.id, "lane", 5)],
        ..with_messages(&chat, &[message(1, "hello"), message(2, "hi")])
    };
    store.commit(changes).await.unwrap();
    assert_eq!(store.conversation(&chat.id).await.unwrap().unwrap().version, 1);
    assert_eq!(store.handoff(&leaving.id).await.unwrap().unwrap().version, 1);
    assert_eq!(store.messages(&chat.id, 0, 9).await.unwrap().len(), 2);
    assert_eq!(store.shown(&chat.id, 0, 9).await.unwrap().len(), 2);
    assert_eq!(store.handoff_by_chat(&desk, "chat-1").await.unwrap(), Some(leaving.id));
    assert_eq!(store.waiting(&chat.id, EffectKind::Forward).await.unwrap().len(), 1);
}

pub(crate) async fn a_conflict_stores_nothing(store: Arc<dyn Store>) {
    let chat = conversation("ann");
    let leaving = handoff(&chat.id, "e1");
    let first = Changes { handoffs: vec![leaving.clone()], ..only(&chat) };
    store.commit(first).await.unwrap();

    // The conversation is the version that is stored; the handoff, later in the transaction, is not.
    let mut stale = leaving.clone();
    stale.version = 7;
    let mut fresh = store.conversation(&chat.id).await.unwrap().unwrap();
    fresh.external_id = "changed".into();
    let changes = Changes {
        dedupe: vec![event("e2", 0, 1)],
        handoffs: vec![handoff(&chat.id, "e2"), stale],
        effects: vec![effect(&chat.id, "lane", 5)],
        sealed: vec![(chat.id.clone(), 2, b"sealed".to_vec())],
        ..with_messages(&fresh, &[message(1, "hello")])
    };
    assert_eq!(store.commit(changes).await, Err(StoreError::Conflict));
    let kept = store.conversation(&chat.id).await.unwrap().unwrap();
    assert_eq!((kept.version, kept.external_id.as_str()), (1, "ann"));
    assert_eq!(store.handoff(&handoff(&chat.id, "e2").id).await.unwrap(), None);
    assert_eq!(store.messages(&chat.id, 0, 9).await.unwrap(), []);
    assert_eq!(store.shown(&chat.id, 0, 9).await.unwrap(), []);
    assert_eq!(store.waiting(&chat.id, EffectKind::Forward).await.unwrap(), []);
    let again = Changes { dedupe: vec![event("e2", 0, 1)], ..Changes::default() };
    assert_eq!(store.commit(again).await, Ok(()), "the event was not remembered");
}

pub(crate) async fn a_conversation_that_exists_is_not_made_twice(store: Arc<dyn Store>) {
    let chat = conversation("ann");
    store.commit(only(&chat)).await.unwrap();
    assert_eq!(store.commit(only(&chat)).await, Err(StoreError::Conflict));
    let mut never_stored = conversation("bob");
    never_stored.version = 1;
    assert_eq!(store.commit(only(&never_stored)).await, Err(StoreError::Conflict));
}

pub(crate) async fn a_handoff_that_changed_meanwhile_is_a_conflict(store: Arc<dyn Store>) {
    let chat = conversation("ann");
    let mut leaving = handoff(&chat.id, "e1");
    store.commit(Changes { handoffs: vec![leaving.clone()], ..only(&chat) }).await.unwrap();
    let change = |version| {
        leaving.version = version;
        Changes { handoffs: vec![leaving.clone()], ..Changes::default() }
    };
    let [made_again, changed, stale] = [0, 1, 1].map(change);
    assert_eq!(store.commit(made_again).await, Err(StoreError::Conflict));
    assert_eq!(store.commit(changed).await, Ok(()));
    assert_eq!(store.commit(stale).await, Err(StoreError::Conflict));
}

pub(crate) async fn an_event_handled_before_is_a_duplicate_that_names_its_places(store: Arc<dyn Store>) {
    let mut chat = conversation("ann");
    store.commit(Changes { dedupe: vec![event("e1", 4, 6)], ..only(&chat) }).await.unwrap();
    chat.version = 1;
    let said = with_messages(&chat, &[message(7, "again")]);
    let again = Changes { dedupe: vec![event("e0", 0, 0), event("e1", 6, 7)], ..said };
    assert_eq!(store.commit(again).await, Err(StoreError::Duplicate { from: 4, until: 6 }));
    assert_eq!(store.messages(&chat.id, 0, 9).await.unwrap(), []);
    let other = Changes { dedupe: vec![event("e0", 0, 0)], ..Changes::default() };
    assert_eq!(store.commit(other).await, Ok(()), "nothing of the refused commit was stored");
}

pub(crate) async fn a_duplicate_is_found_before_a_conflict(store: Arc<dyn Store>) {
    let chat = conversation("ann");
    let first = Changes { dedupe: vec![event("e1", 0, 2)], ..only(&chat) };
    store.commit(first.clone()).await.unwrap();
    assert_eq!(store.commit(first).await, Err(StoreError::Duplicate { from: 0, until: 2 }));
}

pub(crate) async fn the_same_key_in_another_scope_is_another_event(store: Arc<dyn Store>) {
    let mut other = event("e1", 0, 0);
    other.scope = "desk".into();
    for event in [event("e1", 0, 0), other] {
        let handled = Changes { dedupe: vec![event], ..Changes::default() };
        assert_eq!(store.commit(handled).await, Ok(()));
    }
}

pub(crate) async fn of_many_commits_on_one_version_exactly_one_wins(store: Arc<dyn Store>) {
    let mut chat = conversation("ann");
    for version in 0..20 {
        chat.version = version;
        let rivals = (0..8).map(|rival| {
            let said = message(version * 10 + rival + 1, "I was first");
            store.commit(with_messages(&chat, &[said]))
        });
        let results = join_all(rivals).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        assert_eq!(results.iter().filter(|result| **result == Err(StoreError::Conflict)).count(), 7);
    }
    assert_eq!(store.messages(&chat.id, 0, u64::MAX).await.unwrap().len(), 20);
}

pub(crate) async fn of_many_commits_of_one_event_exactly_one_wins(store: Arc<dyn Store>) {
    let rivals = (0..8).map(|rival| {
        store.commit(Changes {
            dedupe: vec![event("e1", 0, 1)],
            ..only(&conversation(&format!("rival {rival}")))
        })
    });
    let results = join_all(rivals).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let duplicate = Err(StoreError::Duplicate { from: 0, until: 1 });
    assert_eq!(results.iter().filter(|result| **result == duplicate).count(), 7);
}

pub(crate) async fn a_fault_of_ours_stores_nothing_and_harms_no_other_commit(store: Arc<dyn Store>) {
    let (ann, bob) = (conversation("ann"), conversation("bob"));
    let nowhere = (conversation("nobody").id, message(1, "lost"));
    let faulty = Changes { messages: vec![(ann.id.clone(), message(1, "hello")), nowhere], ..only(&ann) };
    let (faulty, sound) = tokio::join!(store.commit(faulty), store.commit(only(&bob)));
    assert!(matches!(faulty, Err(StoreError::Broken(_))), "{faulty:?}");
    assert_eq!(sound, Ok(()));
    assert_eq!(store.conversation(&ann.id).await.unwrap(), None);
    assert!(store.conversation(&bob.id).await.unwrap().is_some());
}

pub(crate) async fn the_store_says_that_it_is_ready(store: Arc<dyn Store>) {
    assert_eq!(store.ready().await, Ok(()));
    assert_eq!(store.next_due().await, Ok(None::<Timestamp>));
}
