//! One conversation's way out: the record of a handoff and the table of what may happen to it.
//!
//! Plain functions of their arguments. Read [`state`] for where a handoff can stand and [`step`]
//! for the table; `target` chooses where a chat may go, `texts` what the person is told, `redaction` what
//! does not leave.

pub mod consent;
pub mod fallback;
pub mod receipt;
pub mod redaction;
pub mod state;
mod statement;
pub mod step;
pub mod target;
pub mod texts;

pub use consent::{Consent, Consented};
pub use fallback::{Fallback, MOST_FALLBACKS};
pub use receipt::{Hashed, Receipt};
pub use redaction::{Redaction, Rule};
pub use state::{Handoff, HandoffState};
pub use step::{Effect, Event, InvalidTransition, Transition, step};
pub use target::{Leaves, Refusal, Target, Targets};
pub use texts::{Outcome, Texts};
