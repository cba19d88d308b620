//! Many chats leave while everything goes wrong that can, and in the end three books must agree: what persons saw,
//! what we hold, what live agents see.
//!
//! The run is cut into acts. Each has a platform, a server and a handful of persons of its own, and a storm that is
//! drawn from the seed. Acts wait more than they work, so several are played side by side. A few are part of every
//! test run; `cargo xtask torture --handoffs 10000 --seed 1` plays many, and `--act 17` one of them again. The plan of an
//! act is the same each time; how its threads of events meet is the machine's.

mod books;
mod disk;
mod ends;
mod person;
mod routes;
mod stage;
mod storm;

use std::{thread::available_parallelism, time::Instant};

use anyhow::{Result, ensure};
use handoff_tests::{books::Tally, note};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::task::{JoinError, JoinSet};

use books::Book;
use routes::Route;
use stage::Stage;

/// How much faster time runs on all sides. Faster still, and a busy machine takes longer for an answer than the server
/// waits for one.
const FACTOR: u32 = 10;
/// Persons in an act.
const PERSONS: u64 = 20;
/// Handoffs when nobody says how many: an act of each route.
const FEW: u64 = 100;
/// Acts for each processor when nobody says how many are played side by side.
const AT_ONCE: usize = 3;
/// Lines of a server's log that a finding shows.
const LOG: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_to_p7_whatever_goes_wrong_the_three_books_agree() -> Result<()> {
    let (handoffs, seed) = (number("HANDOFF_TORTURE").unwrap_or(FEW), number("HANDOFF_SEED").unwrap_or(1));
    let acts = match number("HANDOFF_ACT") {
        Some(act) => act..act + 1,
        None => 0..handoffs.div_ceil(PERSONS),
    };
    let processors = available_parallelism().map_or(1, usize::from);
    let at_once = number("HANDOFF_SIDE_BY_SIDE").map_or(processors * AT_ONCE, |said| said.max(1) as usize);
    let (began, mut all) = (Instant::now(), Tally::default());
    let (mut acts, mut playing) = (acts, JoinSet::new());
    loop {
        for act in acts.by_ref().take(at_once - playing.len()) {
            playing.spawn(async move { (act, play(seed, act).await) });
        }
        let Some(played) = playing.join_next().await else { break };
        let (act, played) = played?;
        match played {
            Ok(tally) => all.add(tally),
            Err(error) => ends::stuck(&mut all, &format!("act {act} of seed {seed}"), &error),
        }
        all.stories.drain(..).for_each(|story| note(&story));
        note(&format!("after act {act}, {} s: {all}", began.elapsed().as_secs()));
    }
    let seconds = began.elapsed().as_secs();
    note(&format!("torture: {all} seed={seed} side_by_side={at_once} seconds={seconds}"));
    note("one act again: cargo xtask torture --seed SEED --act ACT");
    ensure!(
        all.is_clean(),
        "the books do not agree; what was found stands above, before the line of its act"
    );
    ensure!(all.accepted > 0 && all.storms > 0, "nothing happened, so nothing is proved");
    Ok(())
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Plays an act to its end and compares the books.
async fn play(seed: u64, act: u64) -> Result<Tally> {
    let mut random = StdRng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(act));
    let route = Route::ALL[(act % Route::ALL.len() as u64) as usize];
    let mut stage = route.set(random.random()).await?;
    if stage.disk.is_none() {
        note(&format!("act {act}: no disk of its own can be mounted here, so none will be full"));
    }
    let mut persons = JoinSet::new();
    for n in 0..PERSONS {
        let (door, name, chance) = (stage.door(), format!("a{act}p{n}"), random.random());
        persons.spawn(person::live(door, name, chance));
    }
    let storms = storm::rage(&mut stage, &mut random).await?;
    stage.calm().await?;
    let mut tally = Tally { storms, ..Tally::default() };
    let mut books = Vec::new();
    while let Some(lived) = persons.join_next().await {
        keep(lived, &mut books, &mut tally);
    }
    ends::end(&stage, &mut books, &mut tally).await?;
    if !tally.is_clean() {
        tally.finds(&format!("act {act} ({route:?})"), &format!("the server's log:\n{}", log(&stage)));
    }
    Ok(tally)
}

/// The end of the server's log without what we asked it ourselves.
fn log(stage: &Stage) -> String {
    let log = stage.server.log();
    let lines: Vec<&str> = log
        .lines()
        .filter(|line| !line.contains("Answered a request") && !line.contains("hyper_util"))
        .collect();
    lines[lines.len().saturating_sub(LOG)..].join("\n")
}

fn keep(lived: Result<Result<Book>, JoinError>, books: &mut Vec<Book>, tally: &mut Tally) {
    match lived.map_err(anyhow::Error::from).and_then(|book| book) {
        Ok(book) => books.push(book),
        Err(error) => ends::stuck(tally, "somebody", &error),
    }
}
