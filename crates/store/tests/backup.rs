//! Backups: made beside a running store, verified, and put back.

#![expect(clippy::unwrap_used, reason = "a test breaks off where something is not as expected")]

use std::{fs, path::Path};

use handoff_core::{
    handoff::HandoffState,
    store::{
        Changes, Conversations as _, EffectKind, Handoffs as _, NewEffect, Outbox as _, Page,
        Transactions as _,
    },
};
use handoff_model::Timestamp;
use handoff_store::{
    Sqlite,
    backup::{self, BackupError},
};
use suite::samples::{conversation, effect, handoff, message, with_messages};

#[expect(dead_code, reason = "only the samples are used here")]
#[expect(unused_macros, unused_imports, reason = "the contract runs elsewhere")]
mod suite;

const MADE: Timestamp = Timestamp(5_000);
const PUT_BACK: Timestamp = Timestamp(900_000);

/// A conversation that is leaving: one word of it is in the history and to be carried, one is sealed only.
fn leaving() -> Changes {
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

fn contains(file: &Path, part: &[u8]) -> bool {
    fs::read(file).unwrap().windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn a_backup_beside_a_running_store_is_whole_and_holds_nothing_that_was_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data.sqlite3"), folder.path().join("copy"));
    let store = Sqlite::open(&data).unwrap();
    store.commit(leaving()).await.unwrap();
    let made = backup::make(&data, &copy, MADE).unwrap();
    assert_eq!((made.conversations, made.messages, made.handoffs, made.undecided), (1, 2, 1, 1));
    assert_eq!(backup::verify(&copy).unwrap(), made);
    for canary in [b"sealed-canary".as_slice(), b"shown-canary", b"sealed-tail"] {
        assert!(!contains(&copy.join("handoff.sqlite3"), canary));
    }
    assert!(matches!(backup::make(&data, &copy, MADE), Err(BackupError::NotEmpty(_))));
    // The store that was copied has everything still.
    let chat = conversation("ann");
    assert_eq!(store.waiting(&chat.id, EffectKind::Forward).await.unwrap().len(), 3);
}

#[tokio::test]
async fn p3_whatever_may_have_been_done_since_a_backup_is_in_doubt_when_it_is_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data.sqlite3"), folder.path().join("copy"));
    let store = Sqlite::open(&data).unwrap();
    store.commit(leaving()).await.unwrap();
    backup::make(&data, &copy, MADE).unwrap();
    assert!(matches!(backup::restore(&copy, &data, true, PUT_BACK), Err(BackupError::Open(_))), "it runs");
    drop(store);
    assert!(matches!(backup::restore(&copy, &data, false, PUT_BACK), Err(BackupError::InTheWay(_))));
    let restored = backup::restore(&copy, &data, true, PUT_BACK).unwrap();
    assert_eq!((restored.in_doubt, restored.perhaps_done), (1, 2));
    assert!(restored.set_aside.unwrap().is_file());

    let store = Sqlite::open(&data).unwrap();
    assert_eq!(store.restored().unwrap(), Some(PUT_BACK));
    let chat = store.conversation(&conversation("ann").id).await.unwrap().unwrap();
    assert!(chat.last_seq >= 1_000_000, "places that were given since the backup are not given again");
    let row = store.handoffs(None, Page { after: None, limit: 9 }).await.unwrap().remove(0);
    let handoff = store.handoff(&row.id).await.unwrap().unwrap();
    let HandoffState::InDoubt { settled_at, .. } = handoff.state else { panic!("{:?}", handoff.state) };
    assert_eq!((row.state.as_str(), settled_at), ("in_doubt", Timestamp(960_000)));
    // The look is due at once; words are carried from the history, after a look.
    let claimed = store.claim(PUT_BACK, Timestamp(1_000_000), 9).await.unwrap();
    let seen: Vec<_> =
        claimed.iter().map(|row| (row.kind, row.seq, row.maybe_done, row.sealed.len())).collect();
    assert_eq!(seen, [(EffectKind::Forward, 1, true, 0), (EffectKind::Handoff, 0, true, 0)]);
}

#[test]
fn a_backup_that_is_damaged_or_unfinished_is_not_put_back_and_the_data_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data.sqlite3"), folder.path().join("copy"));
    assert!(matches!(backup::make(&data, &copy, MADE), Err(BackupError::NoDatabase(_))));
    drop(Sqlite::open(&data).unwrap());
    let before = fs::read(&data).unwrap();
    let refused = || backup::restore(&copy, &data, true, PUT_BACK).unwrap_err();
    assert!(matches!(refused(), BackupError::NoBackup { .. }));
    backup::make(&data, &copy, MADE).unwrap();
    let file = copy.join("handoff.sqlite3");
    let good = fs::read(&file).unwrap();
    for place in [0, 100, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[place] ^= 1;
        fs::write(&file, &bad).unwrap();
        assert!(
            matches!(refused(), BackupError::Damaged { .. } | BackupError::Unusable { .. }),
            "byte {place}: {}",
            refused()
        );
    }
    fs::write(&file, &good[..good.len() - 1]).unwrap();
    assert!(matches!(refused(), BackupError::Damaged { .. }));
    fs::write(&file, &good).unwrap();
    fs::remove_file(copy.join("backup.json")).unwrap();
    assert!(matches!(refused(), BackupError::NoBackup { .. }));
    assert_eq!(fs::read(&data).unwrap(), before);
}
