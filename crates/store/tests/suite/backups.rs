//! What a store is after a backup was put back.

use handoff_core::{
    audit::{Circumstances, prove},
    handoff::HandoffState,
    session::Conversation,
    store::{Changes, Dedupe, EffectKind, NewEffect, Store, StoreError},
};
use handoff_model::{TicketRef, Timestamp};

use super::{
    PutBack,
    samples::{conversation, effect, handoff, message, with_messages},
};

/// When the backup is put back.
pub(crate) const PUT_BACK: Timestamp = Timestamp(900_000);
const LATER: Timestamp = Timestamp(1_000_000);

/// A conversation that is leaving: one word of it is in the history and to be carried, one is sealed only.
pub(crate) fn leaving() -> Changes {
    let chat = conversation("ann");
    let leaving = handoff(&chat.id, "e1");
    let forward = |seq: u64, sealed: &[u8]| NewEffect {
        seq,
        sealed: sealed.to_vec(),
        handoff: Some(leaving.id.clone()),
        ..effect(&chat.id, &leaving.outward(), 5)
    };
    let start = NewEffect {
        kind: EffectKind::Handoff,
        handoff: Some(leaving.id.clone()),
        ..effect(&chat.id, &leaving.lane(), 5_000_000)
    };
    Changes {
        effects: vec![start, forward(7, b"sealed-canary"), forward(1, b"sealed-tail"), forward(8, b"more")],
        sealed: vec![(chat.id.clone(), 9, b"shown-canary".to_vec())],
        handoffs: vec![leaving],
        ..with_messages(&chat, &[message(1, "hello"), message(2, "hi")])
    }
}

pub(crate) async fn p3_whatever_may_have_been_done_since_a_backup_is_in_doubt_when_it_is_put_back(
    put_back: PutBack,
) {
    let opened = put_back(leaving(), vec![PUT_BACK]).await;
    let store = opened.store;
    let chat = store.conversation(&conversation("ann").id).await.unwrap().unwrap();
    assert_eq!(chat.version, 2, "whoever read it before the restore is refused");
    let found = store.handoff(&leaving().handoffs[0].id).await.unwrap().unwrap();
    let HandoffState::InDoubt { look_at, .. } = found.state else { panic!("{:?}", found.state) };
    assert_eq!((found.settles_at, look_at), (Timestamp(960_000), PUT_BACK));
    assert_eq!(found.version, 2);
    // The look is due at once; words are carried from the history, after a look.
    let mut claimed = store.claim(PUT_BACK, LATER, 9).await.unwrap();
    claimed.sort_by_key(|row| (row.lane.clone(), row.id));
    let seen: Vec<_> = claimed.iter().map(|row| (row.kind, row.seq, row.maybe_done)).collect();
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(seen.contains(&(EffectKind::Forward, 1, true)), "{seen:?}");
    assert!(seen.contains(&(EffectKind::Handoff, 0, true)), "{seen:?}");
}

pub(crate) async fn p3_what_was_decided_before_the_backup_stays_decided(put_back: PutBack) {
    let mut decided = leaving();
    let ticket = TicketRef { chat: "c1".into(), label: None, url: None };
    decided.handoffs[0].state = HandoffState::Carrying { ticket, at: Timestamp(2_000) };
    let opened = put_back(decided.clone(), vec![PUT_BACK]).await;
    let found = opened.store.handoff(&decided.handoffs[0].id).await.unwrap().unwrap();
    assert_eq!((found.state, found.version), (decided.handoffs[0].state.clone(), 1));
}

pub(crate) async fn p3_no_place_is_given_twice_however_often_one_backup_is_put_back(put_back: PutBack) {
    let id = conversation("ann").id;
    let chat = with_messages(&said(2), &[message(1, "hello"), message(2, "hi")]);
    let mut given = 2;
    for often in 1..=3 {
        let times = (0..often).map(|n| Timestamp(900_000 + 60_000 * n)).collect();
        let opened = put_back(chat.clone(), times).await;
        let after = opened.store.conversation(&id).await.unwrap().unwrap();
        assert!(after.last_seq > given + 10_000, "{} after {given}: {often} times", after.last_seq);
        given = after.last_seq;
        in_order(&*opened.store).await;
    }
}

fn said(last_seq: u64) -> Conversation {
    Conversation { last_seq, ..conversation("ann") }
}

/// The places that a restore leaves out are no gap to whoever proves the promises on the rows.
async fn in_order(store: &dyn Store) {
    let slice = store.slice(None, 9).await.unwrap();
    assert!(slice.restores > 0);
    let circumstances =
        Circumstances { now: LATER, served: false, restores: slice.restores, sends_replies: Some(false) };
    for case in &slice.cases {
        assert_eq!(prove(case, &circumstances), []);
    }
}

pub(crate) async fn p2_words_that_a_backup_leaves_out_are_taken_when_they_are_said_again(put_back: PutBack) {
    let said = |until: u64| Dedupe {
        scope: Dedupe::scope_of(&conversation("ann").channel, &conversation("ann").external_id),
        key: format!("said {until}"),
        at: Timestamp(1_000),
        from: until - 1,
        until,
    };
    let all = vec![said(1), said(7), Dedupe { scope: "web/bob".to_owned(), ..said(8) }];
    let opened = put_back(Changes { dedupe: all, ..leaving() }, vec![PUT_BACK]).await;
    let again = |key: Dedupe| opened.store.commit(Changes { dedupe: vec![key], ..Changes::default() });
    assert_eq!(again(said(7)).await, Ok(()), "its words are in no backup, so it has to be taken once more");
    assert_eq!(again(said(1)).await, Err(StoreError::Duplicate { from: 0, until: 1 }));
    let of_bob = Dedupe { scope: "web/bob".to_owned(), ..said(8) };
    assert_eq!(again(of_bob).await, Err(StoreError::Duplicate { from: 7, until: 8 }), "another's place");
}

pub(crate) async fn p5_nothing_that_was_sealed_is_in_a_backup(put_back: PutBack) {
    let opened = put_back(leaving(), vec![PUT_BACK]).await;
    let id = conversation("ann").id;
    let waiting = opened.store.waiting(&id, EffectKind::Forward).await.unwrap();
    let left: Vec<_> = waiting.iter().map(|row| (row.seq, row.sealed.len())).collect();
    assert_eq!(left, [(1, 0)], "what is in the history as well waits without its sealed copy");
    let shown = opened.store.shown(&id, 2, 9).await.unwrap();
    assert_eq!(shown, [], "what the team wrote is not there");
}
