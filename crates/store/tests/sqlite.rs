//! What is particular to a database that is a file: opening it, and what is left in its bytes.

#![expect(clippy::unwrap_used, reason = "a test breaks off where something is not as expected")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use handoff_core::{
    session::Conversation,
    store::{
        Changes, Conversations as _, Dedupe, Handoffs as _, NewEffect, Outbox as _, Page, Shown, Store,
        StoreError, Transactions as _, Withheld,
    },
};
use handoff_model::{ConnectionId, Timestamp};
use handoff_store::{OpenError, Sqlite};
use suite::samples::{conversation, effect, event, handoff, message, only, with_messages};
use tempfile::TempDir;

#[expect(dead_code, reason = "only the samples are used here")]
#[expect(unused_macros, unused_imports, reason = "the contract runs elsewhere")]
mod suite;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data").join("handoff.db");
    (folder, path)
}

/// The bytes of the database and of its log.
fn bytes(path: &Path) -> Vec<u8> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    [fs::read(path).unwrap(), fs::read(log).unwrap_or_default()].concat()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn opening_again_finds_everything() {
    let (_folder, path) = folder();
    let chat = conversation("ann");
    let leaving = handoff(&chat.id, "e1");
    let changes = Changes {
        dedupe: vec![event("e1", 0, 2)],
        handoffs: vec![leaving.clone()],
        effects: vec![effect(&chat.id, "lane", 5)],
        ..with_messages(&chat, &[message(1, "hello"), message(2, "hi")])
    };
    let store = Sqlite::open(&path).unwrap();
    store.commit(changes.clone()).await.unwrap();
    assert_eq!(store.claim(Timestamp(9), Timestamp(99), 9).await.unwrap().len(), 1);
    drop(store);

    let store = Sqlite::open(&path).unwrap();
    assert_eq!(store.conversation(&chat.id).await.unwrap().unwrap().version, 1);
    assert_eq!(store.messages(&chat.id, 0, 9).await.unwrap().len(), 2);
    assert!(store.handoff(&leaving.id).await.unwrap().is_some());
    assert_eq!(store.commit(changes).await, Err(StoreError::Duplicate { from: 0, until: 2 }));
    assert_eq!(store.claim(Timestamp(9), Timestamp(99), 9).await.unwrap(), [], "held as before");
}

#[tokio::test]
async fn a_commit_that_was_answered_is_in_the_files_though_the_server_is_killed() {
    let (_folder, path) = folder();
    let store = Sqlite::open(&path).unwrap();
    let chat = conversation("ann");
    store.commit(with_messages(&chat, &[message(1, "hello")])).await.unwrap();
    // What a killed process leaves: the files as they are, and no lock.
    let copy = path.with_file_name("copy.db");
    fs::copy(&path, &copy).unwrap();
    fs::copy(path.with_file_name("handoff.db-wal"), path.with_file_name("copy.db-wal")).unwrap();
    let store = Sqlite::open(&copy).unwrap();
    assert_eq!(store.messages(&chat.id, 0, 9).await.unwrap(), [message(1, "hello")]);
}

#[tokio::test]
async fn what_was_sealed_and_deleted_is_in_no_byte_of_the_files() {
    let (_folder, path) = folder();
    let store = Sqlite::open(&path).unwrap();
    let chat = conversation("ann");
    let leaving = handoff(&chat.id, "e1");
    let secret = |name: &str| format!("{name} deleted secret {}", "x".repeat(6000)).into_bytes();
    let changes = Changes {
        handoffs: vec![leaving.clone()],
        sealed: (1..40).map(|seq| (chat.id.clone(), seq, secret("sealed"))).collect(),
        withheld: vec![Withheld { handoff: leaving.id.clone(), sealed: secret("withheld") }],
        effects: vec![NewEffect { sealed: secret("effect"), ..effect(&chat.id, "lane", 1) }],
        ..only(&chat)
    };
    store.commit(changes).await.unwrap();
    store.tidy().await.unwrap();
    assert!(contains(&bytes(&path), b"deleted secret"), "the search finds what is there");

    store.acknowledge(&chat.id, 99).await.unwrap();
    let claimed = store.claim(Timestamp(9), Timestamp(99), 9).await.unwrap();
    let done = claimed.iter().map(|row| row.id).collect();
    let drop_withheld = Some(leaving.id.clone());
    store.commit(Changes { done, drop_withheld, ..Changes::default() }).await.unwrap();
    store.tidy().await.unwrap();
    assert!(!contains(&bytes(&path), b"deleted secret"));
    assert!(!contains(&bytes(&path), b"xxxxxxxx"));
}

