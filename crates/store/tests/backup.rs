//! Backups: made beside a running store, verified, and put back.

#![expect(clippy::unwrap_used, reason = "a test breaks off where something is not as expected")]

use std::{fs, path::Path};

use handoff_core::store::{EffectKind, Lives, Outbox as _, Transactions as _};
use handoff_model::Timestamp;
use handoff_store::{
    Sqlite,
    backup::{self, BackupError},
};
use suite::{
    backups::{PUT_BACK, leaving},
    samples::conversation,
};

#[expect(dead_code, reason = "only the samples are used here")]
#[expect(unused_macros, unused_imports, reason = "the contract runs elsewhere")]
mod suite;

const MADE: Timestamp = Timestamp(5_000);

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
async fn a_backup_is_put_back_only_where_no_server_runs_and_says_what_is_in_doubt() {
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
    assert_eq!(store.lives().unwrap(), Lives::begun(vec![PUT_BACK]));
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
