//! Bits that the disk changed: found before they are served, told by the doctor, and never made to pass.

#![expect(clippy::unwrap_used, reason = "a test breaks off where something is not as expected")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use handoff_core::{
    audit::Promise,
    handoff::HandoffState,
    store::{
        Changes, Conversations as _, EffectKind, Ledger as _, NewEffect, Outbox as _, Page, ParkedRequest,
        Reschedule, Store, StoreError, Transactions as _, Withheld,
    },
};
use handoff_model::{AssistantId, ConnectionId, Delivery, HandoffId, TicketRef, Timestamp};
use handoff_store::{
    Sqlite,
    backup::{self, BackupError},
    examine,
};
use suite::samples::{conversation, effect, handoff, message, only, with_messages};

#[expect(dead_code, reason = "only the samples are used here")]
#[expect(unused_macros, unused_imports, reason = "the contract runs elsewhere")]
mod suite;

/// Flips of one run; each from the seed and its number alone.
const FLIPS: u64 = 2_400;
/// Threads that share them.
const THREADS: u64 = 4;
const SEED: u64 = 20_261_129;
const NAMES: [&str; 4] = ["ann", "bob", "cid", "dora"];
const NOW: Timestamp = Timestamp(50_000);

/// A number from a seed (splitmix64).
fn drawn(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn desk() -> ConnectionId {
    ConnectionId::new("desk")
}

fn support() -> AssistantId {
    AssistantId::new("support")
}

/// Everything that the server keeps of a few chats, in every state that it has.
async fn fill(store: &dyn Store) {
    for (n, name) in (1_i64..).zip(NAMES) {
        let chat = conversation(name);
        let mut leaving = handoff(&chat.id, "e1");
        if n % 2 == 0 {
            let ticket = TicketRef { chat: format!("c{n}"), label: None, url: None };
            leaving.state = HandoffState::Carrying { ticket, at: Timestamp(5) };
        }
        let said: Vec<_> = (1..=5).map(|seq| message(seq, &format!("{name} says word {seq}"))).collect();
        let forward = |seq: u64| NewEffect {
            seq,
            sealed: format!("sealed word {seq} of {name}").into_bytes(),
            handoff: Some(leaving.id.clone()),
            ..effect(&chat.id, &leaving.outward(), n * 10)
        };
        let deliver = NewEffect { kind: EffectKind::Deliver, seq: 2, ..effect(&chat.id, name, n * 7) };
        let changes = Changes {
            effects: vec![forward(6), forward(7), deliver],
            sealed: vec![(chat.id.clone(), 6, b"shown, sealed".to_vec())],
            withheld: vec![Withheld { handoff: leaving.id.clone(), sealed: b"withheld".to_vec() }],
            chats: vec![(desk(), format!("c{n}"), leaving.id.clone())],
            deliveries: vec![(chat.id.clone(), 2, Delivery::Undelivered)],
            handoffs: vec![leaving.clone()],
            ..with_messages(&chat, &said)
        };
        store.commit(changes).await.unwrap();
        let sealed = format!("a request of {name}").into_bytes();
        store.park(ParkedRequest { connection: desk(), sealed, at: Timestamp(n) }).await.unwrap();
    }
    let held = store.claim(Timestamp(12), Timestamp(40), 3).await.unwrap();
    let Reschedule { id, held_until, .. } = again(&held[0], Timestamp(13));
    let later = Reschedule { id, due: Timestamp(14), attempts: 2, maybe_done: true, held_until };
    store.commit(Changes { later: vec![later], ..Changes::default() }).await.unwrap();
    let revision = store.save_draft(&support(), "Support", "{\"draft\":1}", 0, NOW).await.unwrap();
    store.publish(&support(), revision, NOW).await.unwrap();
}

fn again(row: &handoff_core::store::EffectRow, due: Timestamp) -> Reschedule {
    let (attempts, maybe_done) = (row.attempts, row.maybe_done);
    Reschedule { id: row.id, due, attempts, maybe_done, held_until: row.held_until }
}

/// What one read gave: its rows as text, or why there are none.
type Given = Result<Vec<String>, StoreError>;

fn rows<T: std::fmt::Debug>(read: Result<impl IntoIterator<Item = T>, StoreError>) -> Given {
    read.map(|rows| rows.into_iter().map(|row| format!("{row:?}")).collect())
}

fn page() -> Page {
    Page { after: None, limit: 50 }
}

/// Reads everything there is to read, by name of the read.
async fn read_all(store: &dyn Store) -> BTreeMap<String, Given> {
    let mut all = BTreeMap::new();
    for name in NAMES {
        let chat = conversation(name);
        let leaving = HandoffId::derive(&chat.id, "e1", 0);
        let found = store.conversation(&chat.id).await;
        all.insert(format!("conversation {name}"), rows(found));
        all.insert(format!("messages {name}"), rows(store.messages(&chat.id, 0, u64::MAX).await));
        all.insert(format!("shown {name}"), rows(store.shown(&chat.id, 0, 99).await));
        for kind in [EffectKind::Forward, EffectKind::Deliver] {
            all.insert(format!("waiting {kind:?} {name}"), rows(store.waiting(&chat.id, kind).await));
        }
        all.insert(format!("handoff {name}"), rows(store.handoff(&leaving).await));
        all.insert(format!("withheld {name}"), rows(store.withheld(&leaving).await));
    }
    for n in 1..=NAMES.len() {
        let found = store.handoff_by_chat(&desk(), &format!("c{n}")).await;
        all.insert(format!("chat {n}"), rows(found));
    }
    all.insert("list conversations".into(), rows(store.conversations(page()).await));
    all.insert("list handoffs".into(), rows(store.handoffs(None, page()).await));
    all.insert("list carrying".into(), rows(store.handoffs(Some("carrying"), page()).await));
    all.insert("list parked".into(), rows(store.parked(&desk(), 99).await));
    all.insert("version".into(), rows(store.version(&support(), 1).await));
    all.insert("list claimed".into(), rows(store.claim(NOW, Timestamp(60_000), 99).await));
    all
}

/// A database that was closed, and its bytes.
struct Filled {
    _folder: tempfile::TempDir,
    path: PathBuf,
    bytes: Vec<u8>,
}

async fn filled() -> Filled {
    // In memory where there is such a folder: thousands of databases are opened, and each waits for its disk.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let path = folder.path().join("handoff.db");
    let store = Sqlite::open(&path).unwrap();
    fill(&store).await;
    store.tidy().await.unwrap();
    drop(store);
    let bytes = fs::read(&path).unwrap();
    Filled { _folder: folder, path, bytes }
}

impl Filled {
    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(suffix);
        name.into()
    }

    /// Puts these bytes in the place of the database, without a log.
    fn put(&self, bytes: &[u8]) {
        for suffix in ["-wal", "-shm"] {
            drop(fs::remove_file(self.beside(suffix)));
        }
        fs::write(&self.path, bytes).unwrap();
    }

    /// Whether the doctor finds anything to say.
    fn is_told_by_the_doctor(&self) -> bool {
        let examined = examine::examine(&self.path, NOW, false, |_| Some(false));
        !examined.is_ok_and(|found| {
            found.faults.is_empty() && found.damaged.is_empty() && found.findings.is_empty()
        })
    }

    /// The bytes that say something in the leaves of the tables that are read here: what lies between a page's list of
    /// rows and its rows is empty.
    fn rows(&self) -> Vec<usize> {
        let sql = "SELECT pageno FROM dbstat WHERE pagetype = 'leaf' AND name IN ('conversations', 'messages', \
            'sealed', 'handoffs', 'chats', 'withheld', 'effects', 'parked', 'versions')";
        let db = rusqlite::Connection::open(&self.path).unwrap();
        let mut statement = db.prepare(sql).unwrap();
        let pages = statement.query_map([], |row| row.get::<_, u32>(0)).unwrap();
        let mut places = Vec::new();
        for page in pages {
            let begin = (page.unwrap() as usize - 1) * 4096;
            let number = |place: usize| {
                usize::from(u16::from_be_bytes([self.bytes[begin + place], self.bytes[begin + place + 1]]))
            };
            let (rows, content) = (number(3), number(5));
            places.extend((0..8 + 2 * rows).chain(content..4096).map(|place| begin + place));
        }
        places
    }
}