#[tokio::test]
async fn a_full_disk_is_told_harms_nothing_and_passes() {
    let (_folder, path) = folder();
    let store: Arc<dyn Store> = {
        let store = Sqlite::open(&path).unwrap();
        store.limit_pages(120).await.unwrap();
        Arc::new(store)
    };
    let mut chat = conversation("ann");
    let large = "word ".repeat(2000);
    let full = loop {
        let said = message(chat.version + 1, &large);
        let key = format!("e{}", chat.version);
        let changes = Changes { dedupe: vec![event(&key, 0, 0)], ..with_messages(&chat, &[said]) };
        match store.commit(changes).await {
            Ok(()) => chat.version += 1,
            Err(full) => break full,
        }
    };
    assert!(matches!(full, StoreError::Unavailable(_)), "{full:?}");
    assert!(chat.version > 10);
    let said = store.messages(&chat.id, 0, u64::MAX).await.unwrap();
    assert_eq!(said.len() as u64, chat.version, "what was stored stays, what was refused is not there");
    assert_eq!(store.conversation(&chat.id).await.unwrap().unwrap().version, chat.version);
    drop(store);

    let store = Sqlite::open(&path).unwrap();
    let key = format!("e{}", chat.version);
    let again = Changes {
        dedupe: vec![event(&key, 0, 0)],
        ..with_messages(&chat, &[message(chat.version + 1, &large)])
    };
    assert_eq!(store.commit(again).await, Ok(()), "the refused event was not remembered");
}

#[tokio::test]
async fn once_there_is_room_again_the_same_store_goes_on() {
    let (_folder, path) = folder();
    let store = Sqlite::open(&path).unwrap();
    store.limit_pages(120).await.unwrap();
    let chat = conversation("ann");
    store.commit(only(&chat)).await.unwrap();
    let seal = |seq| Changes { sealed: vec![(chat.id.clone(), seq, vec![7; 9000])], ..Changes::default() };
    let mut last = 1;
    while store.commit(seal(last)).await.is_ok() {
        last += 1;
    }
    for _ in 0..3 {
        assert!(matches!(store.commit(seal(last)).await, Err(StoreError::Unavailable(_))));
    }
    store.limit_pages(1000).await.unwrap();
    assert_eq!(store.commit(seal(last)).await, Ok(()));
    store.limit_pages(1).await.unwrap();
    while store.commit(seal(last + 1)).await.is_ok() {
        last += 1;
    }
    store.acknowledge(&chat.id, last).await.unwrap();
    assert_eq!(store.commit(seal(last + 2)).await, Ok(()), "what is deleted makes room");
}

