//! `handoff-simulate`: plays seed after seed, in as many threads as there are cores, and says what came of them.

use std::{
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use clap::Parser;
use handoff_simulation::{Flaw, Report, restore, simulate};
use handoff_tests::{books::Tally, note};

/// Plays the whole server in one thread, seed after seed.
#[derive(Parser)]
#[command(name = "cargo xtask simulate")]
struct Cli {
    /// How many seeds.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Plays this seed alone and prints everything that happens.
    #[arg(long)]
    seed: Option<u64>,
    /// Puts backups of all ages back, in each seed at least one.
    #[arg(long)]
    restores: bool,
    /// Breaks a rule on purpose.
    #[arg(long)]
    flaw: Option<Flaw>,
    /// Threads; as many as there are cores, unless said otherwise.
    #[arg(long)]
    threads: Option<usize>,
}

impl Cli {
    fn play(&self, seed: u64, loud: bool) -> Result<Report> {
        if self.restores { restore(seed, self.flaw, loud) } else { simulate(seed, self.flaw, loud) }
    }
}

#[derive(Default)]
struct Sum {
    tally: Tally,
    seeds: u64,
    events: u64,
    restores: u64,
    passed: Duration,
    bad: Vec<u64>,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    if let Some(seed) = cli.seed {
        let report = cli.play(seed, true)?;
        tell(&report);
        if !report.is_clean() {
            bail!("seed {seed} went against a promise");
        }
        return Ok(());
    }
    let (began, sum) = (Instant::now(), Mutex::new(Sum::default()));
    let next = AtomicU64::new(cli.from);
    let threads = cli.threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| play(cli, &next, &sum));
        }
    });
    let sum = sum.into_inner().unwrap_or_default();
    let Sum { tally, seeds, events, restores, passed, bad } = &sum;
    let (seconds, hours) = (began.elapsed().as_secs_f64(), passed.as_secs() / 3600);
    let pace = passed.as_secs_f64() / seconds;
    note(&format!(
        "simulated: seeds={seeds} hours={hours} events={events} restores={restores} {tally} seconds={seconds:.0} pace={pace:.0}"
    ));
    if !bad.is_empty() {
        bail!(
            "{} seeds went against a promise; one again: cargo xtask simulate{} --seed {}",
            bad.len(),
            if *restores > 0 { " --restores" } else { "" },
            bad[0]
        );
    }
    Ok(())
}

fn play(cli: &Cli, next: &AtomicU64, sum: &Mutex<Sum>) {
    loop {
        let seed = next.fetch_add(1, Ordering::SeqCst);
        if seed >= cli.from + cli.seeds {
            return;
        }
        let played = cli.play(seed, false);
        let Ok(mut sum) = sum.lock() else { return };
        sum.seeds += 1;
        match played {
            Ok(report) => {
                if !report.is_clean() {
                    sum.bad.push(seed);
                    tell(&report);
                }
                sum.events += report.events;
                sum.restores += report.restores;
                sum.passed += report.passed;
                sum.tally.add(report.tally);
                sum.tally.stories.clear();
            }
            Err(error) => {
                sum.bad.push(seed);
                note(&format!("seed {seed}: the stage could not be set: {error:#}"));
            }
        }
        if sum.seeds.is_multiple_of(1_000) {
            note(&format!("after {} seeds: {}", sum.seeds, sum.tally));
        }
    }
}

fn tell(report: &Report) {
    let Report { seed, tally, violations, hash, last, .. } = report;
    if !report.is_clean() {
        note(&format!("seed {seed}, what happened last:\n{}", last.join("\n")));
        note(&format!("seed {seed} goes against:\n{}\n{}", violations.join("\n"), tally.stories.join("\n")));
    }
    note(&format!("seed {seed}: {tally} events={} hash={hash:016x}", report.events));
    let flag = if report.restores > 0 { " --restores" } else { "" };
    note(&format!("once more: cargo xtask simulate{flag} --seed {seed}"));
}
