//! `Outbox`: effects in lanes.

use std::{collections::HashSet, sync::Arc};

use futures::future::join_all;
use handoff_core::{
    session::Conversation,
    store::{Changes, EffectId, EffectKind, EffectRow, NewEffect, Reschedule, Store, StoreError},
};
use handoff_model::{HandoffId, Timestamp};

use super::samples::{conversation, effect, only};

/// Adds effects of these lanes, due at these times.
async fn add(store: &Arc<dyn Store>, effects: &[(&str, i64)]) -> Conversation {
    let chat = conversation("ann");
    if store.conversation(&chat.id).await.unwrap().is_none() {
        store.commit(only(&chat)).await.unwrap();
    }
    let effects = effects.iter().map(|(lane, due)| effect(&chat.id, lane, *due)).collect();
    store.commit(Changes { effects, ..Changes::default() }).await.unwrap();
    chat
}

/// Claims at a time, for ten milliseconds, and gives the lanes.
async fn claim(store: &Arc<dyn Store>, now: i64) -> Vec<EffectRow> {
    store.claim(Timestamp(now), Timestamp(now + 10), 100).await.unwrap()
}

fn lanes(rows: &[EffectRow]) -> Vec<&str> {
    rows.iter().map(|row| row.lane.as_str()).collect()
}

async fn done(store: &Arc<dyn Store>, id: EffectId) {
    store.commit(Changes { done: vec![id], ..Changes::default() }).await.unwrap();
}

pub(crate) async fn only_the_first_row_of_a_lane_is_claimed(store: Arc<dyn Store>) {
    add(&store, &[("a", 1), ("a", 0), ("b", 1), ("a", 1)]).await;
    let first = claim(&store, 5).await;
    assert_eq!(lanes(&first), ["a", "b"]);
    assert_eq!(lanes(&claim(&store, 6).await), Vec::<&str>::new());
    done(&store, first[0].id).await;
    let second = claim(&store, 6).await;
    assert_eq!(lanes(&second), ["a"]);
    assert!(second[0].id > first[0].id);
    // Done twice, as by a worker that was slow: nothing moves.
    done(&store, first[0].id).await;
    assert_eq!(lanes(&claim(&store, 6).await), Vec::<&str>::new());
    done(&store, second[0].id).await;
    let third = claim(&store, 6).await;
    assert!(third[0].id > second[0].id, "in the order in which they were added");
    done(&store, third[0].id).await;
    assert_eq!(lanes(&claim(&store, 6).await), Vec::<&str>::new());
    add(&store, &[("a", 1)]).await;
    assert_eq!(lanes(&claim(&store, 6).await), ["a"], "a lane that was empty goes on");
}

pub(crate) async fn a_row_that_is_held_blocks_its_lane_until_the_hold_is_over(store: Arc<dyn Store>) {
    add(&store, &[("a", 1), ("a", 1)]).await;
    let first = claim(&store, 5).await.remove(0);
    assert_eq!(claim(&store, 14).await, []);
    assert_eq!(claim(&store, 15).await, []);
    let again = claim(&store, 16).await;
    assert_eq!((again.len(), again[0].id), (1, first.id));
    assert!(!first.maybe_done && again[0].maybe_done, "whoever held it may have performed it");
}

pub(crate) async fn a_row_is_claimed_when_it_is_due_and_not_before(store: Arc<dyn Store>) {
    add(&store, &[("a", 8), ("a", 1)]).await;
    assert_eq!(claim(&store, 7).await, [], "the second waits for the first");
    assert_eq!(lanes(&claim(&store, 8).await), ["a"]);
}

pub(crate) async fn a_row_put_off_keeps_its_place_and_its_attempts(store: Arc<dyn Store>) {
    add(&store, &[("a", 1), ("a", 1)]).await;
    let first = claim(&store, 5).await.remove(0);
    assert_eq!((first.attempts, first.maybe_done), (0, false));
    let held_until = first.held_until;
    let later = Reschedule { id: first.id, due: Timestamp(7), attempts: 3, maybe_done: true, held_until };
    store.commit(Changes { later: vec![later], ..Changes::default() }).await.unwrap();
    assert_eq!(claim(&store, 6).await, []);
    let again = claim(&store, 7).await;
    assert_eq!((again[0].id, again[0].attempts, again[0].maybe_done), (first.id, 3, true));
}