#[tokio::test]
async fn of_commits_that_meet_a_full_disk_together_each_is_told_what_became_of_it() {
    let (_folder, path) = folder();
    let store = Sqlite::open(&path).unwrap();
    store.limit_pages(100).await.unwrap();
    let chat = conversation("ann");
    store.commit(only(&chat)).await.unwrap();
    let (mut stored, mut refused) = (0, 0);
    for round in 0..10 {
        // Small ones with a large one in their midst: what does not fit takes its group with it.
        let seqs = (1..=9).map(|n| round * 10 + n).collect::<Vec<_>>();
        let commits = seqs.iter().map(|seq| {
            let size = if seq % 10 == 5 { 40_000 } else { 10 };
            let sealed = vec![(chat.id.clone(), *seq, vec![7; size])];
            store.commit(Changes { sealed, ..Changes::default() })
        });
        let results = futures::future::join_all(commits).await;
        let shown = store.shown(&chat.id, round * 10, 99).await.unwrap();
        for (seq, result) in seqs.iter().zip(results) {
            let found = shown.iter().any(|item| matches!(item, Shown::Sealed { seq: at, .. } if at == seq));
            assert_eq!(result.is_ok(), found, "{seq}: {result:?}");
            assert!(matches!(result, Ok(()) | Err(StoreError::Unavailable(_))), "{result:?}");
            if found { stored += 1 } else { refused += 1 }
        }
    }
    assert!(stored > 0 && refused > 0, "{stored} stored, {refused} refused");
}

#[tokio::test]
async fn events_are_forgotten_after_two_weeks_and_not_before() {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    let (_folder, path) = folder();
    let store = Sqlite::open(&path).unwrap();
    let handled = |key: &str, day: i64| Changes {
        dedupe: vec![Dedupe { at: Timestamp(day * DAY), ..event(key, 0, 0) }],
        ..Changes::default()
    };
    let old = (0..2000).map(|n| Dedupe { at: Timestamp(n), ..event(&format!("old {n}"), 0, 0) }).collect();
    store.commit(Changes { dedupe: old, ..Changes::default() }).await.unwrap();
    store.commit(handled("kept", 2)).await.unwrap();
    store.commit(handled("latest", 15)).await.unwrap();
    store.tidy().await.unwrap();
    for n in [0, 700, 1999] {
        assert_eq!(store.commit(handled(&format!("old {n}"), 15)).await, Ok(()));
    }
    for key in ["kept", "latest"] {
        assert!(matches!(store.commit(handled(key, 15)).await, Err(StoreError::Duplicate { .. })), "{key}");
    }
}

#[tokio::test]
async fn a_claim_stays_cheap_while_a_hundred_thousand_rows_wait() {
    let (_folder, path) = folder();
    let store = Sqlite::open(&path).unwrap();
    let chat = conversation("ann");
    let long_lane = (0..50_000).map(|_| effect(&chat.id, "long", 1));
    let many_lanes = (0..50_000).map(|n| effect(&chat.id, &format!("lane {n}"), 2));
    let effects = long_lane.chain(many_lanes).collect();
    store.commit(Changes { effects, ..only(&chat) }).await.unwrap();
    let begun = std::time::Instant::now();
    for now in 10..60 {
        let rows = store.claim(Timestamp(now), Timestamp(now + 1000), 10).await.unwrap();
        assert_eq!(rows.len(), 10);
        let done = rows.iter().map(|row| row.id).collect();
        store.commit(Changes { done, ..Changes::default() }).await.unwrap();
        assert!(store.next_due().await.unwrap().is_some());
    }
    // A claim that reads all the rows takes a hundred times as long.
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn lists_go_on_while_the_writer_writes() {
    let (_folder, path) = folder();
    let store = Arc::new(Sqlite::open(&path).unwrap());
    let writer = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            for n in 0..200 {
                store.commit(only(&conversation(&format!("person {n}")))).await.unwrap();
            }
        }
    });
    let mut seen = 0;
    while seen < 200 {
        let rows = store.conversations(Page { after: None, limit: 999 }).await.unwrap();
        assert!(rows.len() >= seen);
        seen = rows.len();
    }
    writer.await.unwrap();
}

#[test]
fn only_the_owner_may_read_the_files() {
    let (_folder, path) = folder();
    let _store = Sqlite::open(&path).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for entry in fs::read_dir(path.parent().unwrap()).unwrap() {
        let entry = entry.unwrap().path();
        assert_eq!(mode(&entry), 0o600, "{}", entry.display());
    }
}

