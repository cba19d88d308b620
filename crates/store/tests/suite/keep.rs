//! `Keep`: values kept for connectors.

use std::sync::Arc;

use handoff_core::store::Store;
use handoff_model::ConnectionId;
use serde_json::json;

pub(crate) async fn a_value_is_swapped_only_over_the_version_that_was_read(store: Arc<dyn Store>) {
    let desk = ConnectionId::new("desk");
    assert_eq!(store.get(&desk, "token").await, Ok(None));
    assert_eq!(store.swap(&desk, "token", 1, json!("early")).await, Ok(false));
    assert_eq!(store.swap(&desk, "token", 0, json!({ "a": [1, null] })).await, Ok(true));
    assert_eq!(store.swap(&desk, "token", 0, json!("rival")).await, Ok(false));
    assert_eq!(store.get(&desk, "token").await, Ok(Some((json!({ "a": [1, null] }), 1))));
    assert_eq!(store.swap(&desk, "token", 1, json!("next")).await, Ok(true));
    assert_eq!(store.swap(&desk, "token", 1, json!("stale")).await, Ok(false));
    assert_eq!(store.get(&desk, "token").await, Ok(Some((json!("next"), 2))));
}

pub(crate) async fn connections_do_not_see_each_others_values(store: Arc<dyn Store>) {
    let (desk, other) = (ConnectionId::new("desk"), ConnectionId::new("other"));
    store.swap(&desk, "token", 0, json!(1)).await.unwrap();
    assert_eq!(store.get(&other, "token").await, Ok(None));
    assert_eq!(store.get(&desk, "other").await, Ok(None));
    assert_eq!(store.swap(&other, "token", 0, json!(2)).await, Ok(true));
    assert_eq!(store.get(&desk, "token").await, Ok(Some((json!(1), 1))));
}