/// A server that stood still longer than its hold wakes up and decides about work that is another's by now.
pub(crate) async fn who_held_a_row_too_long_decides_nothing_about_it(store: Arc<dyn Store>) {
    add(&store, &[("a", 1)]).await;
    let first = claim(&store, 5).await.remove(0);
    let second = claim(&store, 16).await.remove(0);
    assert!(second.maybe_done && second.held_until > first.held_until);
    let put_off = |row: &EffectRow, maybe_done| Reschedule {
        id: row.id,
        due: Timestamp(17),
        attempts: 1,
        maybe_done,
        held_until: row.held_until,
    };
    let commit = async |later| {
        store.commit(Changes { later: vec![later], ..Changes::default() }).await.unwrap();
    };
    commit(put_off(&first, false)).await;
    assert_eq!(claim(&store, 18).await, [], "the second still holds it");
    // It is let go by the next start, and still counts as perhaps done.
    let third = claim(&store, 27).await.remove(0);
    assert!(third.maybe_done);
    commit(put_off(&third, false)).await;
    assert!(!claim(&store, 28).await[0].maybe_done, "its holder knows better");
}

pub(crate) async fn a_commit_for_an_effect_that_another_holds_by_now_stores_nothing(store: Arc<dyn Store>) {
    let chat = conversation("ann");
    store.commit(Changes { effects: vec![effect(&chat.id, "lane", 5)], ..only(&chat) }).await.unwrap();
    let first = store.claim(Timestamp(5), Timestamp(10), 9).await.unwrap().remove(0);
    let second = store.claim(Timestamp(20), Timestamp(30), 9).await.unwrap().remove(0);
    let ends = |hold: &EffectRow| {
        let sealed = vec![(chat.id.clone(), 1, b"shown".to_vec())];
        Changes { sealed, done: vec![hold.id], held: vec![(hold.id, hold.held_until)], ..Changes::default() }
    };
    assert_eq!(store.commit(ends(&first)).await, Err(StoreError::Conflict), "its hold is over");
    assert_eq!(store.shown(&chat.id, 0, 9).await.unwrap(), []);
    assert_eq!(store.commit(ends(&second)).await, Ok(()));
    assert_eq!(store.commit(ends(&second)).await, Err(StoreError::Conflict), "the effect is gone");
    assert_eq!(store.shown(&chat.id, 0, 9).await.unwrap().len(), 1);
}

pub(crate) async fn waking_a_lane_makes_its_rows_due(store: Arc<dyn Store>) {
    add(&store, &[("a", 100), ("a", 100), ("b", 100), ("c", 2)]).await;
    let wake = vec![("a".to_owned(), Timestamp(5)), ("c".to_owned(), Timestamp(50))];
    store.commit(Changes { wake, ..Changes::default() }).await.unwrap();
    let woken = claim(&store, 5).await;
    assert_eq!(lanes(&woken), ["c", "a"], "what was due before stays due");
    done(&store, woken[1].id).await;
    assert_eq!(lanes(&claim(&store, 5).await), ["a"], "the rows behind are woken, too");
}

pub(crate) async fn claims_take_the_longest_due_and_no_more_than_the_limit(store: Arc<dyn Store>) {
    add(&store, &[("a", 3), ("b", 1), ("c", 2), ("d", 1)]).await;
    let first = store.claim(Timestamp(5), Timestamp(15), 3).await.unwrap();
    assert_eq!(lanes(&first), ["b", "d", "c"]);
    assert_eq!(lanes(&claim(&store, 5).await), ["a"]);
    assert_eq!(store.claim(Timestamp(99), Timestamp(99), 0).await.unwrap(), []);
}

pub(crate) async fn two_claims_never_take_the_same_row(store: Arc<dyn Store>) {
    let names = (0..200).map(|number| format!("lane {number}")).collect::<Vec<_>>();
    add(&store, &names.iter().map(|name| (name.as_str(), 1)).collect::<Vec<_>>()).await;
    let claims = (0..20).map(|_| store.claim(Timestamp(5), Timestamp(15), 10));
    let rows = join_all(claims).await.into_iter().flat_map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!(rows.len(), 200);
    assert_eq!(rows.iter().map(|row| row.id).collect::<HashSet<_>>().len(), 200);
}

