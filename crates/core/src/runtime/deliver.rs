//! Sends a message to the person on a platform's own channel.

use std::time::Duration;

use handoff_model::{
    Delivery,
    connector::{Advice, Send, Sent},
};
use serde_json::json;

use super::{ChannelKind, Runtime};
use crate::{
    store::{Changes, EffectRow, Reschedule, StoreError},
    world::Call,
};

/// Longest time for one attempt.
const SENDING: Duration = Duration::from_secs(30);
/// Longest time for one attempt when a lost one has to be looked for first, and given time to arrive.
pub(super) const LOOKING: Duration = Duration::from_secs(100);
/// After so many attempts a message is marked undelivered.
const MOST_ATTEMPTS: u32 = 12;

impl Runtime {
    pub(super) async fn deliver(&self, row: EffectRow) -> Result<(), StoreError> {
        let store = &self.0.parts.store;
        let conversation = store.conversation(&row.conversation).await?;
        let message = store.messages(&row.conversation, row.seq.saturating_sub(1), row.seq).await?.pop();
        let (Some(conversation), Some(message)) = (conversation, message) else {
            return self.drop_row(&row).await;
        };
        let Some(ChannelKind::Connection(connection)) =
            self.channel(&conversation.channel).map(|found| found.kind)
        else {
            return self.delivered(&row, Delivery::Undelivered).await;
        };
        let send = Send {
            chat: conversation.external_id,
            key: format!("{}-{}", row.conversation, row.seq),
            content: message.content,
            maybe_sent: row.maybe_done,
        };
        let deadline = if row.maybe_done { LOOKING } else { SENDING };
        let call = Call { verb: "send", request: json!(send), deadline, checkpoints: None };
        let answer = self.call_while_held(&row, &connection, call).await;
        match answer {
            Ok(sent) => {
                let sent: Sent =
                    serde_json::from_value(sent).unwrap_or(Sent { unknown: true, ..Sent::default() });
                self.delivered(&row, if sent.unknown { Delivery::Unknown } else { Delivery::Delivered }).await
            }
            Err(error) => {
                let error = error.into_connector_error();
                tracing::warn!(conversation.id = %row.conversation, %error, "A reply was not delivered");
                self.not_delivered(&row, error.advice()).await
            }
        }
    }

    async fn not_delivered(&self, row: &EffectRow, advice: Advice) -> Result<(), StoreError> {
        let attempts = row.attempts + 1;
        if attempts >= MOST_ATTEMPTS || advice == Advice::GiveUp {
            let unsure = row.maybe_done || advice == Advice::LookFirst;
            return self.delivered(row, if unsure { Delivery::Unknown } else { Delivery::Undelivered }).await;
        }
        let now = self.0.parts.clock.now();
        let due = match advice {
            Advice::RetryAfter(ms) => now.after(Duration::from_millis(ms)),
            _ => self.back_off(row.attempts),
        };
        let maybe_done = row.maybe_done || advice == Advice::LookFirst;
        self.put_off(Reschedule { id: row.id, due, attempts, maybe_done, held_until: row.held_until }).await
    }

    async fn delivered(&self, row: &EffectRow, delivery: Delivery) -> Result<(), StoreError> {
        let deliveries = vec![(row.conversation.clone(), row.seq, delivery)];
        self.commit(Changes { deliveries, done: vec![row.id], ..Changes::default() }).await
    }
}
