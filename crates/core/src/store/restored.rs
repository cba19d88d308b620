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
    (life_begun(at) * RESTORED_GAP + last % RESTORED_GAP).max(last + RESTORED_GAP)
}

/// The lives of what is kept here. Each restore begins one, whose places are later than those of every life before, and
/// a place says in which life it was given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lives {
    restores: Vec<Timestamp>,
}

impl Lives {
    /// The lives that these restores began.
    pub fn begun(restores: Vec<Timestamp>) -> Self {
        Self { restores }
    }

    /// When a backup was last put back, if one ever was.
    pub fn latest(&self) -> Option<Timestamp> {
        self.restores.iter().max().copied()
    }

    /// Whether a place was given in a life that this data knows nothing of: an older backup had been put back, and then
    /// the one that this data is from. Whoever knows such a place does not know what is at earlier ones.
    pub fn is_foreign(&self, place: u64) -> bool {
        let life = place / RESTORED_GAP;
        let known = |at: &Timestamp| life_begun(*at) == life;
        0 < life && life < self.present() && !self.restores.iter().any(known)
    }

    /// The first place that the present life may give. Each conversation leaves out as many as it had before.
    pub fn first_place(&self) -> u64 {
        self.present() * RESTORED_GAP
    }

    /// The place that something from an earlier life has for those who have to see it in the present one: later than
    /// those of every life before, in order, and not given to anything else.
    pub fn raised(&self, place: u64) -> u64 {
        self.first_place() + place % RESTORED_GAP
    }

    fn present(&self) -> u64 {
        self.latest().map_or(0, life_begun)
    }
}

fn life_begun(at: Timestamp) -> u64 {
    u64::try_from(at.0 / 1_000).unwrap_or(0)
}

/// Whether an effect is in a backup. What was said after a handoff is in none; what waits to be carried and is in the
/// history as well is there without its sealed copy. With words that are left out goes the key of their event, so that
/// a client which says them again is not told that they were taken.
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

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Timestamp = Timestamp(900_000);
    const SECOND: Timestamp = Timestamp(960_500);

    /// Data that one restore, or another, or both began a life of; a place; and whether that data knows nothing of it.
    #[test]
    fn p4_a_place_from_a_life_that_this_data_is_not_from_is_foreign_to_it() {
        let given = |at| place_after_restore(7, at) + 1;
        let cases: [(&[Timestamp], u64, bool); 8] = [
            (&[], 8, false),
            (&[], given(FIRST), false),
            (&[FIRST], 8, false),
            (&[FIRST], given(FIRST), false),
            (&[SECOND], given(FIRST), true),
            (&[SECOND], given(SECOND), false),
            (&[FIRST, SECOND], given(FIRST), false),
            (&[FIRST], given(SECOND), false),
        ];
        for (restores, place, foreign) in cases {
            assert_eq!(Lives::begun(restores.to_vec()).is_foreign(place), foreign, "{restores:?} {place}");
        }
    }

    #[test]
    fn p4_what_is_raised_comes_after_every_earlier_life_in_order_and_before_what_is_given_next() {
        let lives = Lives::begun(vec![FIRST, SECOND]);
        let in_first = place_after_restore(7, FIRST) + 1;
        let next = place_after_restore(in_first, SECOND) + 1;
        let raised = [lives.raised(3), lives.raised(7), lives.raised(in_first), next];
        assert!(raised.is_sorted_by(|one, other| one < other), "{raised:?}");
        assert!(raised[0] > in_first);
    }
}