pub(crate) async fn release_all_lets_go_of_everything_that_is_held_as_maybe_done(store: Arc<dyn Store>) {
    add(&store, &[("a", 1), ("b", 2), ("c", 100)]).await;
    let mut held = claim(&store, 5).await;
    assert_eq!(held.len(), 2);
    store.release_all().await.unwrap();
    held.iter_mut().for_each(|row| row.maybe_done = true);
    assert_eq!(claim(&store, 5).await, held);
    let untouched = claim(&store, 100).await.pop().unwrap();
    assert_eq!((untouched.lane.as_str(), untouched.maybe_done), ("c", false));
}

pub(crate) async fn waiting_lists_the_rows_of_one_kind(store: Arc<dyn Store>) {
    let chat = add(&store, &[("a", 1), ("a", 1), ("b", 100)]).await;
    let other = NewEffect { kind: EffectKind::Deliver, ..effect(&chat.id, "a", 1) };
    store.commit(Changes { effects: vec![other], ..Changes::default() }).await.unwrap();
    claim(&store, 5).await;
    let waiting = store.waiting(&chat.id, EffectKind::Forward).await.unwrap();
    assert_eq!(lanes(&waiting), ["a", "a", "b"], "held, behind others, or not yet due");
    assert_eq!(store.waiting(&chat.id, EffectKind::Deliver).await.unwrap().len(), 1);
    assert_eq!(store.waiting(&chat.id, EffectKind::Fetch).await.unwrap(), []);
    let nobody = conversation("nobody").id;
    assert_eq!(store.waiting(&nobody, EffectKind::Forward).await.unwrap(), []);
}

pub(crate) async fn an_effect_comes_back_as_it_was(store: Arc<dyn Store>) {
    let chat = add(&store, &[]).await;
    for kind in [
        EffectKind::Deliver,
        EffectKind::Handoff,
        EffectKind::Withdraw,
        EffectKind::Forward,
        EffectKind::Fetch,
    ] {
        let handoff = (kind != EffectKind::Deliver).then(|| HandoffId::new("h1"));
        let new = NewEffect {
            kind,
            lane: kind.name().into(),
            conversation: chat.id.clone(),
            handoff,
            seq: 7,
            sealed: vec![0, 255],
            due: Timestamp(3),
        };
        store.commit(Changes { effects: vec![new.clone()], ..Changes::default() }).await.unwrap();
        let row = claim(&store, 5).await.remove(0);
        let expected = EffectRow {
            id: row.id,
            kind: new.kind,
            lane: new.lane,
            conversation: new.conversation,
            handoff: new.handoff,
            seq: new.seq,
            sealed: new.sealed,
            attempts: 0,
            maybe_done: false,
            added: new.due,
            held_until: Timestamp(15),
        };
        assert_eq!(row, expected);
    }
}

pub(crate) async fn next_due_is_when_a_row_can_be_claimed(store: Arc<dyn Store>) {
    assert_eq!(store.next_due().await.unwrap(), None);
    add(&store, &[("a", 8), ("a", 1), ("b", 9)]).await;
    assert_eq!(store.next_due().await.unwrap(), Some(Timestamp(8)), "a row behind another cannot be claimed");
    claim(&store, 8).await;
    assert_eq!(store.next_due().await.unwrap(), Some(Timestamp(9)));
    // Both are held now: the first of the holds ends at 18, and from 19 on nobody holds that row.
    claim(&store, 9).await;
    assert_eq!(store.next_due().await.unwrap(), Some(Timestamp(19)));
    assert_eq!(claim(&store, 18).await, []);
    assert_eq!(lanes(&claim(&store, 19).await), ["a"]);
}

pub(crate) async fn later_effects_have_larger_numbers_also_after_all_were_done(store: Arc<dyn Store>) {
    let mut last = 0;
    for _ in 0..3 {
        add(&store, &[("a", 1)]).await;
        let row = claim(&store, 5).await.remove(0);
        assert!(row.id > last);
        last = row.id;
        done(&store, row.id).await;
    }
}
