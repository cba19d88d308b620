//! What putting a backup back does to rows: the rule that every store applies.
//!
//! A backup goes back in time, and platforms, clients and windows do not. What may have happened since is in doubt,
//! and no place, which is a key to all of them, is given a second time.

use handoff_model::Timestamp;

use super::EffectKind;
use crate::handoff::{Event, Handoff, InvalidTransition, step};

/// Places left out by a conversation for each second of the clock when a backup is put back: more than are ever given
/// in one. Clients and platforms know the places that were given since the backup was made, and would take new words in
/// an old place for the old ones.
pub const RESTORED_GAP: u64 = 1_000_000;

/// The last place that counts as given in a conversation whose last place in the backup is `last`, or 0 when the
/// backup knows nothing of it.
///
/// The time of the restore is part of it, because one backup may be put back again and again, and knows nothing of
/// the places that were given in between.
pub fn place_after_restore(last: u64, at: Timestamp) -> u64 {
    let seconds = u64::try_from(at.0 / 1_000).unwrap_or(0);
    (seconds * RESTORED_GAP + last % RESTORED_GAP).max(last + RESTORED_GAP)
}

/// Whether an effect is in a backup. What was said after a handoff is in none; what waits to be carried and is in the
/// history as well is there without its sealed copy.
pub fn is_copied(kind: EffectKind, is_sealed: bool, in_history: bool) -> bool {
    !is_sealed || (kind == EffectKind::Forward && in_history)
}

/// The handoff after a restore: in doubt; None when it was decided before the backup. `last` is the last place of its
/// conversation in the backup.
///
/// # Errors
/// When the table of the handoff knows no such way, which is a fault of ours.
pub fn put_in_doubt(
    handoff: &Handoff,
    last: u64,
    at: Timestamp,
) -> Result<Option<Handoff>, InvalidTransition> {
    if !handoff.state.is_undecided() {
        return Ok(None);
    }
    step(handoff, Event::Restored { at, until: last }, at, 0).map(|transition| Some(transition.handoff))
}
