//! Tries dead letters again.

use handoff_model::HandoffId;

use super::{Counter, Runtime, TurnError};
use crate::{
    handoff::Handoff,
    session::{Repair, ReplayRefusal, replay},
    store::StoreError,
};

/// How often a replay begins anew when others change the same rows.
const TRIES: usize = 50;
/// Longest time for attempts that an operator can ask for, in seconds: a week.
pub const LONGEST_BUDGET: u64 = 7 * 24 * 60 * 60;

/// Why a dead letter was not tried again. Nothing was changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// No such handoff.
    #[error("there is no handoff {0}")]
    Unknown(HandoffId),
    /// It makes no sense.
    #[error("the repair is not accepted: {0}")]
    Repair(&'static str),
    /// It may not be, as things are.
    #[error(transparent)]
    Refused(#[from] ReplayRefusal),
    /// Others change the same conversation all the time.
    #[error("the conversation changes at this moment; nothing was done, try again")]
    Busy,
    /// Something of ours failed.
    #[error(transparent)]
    Fault(#[from] TurnError),
}

impl From<StoreError> for ReplayError {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl Runtime {
    /// Tries a failed handoff again, as a new one with the history until now; gives the new one.
    ///
    /// # Errors
    /// When it may not be, or the chat is with somebody else by now; nothing was changed then.
    pub async fn replay(&self, id: &HandoffId, repair: &Repair) -> Result<Handoff, ReplayError> {
        check(repair)?;
        let store = &self.0.parts.store;
        for _ in 0..TRIES {
            let unknown = || ReplayError::Unknown(id.clone());
            let failed = store.handoff(id).await?.ok_or_else(unknown)?;
            let conversation = store.conversation(&failed.conversation).await?.ok_or_else(unknown)?;
            let last = self.last_handoff(&conversation).await?;
            let event = format!("replay/{id}");
            let copy = conversation.clone();
            let made = self
                .with_setting(&conversation, last.as_ref(), &event, |setting| {
                    replay(setting, copy, &failed, repair)
                })
                .await?;
            let (handled, again) = made?;
            match self.commit(handled.changes).await {
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => {
                    self.0.counters.add(Counter::Fired);
                    tracing::info!(handoff.id = %again, dead_letter = %id, "Trying handoff {id} again as {again}");
                    return store.handoff(&again).await?.ok_or_else(unknown);
                }
            }
        }
        Err(ReplayError::Busy)
    }
}

fn check(repair: &Repair) -> Result<(), ReplayError> {
    if repair.options.as_ref().is_some_and(|options| !options.is_object()) {
        return Err(ReplayError::Repair("options must be a JSON object of what changes"));
    }
    if repair.budget_seconds.is_some_and(|seconds| !(1..=LONGEST_BUDGET).contains(&seconds)) {
        return Err(ReplayError::Repair("budget_seconds must lie between 1 and 604800, a week"));
    }
    Ok(())
}
