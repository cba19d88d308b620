//! `Assistants`: drafts and published versions.

use std::sync::Arc;

use handoff_core::store::{AssistantRow, Store, StoreError, VersionRow};
use handoff_model::{AssistantId, Timestamp};

pub(crate) async fn a_draft_is_saved_only_over_the_revision_that_was_read(store: Arc<dyn Store>) {
    let id = AssistantId::new("support");
    assert_eq!(store.assistant(&id).await.unwrap(), None);
    assert_eq!(store.save_draft(&id, "Support", "{}", 3, Timestamp(1)).await, Err(StoreError::Conflict));
    assert_eq!(store.save_draft(&id, "Support", "{}", 0, Timestamp(1)).await, Ok(1));
    assert_eq!(store.save_draft(&id, "Rival", "{}", 0, Timestamp(2)).await, Err(StoreError::Conflict));
    assert_eq!(store.save_draft(&id, "Help", "[1]", 1, Timestamp(3)).await, Ok(2));
    assert_eq!(store.save_draft(&id, "Rival", "{}", 1, Timestamp(4)).await, Err(StoreError::Conflict));
    let expected = AssistantRow {
        id: id.clone(),
        name: "Help".into(),
        draft: "[1]".into(),
        revision: 2,
        published: None,
        published_revision: None,
        saved_at: Timestamp(3),
    };
    assert_eq!(store.assistant(&id).await.unwrap().as_ref(), Some(&expected));
    assert_eq!(store.assistants().await.unwrap(), [expected]);
}

pub(crate) async fn publishing_makes_the_next_version_of_this_revision(store: Arc<dyn Store>) {
    let id = AssistantId::new("support");
    assert_eq!(store.publish(&id, 1, Timestamp(1)).await, Err(StoreError::Conflict));
    store.save_draft(&id, "Support", "first", 0, Timestamp(1)).await.unwrap();
    assert_eq!(store.publish(&id, 1, Timestamp(2)).await, Ok(1));
    store.save_draft(&id, "Support", "second", 1, Timestamp(3)).await.unwrap();
    assert_eq!(store.publish(&id, 1, Timestamp(4)).await, Err(StoreError::Conflict), "the draft moved on");
    assert_eq!(store.publish(&id, 2, Timestamp(5)).await, Ok(2));
    store.save_draft(&id, "Support", "third", 2, Timestamp(6)).await.unwrap();
    for (version, definition, at) in [(1, "first", 2), (2, "second", 5)] {
        let definition = definition.to_owned();
        let expected = VersionRow { assistant: id.clone(), version, definition, at: Timestamp(at) };
        assert_eq!(store.version(&id, version).await.unwrap(), Some(expected));
    }
    assert_eq!(store.version(&id, 3).await.unwrap(), None);
    let row = store.assistant(&id).await.unwrap().unwrap();
    assert_eq!((row.revision, row.published, row.published_revision), (3, Some(2), Some(2)));
}

pub(crate) async fn published_lists_what_has_a_version(store: Arc<dyn Store>) {
    for name in ["sales", "support", "draft only"] {
        store.save_draft(&AssistantId::new(name), name, "{}", 0, Timestamp(1)).await.unwrap();
    }
    for name in ["support", "sales", "support"] {
        store.publish(&AssistantId::new(name), 1, Timestamp(2)).await.unwrap();
    }
    let mut published = store.published().await.unwrap();
    published.sort();
    assert_eq!(published, [(AssistantId::new("sales"), 1), (AssistantId::new("support"), 2)]);
}
