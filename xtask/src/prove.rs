//! `cargo xtask prove`: the long versions of what the tests check in small, with a report.

use std::{fmt::Write as _, fs, process::Stdio, time::Instant};

use anyhow::{Context, Result, bail};
use handoff_tests::built::{self, root, target};

/// How much to prove.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Handoffs of each campaign, and of the torture.
    #[arg(long, default_value_t = 1000)]
    handoffs: u32,
    /// Seeds of the simulation.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// Seeds of the simulation with backups that are put back, at least one in each.
    #[arg(long, default_value_t = 1_000)]
    restores: u64,
    /// Where campaigns draw their faults from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// A long run.
struct Run {
    title: &'static str,
    /// What cargo is asked for.
    arguments: String,
    /// Lines of its output that belong into the report hold one of these.
    telling: &'static [&'static str],
}

fn runs(options: &Options) -> Vec<Run> {
    let run = |title, arguments: &str, telling| Run { title, arguments: arguments.to_owned(), telling };
    let (seeds, restores) = (options.seeds, options.restores);
    vec![
        run(
            "The model, within wider bounds",
            "test --profile bench -p handoff-core --test model -- --nocapture",
            &["distinct states", "test result"],
        ),
        run(
            "Whole servers, simulated",
            &format!(
                "run --quiet --profile bench -p handoff-simulation --features connectors -- --seeds {seeds}"
            ),
            &["simulated:", "goes against"],
        ),
        run(
            "Older backups put back, simulated",
            &format!(
                "run --quiet --profile bench -p handoff-simulation --features connectors -- --restores --seeds {restores}"
            ),
            &["simulated:", "goes against"],
        ),
        run(
            "Campaigns",
            "nextest run -p handoff-bitrix24 -p handoff-zendesk --no-capture campaign",
            &["Tally", "tests run"],
        ),
        run("Torture", "test -p handoff-tests --test torture -- --nocapture", &["torture:", "test result"]),
        run(
            "Crashes around every request",
            "nextest run -p handoff-tests --test crashes",
            &["PASS", "FAIL", "tests run"],
        ),
    ]
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut report = format!("# What was proved\n\nSeed {}, {} handoffs.\n", options.seed, options.handoffs);
    let mut failed = Vec::new();
    for run in runs(options) {
        println!("{} …", run.title);
        let began = Instant::now();
        let (said, good) = perform(&run, options)?;
        let telling = |line: &&str| run.telling.iter().any(|word| line.contains(word));
        let lines: Vec<_> = said.lines().filter(telling).map(str::trim).collect();
        let seconds = began.elapsed().as_secs();
        write!(report, "\n## {}\n\n```\n{}\n```\n\n{seconds} s\n", run.title, lines.join("\n"))?;
        if !good {
            failed.push(run.title);
        }
    }
    let file = target().join("prove.md");
    fs::write(&file, &report)?;
    println!("{report}\nwritten to {}", file.display());
    if failed.is_empty() { Ok(()) } else { bail!("not everything held: {}", failed.join(", ")) }
}

fn perform(run: &Run, options: &Options) -> Result<(String, bool)> {
    let done = built::cargo()
        .current_dir(root())
        .args(run.arguments.split(' '))
        .env("HANDOFF_MODEL", "large")
        .env("HANDOFF_CAMPAIGN", options.handoffs.to_string())
        .env("HANDOFF_TORTURE", options.handoffs.to_string())
        .env("HANDOFF_SEED", options.seed.to_string())
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .output()
        .context("cargo cannot be started")?;
    let said = [done.stdout, done.stderr].concat();
    Ok((String::from_utf8_lossy(&said).into_owned(), done.status.success()))
}