/// What came of a flip.
#[derive(Default, Debug)]
struct Tally {
    harmless: u64,
    refused: u64,
    /// The row is not there any more, or stands in no list; the doctor tells it.
    missing: u64,
    not_opened: u64,
}

/// Compares a read with what was written. Lists pass over what is damaged; anything else is whole or refused.
fn judge(case: &str, name: &str, written: &Given, given: &Given, tally: &mut (bool, bool)) {
    let written = written.as_ref().unwrap();
    match given {
        Ok(rows) if rows == written => {}
        Ok(rows) => {
            let mut rest = written.iter();
            let known = rows.iter().all(|row| rest.any(|other| other == row));
            assert!(known, "{case}: {name} gave what was never written: {rows:?} instead of {written:?}");
            tally.1 = true;
        }
        Err(StoreError::Damaged(_) | StoreError::Broken(_)) => tally.0 = true,
        Err(other) => panic!("{case}: {name} is {other}"),
    }
}

#[test]
fn p2_a_flipped_bit_is_never_served_and_what_is_missing_is_told() {
    let parts = (0..THREADS).map(|part| {
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(flip_bits(part))
        })
    });
    let parts: Vec<_> = parts.collect();
    let mut sum = Tally::default();
    for part in parts {
        let part = part.join().unwrap();
        sum.harmless += part.harmless;
        sum.refused += part.refused;
        sum.missing += part.missing;
        sum.not_opened += part.not_opened;
    }
    println_of(&sum);
    assert!(sum.refused + sum.missing > FLIPS / 2, "{sum:?}");
}

