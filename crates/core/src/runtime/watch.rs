//! Wakes those who wait for something new in a conversation.

use std::collections::HashMap;

use handoff_model::ConversationId;
use parking_lot::Mutex;
use tokio::sync::watch::{Receiver, Sender, channel};

/// Entries from which on those nobody listens to are cleared away.
const CROWDED: usize = 1024;

#[derive(Default)]
pub(super) struct Watchers(Mutex<HashMap<ConversationId, Sender<u64>>>);

impl Watchers {
    pub(super) fn watch(&self, conversation: &ConversationId) -> Receiver<u64> {
        let mut watchers = self.0.lock();
        if watchers.len() > CROWDED {
            watchers.retain(|_, sender| sender.receiver_count() > 0);
        }
        watchers.entry(conversation.clone()).or_insert_with(|| channel(0).0).subscribe()
    }

    pub(super) fn tell(&self, conversation: &ConversationId) {
        if let Some(sender) = self.0.lock().get(conversation) {
            sender.send_modify(|count| *count += 1);
        }
    }
}
