//! A disk whose calls fail one after the other, and a power cut before every call that changes something.
//!
//! One script of everything that the store does for chats is played over and over. What was answered with *done* is there
//! afterwards; what was answered with an error is there whole, or not at all; and the store goes on by itself once the
//! disk is well again. `disk` is the disk, `cut` what is left of it without power, `script` what is played and what is asked of the rows in the end.

#![expect(clippy::unwrap_used, reason = "a test breaks off where something is not as expected")]

mod cut;
mod disk;
mod script;
#[expect(dead_code, reason = "only the samples are used here")]
#[expect(unused_macros, unused_imports, reason = "the contract runs elsewhere")]
#[path = "../suite/mod.rs"]
mod suite;

use std::{fs, path::Path};

use disk::{Disk, Fault};
use handoff_store::{Sqlite, examine};
use script::{Book, Player, play};
use tempfile::TempDir;

/// Errors after which a disk that fails in everything is mended.
const PATIENCE: u32 = 3;
/// What may be left after each power cut, drawn so many times.
const IMAGES: u64 = 2;
const SEED: u64 = 20_261_129;

/// A folder in memory where there is one: what is on the disk is our own matter here.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

/// Opens the store once more and looks at everything: the pages, the rows, the promises.
fn look_again(case: &str, path: &Path, book: &Book) {
    let store = Sqlite::open(path).unwrap_or_else(|error| panic!("{case}: {error}"));
    runtime().block_on(book.check(&format!("{case}, opened again"), &store));
    drop(store);
    let found = examine::examine(path, script::NOW, false, |_| Some(false)).unwrap();
    assert!(found.faults.is_empty() && found.damaged.is_empty(), "{case}: {found:?}");
}

/// Plays the script with a fault from the n-th call on, for every n, until no call is left that fails.
fn every_call(kind: &str, fault: impl Fn(u64) -> Fault) {
    let disk = Disk::install();
    let mut n = 0;
    loop {
        n += 1;
        let case = format!("{kind}, call {n}");
        let folder = folder();
        let path = folder.path().join("handoff.db");
        disk.watch(folder.path(), false);
        disk.fail(fault(n));
        let mut player = Player::new(&case, &path, PATIENCE);
        runtime().block_on(play(&mut player, &disk));
        let (calls, failed) = disk.calls();
        disk.mend();
        drop(player.store.take());
        look_again(&case, &path, &player.book);
        if failed == 0 {
            say(&format!("{kind}: every one of {} calls, the last run made {calls}", n - 1));
            assert!(n > 100, "{case}: the script makes calls to the disk");
            return;
        }
    }
}

#[test]
fn p7_whichever_call_to_the_disk_fails_nothing_answered_is_lost_and_nothing_is_half() {
    every_call("once", Fault::Once);
}

#[test]
fn p7_a_disk_that_fails_in_everything_for_a_while_loses_nothing_that_was_answered() {
    every_call("everything from", Fault::From);
}

#[test]
fn p7_a_disk_that_is_full_from_any_call_on_loses_nothing_that_was_answered() {
    every_call("full from", Fault::Full);
}

#[test]
fn p2_a_power_cut_at_any_call_leaves_everything_that_was_answered_and_nothing_half() {
    let disk = Disk::install();
    let folder = folder();
    let path = folder.path().join("handoff.db");
    disk.watch(folder.path(), true);
    let mut player = Player::new("the run before the cuts", &path, PATIENCE);
    runtime().block_on(play(&mut player, &disk));
    drop(player.store.take());
    let cuts = disk.cuts();
    let elsewhere = self::folder();
    disk.watch(elsewhere.path(), false);
    let mut opened = 0;
    for cut in &cuts {
        for draw in 0..IMAGES {
            let seed = SEED + cut.call * IMAGES + draw;
            let case = format!("power cut before call {}, seed {seed}", cut.call);
            let place = elsewhere.path().join(format!("{}-{draw}", cut.call));
            fs::create_dir(&place).unwrap();
            let mut state = seed;
            for (name, bytes) in cut.image(|| script::drawn(&mut state)) {
                fs::write(place.join(Path::new(&name).file_name().unwrap()), bytes).unwrap();
            }
            look_again(
                &case,
                &place.join("handoff.db"),
                player.books.get(cut.answered).unwrap_or(&player.book),
            );
            fs::remove_dir_all(&place).unwrap();
            opened += 1;
        }
    }
    say(&format!("{} power cuts, {opened} disks afterwards", cuts.len()));
    assert!(cuts.len() > 100);
}

#[expect(clippy::print_stderr, reason = "figures for whoever runs it by hand")]
fn say(text: &str) {
    eprintln!("{text}");
}