/// Every `THREADS`-th flip, each on a file as it was written.
async fn flip_bits(part: u64) -> Tally {
    let file = filled().await;
    let places = file.rows();
    let written = {
        let store = Sqlite::open(&file.path).unwrap();
        read_all(&store).await
    };
    let mut tally = Tally::default();
    for n in (part..FLIPS).step_by(THREADS as usize) {
        let chance = drawn(SEED + n);
        // Nine of ten lie in the rows, the others anywhere in the file.
        let place = if n % 10 == 9 {
            chance as usize % file.bytes.len()
        } else {
            places[chance as usize % places.len()]
        };
        let bit = 1 << (chance >> 61);
        let case = format!("seed {SEED}, flip {n}, byte {place}, bit {bit:#x}");
        let mut bytes = file.bytes.clone();
        bytes[place] ^= bit;
        flip(&case, &file, &bytes, &written, &mut tally).await;
    }
    tally
}

async fn flip(case: &str, file: &Filled, bytes: &[u8], written: &BTreeMap<String, Given>, tally: &mut Tally) {
    file.put(bytes);
    let Ok(store) = Sqlite::open(&file.path) else {
        tally.not_opened += 1;
        return;
    };
    let mut seen = (false, false);
    for (name, given) in read_all(&store).await {
        judge(case, &name, &written[&name], &given, &mut seen);
    }
    drop(store);
    match seen {
        (false, false) => tally.harmless += 1,
        (_, true) => {
            file.put(bytes);
            assert!(file.is_told_by_the_doctor(), "{case}: a row is missing, and nobody tells");
            tally.missing += 1;
        }
        (true, false) => tally.refused += 1,
    }
}

#[expect(clippy::print_stderr, reason = "figures for whoever runs it by hand")]
fn println_of(tally: &Tally) {
    eprintln!("{FLIPS} flips: {tally:?}");
}

/// Changes a word within its row, as a disk might, and leaves everything else as it is.
fn damage(path: &Path, sql: &str) {
    assert_eq!(rusqlite::Connection::open(path).unwrap().execute(sql, []).unwrap(), 1, "{sql}");
}

#[tokio::test]
async fn p2_a_change_beside_a_damaged_word_does_not_make_it_pass() {
    let file = filled().await;
    let store = Sqlite::open(&file.path).unwrap();
    let (ann, bob) = (conversation("ann").id, conversation("bob").id);
    damage(
        &file.path,
        "UPDATE messages SET content = replace(content, 'word 2', 'ward 2') WHERE seq = 2 AND conversation = 1",
    );
    damage(
        &file.path,
        "UPDATE conversations SET body = replace(body, 'bob Example', 'bob Exbmple') WHERE number = 2",
    );
    let is_damaged = |given: Given| match given {
        Err(StoreError::Damaged(what)) => what,
        other => panic!("{other:?}"),
    };
    let read = rows(store.messages(&ann, 0, 9).await);
    assert_eq!(is_damaged(read), format!("a row of messages (place 2 of conversation {ann})"));
    // Every change that a server makes beside it, or over it.
    let delivered = Changes { deliveries: vec![(ann.clone(), 2, Delivery::Delivered)], ..Changes::default() };
    store.commit(delivered).await.unwrap();
    store.acknowledge(&ann, 99).await.unwrap();
    let more = Changes { messages: vec![(bob.clone(), message(6, "more"))], ..Changes::default() };
    store.commit(more).await.unwrap();
    let mut over = conversation("bob");
    over.version = 1;
    assert_eq!(store.commit(only(&over)).await, Err(StoreError::Conflict), "who reads again is told");
    is_damaged(rows(store.messages(&ann, 0, 9).await));
    is_damaged(rows(store.conversation(&bob).await));
    // What is whole is there, of the same chat as well.
    assert_eq!(store.messages(&ann, 2, 9).await.unwrap().len(), 3);
    assert_eq!(store.messages(&bob, 0, 9).await.unwrap().len(), 6);
    assert_eq!(
        store.conversations(page()).await.unwrap().len(),
        NAMES.len() - 1,
        "the list goes on without it"
    );
    let slice = store.slice(None, 99).await.unwrap();
    let damaged: Vec<_> = slice.cases.iter().flat_map(|case| &case.damaged).collect();
    assert_eq!(
        BTreeSet::from_iter(damaged.iter().map(|row| row.as_str())),
        ["conversations", "messages (place 2)"].into()
    );
}

