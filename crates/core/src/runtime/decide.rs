//! What a person decides about a handoff in doubt, having looked on the platform.

use handoff_model::HandoffId;

use super::Runtime;
use crate::{
    handoff::{Event, Handoff, step},
    store::StoreError,
};

/// How often a decision begins anew when others change the same rows.
const TRIES: usize = 50;
/// Longest reason, in characters.
pub const LONGEST_REASON: usize = 200;

/// A decision about a handoff in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Look at the platform now instead of at the next time.
    LookNow,
    /// It did not arrive: the chat takes the next way that its author named, or goes back to the assistant.
    GiveUp {
        /// Who says so.
        by: String,
        /// Why, in a sentence; it stands in the receipt.
        reason: String,
    },
}

/// Why a decision was not taken. Nothing was changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecisionError {
    /// No such handoff.
    #[error("there is no handoff {0}")]
    Unknown(HandoffId),
    /// There is nothing to decide.
    #[error("the handoff is {state}; only one in doubt is waiting for a decision")]
    NotInDoubt {
        /// The state's name.
        state: &'static str,
    },
    /// The reason is missing or too long.
    #[error(
        "say in 1 to {LONGEST_REASON} characters why the handoff is given up; the reason stands in its receipt"
    )]
    NoReason,
    /// Others change the same handoff all the time.
    #[error("the handoff changes at this moment; nothing was decided, try again")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Decision {
    fn event(&self) -> Result<Event, DecisionError> {
        match self {
            Self::LookNow => Ok(Event::LookNow),
            Self::GiveUp { by, reason } => {
                let reason = reason.trim();
                if reason.is_empty() || reason.chars().count() > LONGEST_REASON {
                    return Err(DecisionError::NoReason);
                }
                Ok(Event::GiveUp { reason: format!("given up by {by}: {reason}") })
            }
        }
    }
}

impl Runtime {
    /// Takes a decision about a handoff in doubt, and what follows from it, in one transaction; gives the handoff
    /// as it is afterwards.
    ///
    /// # Errors
    /// When there is nothing to decide; nothing was changed then.
    pub async fn decide_handoff(
        &self,
        id: &HandoffId,
        decision: &Decision,
    ) -> Result<Handoff, DecisionError> {
        let event = decision.event()?;
        for _ in 0..TRIES {
            let found = self.0.parts.store.handoff(id).await?;
            let handoff = found.ok_or_else(|| DecisionError::Unknown(id.clone()))?;
            let state = handoff.state.name();
            if !handoff.awaits_decision() {
                return Err(DecisionError::NotInDoubt { state });
            }
            let (now, chance) = (self.0.parts.clock.now(), self.0.parts.chance.next());
            let transition = step(&handoff, event.clone(), now, chance)
                .map_err(|_| DecisionError::NotInDoubt { state })?;
            let after = transition.handoff.clone();
            let handled = self.settled(&handoff, transition).await?;
            let mut changes = handled.changes;
            // The row that looks is due at once: to look, or to see that there is nothing to look for.
            changes.wake.push((handoff.lane(), now));
            match self.commit(changes).await {
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => {
                    self.log(&after.conversation, &handled.notes);
                    self.report(&handoff, &after);
                    return Ok(after);
                }
            }
        }
        Err(DecisionError::Busy)
    }
}
