//! `cargo xtask test`: everything that a commit must pass, from a fresh clone.

use std::process::Command;

use anyhow::{Result, bail};
use handoff_tests::built::{DIST, Profile, build, target};

use crate::{
    abi, browser, deny,
    shell::{cargo, run as start, step, works},
    simulate::{self, BUILD},
    tidy,
};

/// What can be left out.
const OPTIONAL: [&str; 1] = ["browser"];

/// What to leave out.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Parts to leave out, with commas: `browser`.
    #[arg(long, value_delimiter = ',')]
    without: Vec<String>,
}

/// Runs every check, the cheap ones first.
pub(crate) fn run(options: &Options) -> Result<()> {
    if let Some(unknown) = options.without.iter().find(|part| !OPTIONAL.contains(&part.as_str())) {
        bail!("{unknown:?} cannot be left out; what can be is {}", OPTIONAL.join(", "));
    }
    let mut left_out = options.without.clone();
    step("format", || start(&mut cargo(&["fmt", "--all", "--check"])))?;
    step("tidy", tidy::run)?;
    step("dependencies", || {
        left_out.extend(deny::run()?);
        Ok(())
    })?;
    step("clippy", || {
        start(&mut cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))
    })?;
    // By itself: see the feature `connectors` of the simulation.
    step("clippy of the simulation", || {
        start(cargo(&["clippy", "--all-targets", "--quiet"]).args(BUILD).args(["--", "-D", "warnings"]))
    })?;
    step("build", || build(Profile::Dev).map(drop))?;
    step("tests", || start(tests().env(DIST, target().join("debug").join("dist"))))?;
    step("simulation", || start(cargo(&["test", "--quiet"]).args(BUILD)))?;
    step("demo", demo)?;
    // Take minutes; by hand there are cargo xtask abi-matrix and cargo xtask simulate.
    if std::env::var_os("CI").is_some() {
        step("plugin edge", abi::matrix::run)?;
        step("many seeds", simulate::many)?;
    }
    if !left_out.iter().any(|part| part == "browser") {
        step("browser", browser::run)?;
    }
    match left_out.is_empty() {
        true => println!("everything passed"),
        false => println!("everything passed, without {}", left_out.join(", ")),
    }
    Ok(())
}

/// All tests of all packages; `cargo nextest` runs them side by side, where it is installed.
fn tests() -> Command {
    if works("cargo", &["nextest", "--version"]) {
        return cargo(&["nextest", "run", "--workspace", "--no-fail-fast"]);
    }
    cargo(&["test", "--workspace", "--no-fail-fast", "--quiet"])
}

/// As somebody would run it: in a process of its own, judged by its last line and its exit code.
fn demo() -> Result<()> {
    let output =
        cargo(&["xtask", "demo", "--script"]).env(DIST, target().join("debug").join("dist")).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    if !output.status.success() || text.lines().last() != Some("main job: ok") {
        bail!("the demo ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