#[tokio::test]
async fn p7_a_damaged_effect_keeps_no_other_back_and_its_lane_stands_still() {
    let file = filled().await;
    let store = Sqlite::open(&file.path).unwrap();
    let now = Timestamp(60_000);
    store.release_all().await.unwrap();
    let bob = conversation("bob").id;
    damage(&file.path, &format!("UPDATE effects SET seq = 9 WHERE seq = 6 AND conversation = '{bob}'"));
    let claimed = store.claim(now, Timestamp(70_000), 99).await.unwrap();
    let of_bob: Vec<_> = claimed.iter().filter(|row| row.conversation == bob).map(|row| row.kind).collect();
    assert_eq!(of_bob, [EffectKind::Deliver], "the word after it does not overtake it");
    assert_eq!(claimed.len(), 2 * NAMES.len() - 1, "everything else is claimed");
    let next = store.next_due().await.unwrap().unwrap();
    assert!(next > now, "nobody comes back for it at once: {next:?}");
    drop(store);
    let found = examine::examine(&file.path, now, false, |_| Some(false)).unwrap();
    assert_eq!(found.damaged.len(), 1, "{:?}", found.damaged);
    let told = |promise| found.findings.iter().any(|finding| finding.promise == promise);
    assert!(told(Promise::P2) && told(Promise::P7), "{:?}", found.findings);
}

#[tokio::test]
async fn a_word_that_was_moved_to_another_chat_is_not_served_there() {
    let file = filled().await;
    let store = Sqlite::open(&file.path).unwrap();
    damage(&file.path, "DELETE FROM messages WHERE conversation = 2 AND seq = 3");
    damage(&file.path, "UPDATE messages SET conversation = 2 WHERE conversation = 1 AND seq = 3");
    let given = rows(store.messages(&conversation("bob").id, 0, 9).await);
    assert!(matches!(given, Err(StoreError::Damaged(_))), "{given:?}");
}

#[tokio::test]
async fn a_backup_of_damaged_rows_is_neither_made_nor_put_back() {
    let file = filled().await;
    let (copy, late) = (file.beside("-copy"), file.beside("-late"));
    backup::make(&file.path, &copy, NOW).unwrap();
    damage(&file.path, "UPDATE effects SET attempts = attempts + 1 WHERE id = 1");
    damage(&file.path, "UPDATE handoffs SET fired_at = fired_at + 1 WHERE number = 1");
    for _ in 0..2 {
        let refused = backup::make(&file.path, &late, NOW).unwrap_err();
        assert!(
            matches!(&refused, BackupError::Damaged { detail, .. } if detail.contains("handoffs")),
            "{refused}"
        );
        fs::remove_dir_all(&late).unwrap();
    }
    backup::restore(&copy, &file.path, true, NOW).unwrap();
    let store = Sqlite::open(&file.path).unwrap();
    assert!(read_all(&store).await.values().all(Result::is_ok));
}

#[tokio::test]
async fn rows_from_before_there_were_digests_get_theirs_when_the_file_is_opened() {
    let file = filled().await;
    let written = {
        let store = Sqlite::open(&file.path).unwrap();
        read_all(&store).await
    };
    file.put(&file.bytes);
    let db = rusqlite::Connection::open(&file.path).unwrap();
    for table in [
        "conversations",
        "messages",
        "sealed",
        "handoffs",
        "chats",
        "withheld",
        "effects",
        "parked",
        "versions",
    ] {
        db.execute_batch(&format!("ALTER TABLE {table} DROP COLUMN digest")).unwrap();
    }
    db.execute("DELETE FROM refinery_schema_history WHERE version >= 5", []).unwrap();
    drop(db);
    let store = Sqlite::open(&file.path).unwrap();
    assert_eq!(read_all(&store).await, written);
    damage(&file.path, "UPDATE messages SET at = at + 1 WHERE conversation = 1 AND seq = 1");
    assert!(store.messages(&conversation("ann").id, 0, 9).await.is_err());
}