#[test]
fn a_second_server_on_the_same_file_is_refused_until_the_first_is_gone() {
    let (_folder, path) = folder();
    let first = Sqlite::open(&path).unwrap();
    let link = path.with_file_name("link.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    for name in [&path, &link] {
        let refused = Sqlite::open(name).err().unwrap();
        assert!(matches!(refused, OpenError::InUse { .. }), "{refused}");
        assert!(refused.to_string().contains("is in use by another server"), "{refused}");
    }
    drop(first);
    Sqlite::open(&link).unwrap();
}

#[tokio::test]
async fn a_command_works_beside_a_server_and_both_see_what_either_stored() {
    let (_folder, path) = folder();
    drop(Sqlite::open_beside(&path).unwrap());
    let server = Sqlite::open(&path).unwrap();
    let command = Sqlite::open_beside(&path).unwrap();
    let (ann, bob) = (conversation("ann"), conversation("bob"));
    let (first, second) = (only(&ann), only(&bob));
    let both = tokio::join!(server.commit(first), command.commit(second));
    assert_eq!(both, (Ok(()), Ok(())));
    for store in [&server, &command] {
        assert!(store.conversation(&ann.id).await.unwrap().is_some());
        assert!(store.conversation(&bob.id).await.unwrap().is_some());
        assert_eq!(store.commit(only(&ann)).await, Err(StoreError::Conflict));
    }
}

#[test]
fn a_command_does_not_change_the_tables_of_a_server_that_runs() {
    let (_folder, path) = folder();
    let server = Sqlite::open(&path).unwrap();
    // As an older server leaves them: no table is of the latest version.
    let older = "DELETE FROM refinery_schema_history";
    rusqlite::Connection::open(&path).unwrap().execute(older, []).unwrap();
    let refused = Sqlite::open_beside(&path).err().unwrap();
    assert!(matches!(refused, OpenError::InUse { .. }), "{refused}");
    drop(server);
}

#[test]
fn a_file_of_something_else_is_refused_and_left_as_it_was() {
    let (folder, _) = folder();
    let text = folder.path().join("notes.txt");
    fs::write(&text, "not a database, but longer than the header of one would be. ".repeat(40)).unwrap();
    let foreign = folder.path().join("foreign.db");
    rusqlite::Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    for path in [&text, &foreign] {
        let before = fs::read(path).unwrap();
        let refused = Sqlite::open(path).err().unwrap();
        assert!(matches!(refused, OpenError::NotOurs { .. }), "{refused}");
        assert!(refused.to_string().contains("is not a database of this server"), "{refused}");
        assert_eq!(fs::read(path).unwrap(), before);
    }
}

#[test]
fn a_database_of_a_newer_version_is_refused() {
    let (_folder, path) = folder();
    drop(Sqlite::open(&path).unwrap());
    let newer = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
        VALUES (4711, 'later', '2030-01-01T00:00:00Z', '1')";
    rusqlite::Connection::open(&path).unwrap().execute(newer, []).unwrap();
    let refused = Sqlite::open(&path).err().unwrap();
    assert!(matches!(refused, OpenError::Newer { found: 4711, .. }), "{refused}");
    assert!(refused.to_string().contains("newer version of this server"), "{refused}");
}

#[test]
fn a_place_where_no_file_can_be_is_told() {
    let (folder, _) = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [folder.path().to_owned(), file.join("below.db"), PathBuf::from("/")] {
        let refused = Sqlite::open(&path).err().unwrap();
        assert!(matches!(refused, OpenError::Unusable { .. }), "{refused}");
        assert!(refused.to_string().contains("cannot be opened"), "{refused}");
    }
}

#[tokio::test]
async fn another_program_that_holds_the_file_makes_it_unavailable_for_a_while() {
    let (_folder, path) = folder();
    let store = Sqlite::open(&path).unwrap();
    let chat: Conversation = conversation("ann");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = store.commit(only(&chat)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert_eq!(store.conversation(&chat.id).await, Ok(None), "reading goes on");
    let desk = ConnectionId::new("desk");
    assert_eq!(store.handoff_by_chat(&desk, "x").await, Ok(None));
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.commit(only(&chat)).await, Ok(()));
}
