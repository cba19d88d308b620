//! `Users`: who may use the console.

use std::sync::Arc;

use handoff_core::store::{Store, StoreError, StoredSession, User};
use handoff_model::Timestamp;

fn user(name: &str, password_hash: &str) -> User {
    User { name: name.into(), password_hash: password_hash.into(), at: Timestamp(1) }
}

pub(crate) async fn a_name_is_taken_once(store: Arc<dyn Store>) {
    assert_eq!(store.count_users().await, Ok(0));
    store.add_user(user("ann", "hash")).await.unwrap();
    assert_eq!(store.add_user(user("ann", "other")).await, Err(StoreError::Conflict));
    store.add_user(user("bob", "hash")).await.unwrap();
    assert_eq!(store.count_users().await, Ok(2));
    assert!(store.user("ann").await.unwrap() == Some(user("ann", "hash")));
    assert!(store.user("Ann").await.unwrap().is_none());
}

pub(crate) async fn a_session_is_found_until_it_is_over_or_ended(store: Arc<dyn Store>) {
    store.add_user(user("ann", "hash")).await.unwrap();
    let session = |token: &str| StoredSession {
        token_hash: token.into(),
        user: "ann".into(),
        csrf: "form".into(),
        until: Timestamp(100),
    };
    for token in ["t1", "t2"] {
        store.keep_session(session(token)).await.unwrap();
    }
    assert!(store.console_session("t1", Timestamp(99)).await.unwrap() == Some(session("t1")));
    assert!(store.console_session("t1", Timestamp(100)).await.unwrap().is_none());
    assert!(store.console_session("t3", Timestamp(1)).await.unwrap().is_none());
    store.end_session("t1").await.unwrap();
    assert!(store.console_session("t1", Timestamp(1)).await.unwrap().is_none());
    assert!(store.console_session("t2", Timestamp(1)).await.unwrap().is_some());
}

pub(crate) async fn failures_are_counted_since_a_time_and_by_key(store: Arc<dyn Store>) {
    for (key, now, since, expected) in
        [("ann", 10, 0, 1), ("ann", 20, 0, 2), ("bob", 21, 0, 1), ("ann", 30, 15, 2), ("ann", 40, 41, 0)]
    {
        let counted = store.count_failure(key, Timestamp(now), Timestamp(since)).await;
        assert_eq!(counted, Ok(expected), "{key} at {now}");
    }
}
