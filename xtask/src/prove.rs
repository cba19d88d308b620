//! `cargo xtask prove`: the long versions of what the tests check in small, and the report that the docs show.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Instant,
};

use anyhow::{Context, Result, bail};
use handoff_tests::built::{self, Profile, root, target};

/// Before the first section of the report.
const HEAD: &str = "# What was proved, and when

Written by `cargo xtask prove`: the long versions of what `cargo xtask test` checks in small. Each section is as its last run left
it. What the figures mean is in [promises](promises.md).
";

/// How much to prove.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Proves only this; everything unless said.
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Handoffs of each campaign of a connector.
    #[arg(long, default_value_t = 1000)]
    handoffs: u32,
    /// Handoffs of the torture, for each seed.
    #[arg(long, default_value_t = 10_000)]
    torture: u32,
    /// Seeds of the torture.
    #[arg(long, value_delimiter = ',', default_value = "1,2,3")]
    torture_seeds: Vec<u64>,
    /// Seeds of the simulation.
    #[arg(long, default_value_t = 100_000)]
    seeds: u64,
    /// Seeds of the simulation with backups that are put back, at least one in each.
    #[arg(long, default_value_t = 1_000)]
    restores: u64,
    /// Where campaigns draw their faults from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What can be proved by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Model,
    Simulation,
    Restores,
    Campaigns,
    Torture,
    Crashes,
}

/// A long run.
struct Run {
    part: Part,
    title: String,
    /// What cargo is asked for.
    arguments: String,
    environment: Environment,
    /// Lines of its output that belong into the report hold one of these.
    telling: &'static [&'static str],
}

const SIMULATE: &str = "run --quiet --profile bench -p handoff-simulation --features connectors --";

type Environment = Vec<(&'static str, String)>;

fn run_of(
    part: Part,
    title: &str,
    arguments: &str,
    environment: Environment,
    telling: &'static [&'static str],
) -> Run {
    let (title, arguments) = (title.to_owned(), arguments.to_owned());
    Run { part, title, arguments, environment, telling }
}

fn torture(options: &Options, seed: u64) -> Run {
    let environment =
        vec![("HANDOFF_TORTURE", options.torture.to_string()), ("HANDOFF_SEED", seed.to_string())];
    let arguments = "test -p handoff-tests --test torture -- --nocapture";
    let title = format!("Torture, seed {seed}");
    run_of(Part::Torture, &title, arguments, environment, &["torture:", "came to no end"])
}

fn runs(options: &Options) -> Vec<Run> {
    let &Options { handoffs, seed, seeds, restores, .. } = options;
    let campaign = vec![("HANDOFF_CAMPAIGN", handoffs.to_string()), ("HANDOFF_SEED", seed.to_string())];
    let mut all = vec![
        run_of(
            Part::Model,
            "The model, within wider bounds",
            "test --profile bench -p handoff-core --test model -- --nocapture",
            vec![("HANDOFF_MODEL", "large".to_owned())],
            &["distinct states", "test result"],
        ),
        run_of(
            Part::Simulation,
            "Whole servers, simulated",
            &format!("{SIMULATE} --seeds {seeds}"),
            Vec::new(),
            &["simulated:", "goes against"],
        ),
        run_of(
            Part::Restores,
            "Older backups put back, simulated",
            &format!("{SIMULATE} --restores --seeds {restores}"),
            Vec::new(),
            &["simulated:", "goes against"],
        ),
        run_of(
            Part::Campaigns,
            "Campaigns",
            "nextest run -p handoff-bitrix24 -p handoff-zendesk --no-capture campaign",
            campaign,
            &["Tally", "tests run"],
        ),
        run_of(
            Part::Crashes,
            "Crashes around every request",
            "nextest run -p handoff-tests --test crashes",
            Vec::new(),
            &["FAIL", "tests run"],
        ),
    ];
    all.extend(options.torture_seeds.iter().map(|seed| torture(options, *seed)));
    all.retain(|run| options.only.is_empty() || options.only.contains(&run.part));
    all
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let (runs, mut failed) = (runs(options), Vec::new());
    // Only these start the program.
    let needs_dist = |run: &Run| matches!(run.part, Part::Torture | Part::Crashes);
    let dist = match runs.iter().any(needs_dist) {
        true => Some(built::build(Profile::Release)?.dist),
        false => None,
    };
    for run in runs {
        println!("{} …", run.title);
        let began = Instant::now();
        let (said, good) = perform(&run, dist.as_deref())?;
        let telling = |line: &&str| run.telling.iter().any(|word| line.contains(word));
        let lines: Vec<_> = said.lines().filter(telling).map(str::trim).collect();
        let body =
            format!("{}\n\n```\n{}\n```\n", command(&run, began.elapsed().as_secs()), lines.join("\n"));
        println!("{body}");
        write_down(&run.title, &body)?;
        if !good {
            failed.push(run.title);
        }
    }
    println!("written to {}", report().display());
    if failed.is_empty() { Ok(()) } else { bail!("not everything held: {}", failed.join(", ")) }
}

