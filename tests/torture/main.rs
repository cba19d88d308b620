//! Many chats leave while everything goes wrong that can, and in the end three books must agree: what persons saw,
//! what we hold, what live agents see.
//!
//! The run is cut into acts. Each has a platform, a server and a handful of persons of its own, and a storm that is
//! drawn from the seed. A few acts are part of every test run; `cargo xtask torture --handoffs 10000 --seed 1` plays
//! many, and `--act 17` one of them again. The plan of an act is the same each time; how its threads of events meet is
//! the machine's.

mod books;
mod person;
mod stage;
mod storm;

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use handoff_tests::{books::Tally, note};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::task::JoinSet;

use books::Book;
use stage::{Route, Stage};

/// How much faster time runs on all sides.
const FACTOR: u32 = 20;
/// Persons in an act.
const PERSONS: u64 = 20;
/// Handoffs when nobody says how many.
const FEW: u64 = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_to_p7_whatever_goes_wrong_the_three_books_agree() -> Result<()> {
    let (handoffs, seed) = (number("HANDOFF_TORTURE").unwrap_or(FEW), number("HANDOFF_SEED").unwrap_or(1));
    let acts = match number("HANDOFF_ACT") {
        Some(act) => act..act + 1,
        None => 0..handoffs.div_ceil(PERSONS),
    };
    let (began, mut all) = (Instant::now(), Tally::default());
    for act in acts {
        let tally = play(seed, act).await.with_context(|| format!("act {act} of seed {seed}"))?;
        all.add(tally);
        note(&format!("after act {act}, {} s: {all}", began.elapsed().as_secs()));
    }
    let seconds = began.elapsed().as_secs();
    note(&format!("torture: {all} seed={seed} seconds={seconds}"));
    note("one act again: cargo xtask torture --seed SEED --act ACT");
    ensure!(all.is_clean(), "the books do not agree:\n{}", all.stories.join("\n"));
    ensure!(all.accepted > 0 && all.storms > 0, "nothing happened, so nothing is proved");
    Ok(())
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Plays an act to its end and compares the books.
async fn play(seed: u64, act: u64) -> Result<Tally> {
    let mut random = StdRng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(act));
    let route = [Route::Zendesk, Route::OpenChannel, Route::Line][(act % 3) as usize];
    let mut stage = Stage::set(route, random.random()).await?;
    let mut persons = JoinSet::new();
    for n in 0..PERSONS {
        let door = stage.door();
        let (name, chance) = (format!("a{act}p{n}"), random.random());
        persons.spawn(person::live(door, name, chance));
    }
    let storms = storm::rage(&mut stage, &mut random).await?;
    stage.calm().await?;
    let mut books = Vec::new();
    while let Some(book) = persons.join_next().await {
        books.push(book?);
    }
    let mut tally = Tally { storms, ..Tally::default() };
    for book in books {
        let told = match book {
            Ok(book) => close(&stage, book, &mut tally).await,
            Err(error) => Err(error),
        };
        if let Err(error) = told {
            tally.stuck += 1;
            tally.stories.push(format!("act {act}: {error:#}"));
        }
    }
    tally.sealed_leaks += books::leaks(&stage)?;
    if !tally.is_clean() {
        tally.stories.push(format!("act {act}, the server's log:\n{}", stage.server.log_tail()));
    }
    Ok(tally)
}

/// Lets the live agent speak and close, and compares what this person's three books say.
async fn close(stage: &Stage, mut book: Book, tally: &mut Tally) -> Result<()> {
    let (handoff, by_hand) = stage.decided(&book).await?;
    tally.by_hand += u64::from(by_hand);
    if stage::is_taken(&handoff) {
        stage.until_carried(&book).await?;
        stage.agent_speaks_and_closes(&mut book).await?;
    }
    book.see_all().await?;
    books::compare(stage, &book, &handoff, by_hand, tally).await
}