fn command(run: &Run, seconds: u64) -> String {
    let set: String = run.environment.iter().map(|(name, value)| format!("{name}={value} ")).collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("`{set}cargo {}`: {seconds} s on {cores} processors.", run.arguments)
}

fn perform(run: &Run, dist: Option<&Path>) -> Result<(String, bool)> {
    let log = log(run)?;
    println!("follow it in {}", log.display());
    let out = fs::File::create(&log)?;
    let ended = built::cargo()
        .current_dir(root())
        .args(run.arguments.split(' '))
        .envs(run.environment.iter().map(|(name, value)| (name, value)))
        .envs(dist.map(|dist| (built::DIST, dist)))
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stderr(out.try_clone()?)
        .stdout(out)
        .status()
        .context("cargo cannot be started")?;
    Ok((String::from_utf8_lossy(&fs::read(&log)?).into_owned(), ended.success()))
}

/// Everything that a run said, also while it runs.
fn log(run: &Run) -> Result<PathBuf> {
    let folder = target().join("prove");
    fs::create_dir_all(&folder)?;
    let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    Ok(folder.join(run.title.chars().map(word).collect::<String>()).with_extension("log"))
}

fn report() -> PathBuf {
    root().join("docs/reference/proof.md")
}

/// Puts a section into the report, in the place of the one of before. What a run found stays when a later one breaks off.
fn write_down(title: &str, body: &str) -> Result<()> {
    let before = fs::read_to_string(report()).unwrap_or_default();
    fs::write(report(), replaced(&before, title, body)).context("the report cannot be written")
}

fn replaced(before: &str, title: &str, body: &str) -> String {
    let mut sections: Vec<(&str, &str)> =
        before.split("\n## ").skip(1).filter_map(|section| section.split_once("\n\n")).collect();
    match sections.iter_mut().find(|(known, _)| *known == title) {
        Some(section) => section.1 = body,
        None => sections.push((title, body)),
    }
    let section = |(title, body): &(&str, &str)| format!("\n## {title}\n\n{}\n", body.trim_end());
    HEAD.to_owned() + &sections.iter().map(section).collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn a_section_takes_the_place_of_the_one_of_before_and_the_others_stay() {
        let one = replaced("", "Torture, seed 1", "`cargo a`: 9 s.\n\n```\nall 0\n```\n");
        let two = replaced(&one, "The model", "`cargo b`: 1 s.\n\n```\nfine\n```\n");
        let again = replaced(&two, "Torture, seed 1", "`cargo a`: 7 s.\n\n```\nall 0\n```\n");
        assert!(again.starts_with("# ") && !again.contains("9 s"), "{again}");
        assert!(again.find("7 s").unwrap() < again.find("## The model").unwrap(), "{again}");
        assert_eq!(replaced(&again, "The model", "`cargo b`: 1 s.\n\n```\nfine\n```\n"), again);
    }
}
