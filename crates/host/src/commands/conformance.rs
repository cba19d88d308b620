//! `handoff connector conformance`: whether a plugin file keeps what the server promises.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::ValueEnum;
use handoff_conformance::{Kit, Relay, Scenario};

use super::say;

/// What to try, and how to tell of it.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The plugin file.
    file: PathBuf,
    /// A file that says how the connector is configured and where a platform is for it to talk to. Without one,
    /// the cases that need a platform are left out.
    #[arg(long)]
    scenario: Option<PathBuf>,
    /// The file of the version before: upgrades begin with it, and its settings are tried.
    #[arg(long)]
    before: Option<PathBuf>,
    /// How the outcome is told.
    #[arg(long, default_value = "text")]
    report: Format,
}

/// How an outcome is told.
#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For machines.
    Junit,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let file = options.file.canonicalize();
    let file = file.with_context(|| format!("{} cannot be read", options.file.display()))?;
    let scenario = options.scenario.as_deref().map(read).transpose()?;
    let program = std::env::current_exe().context("this program cannot find itself")?;
    let mut kit = Kit::new(file, program);
    if let Some(before) = &options.before {
        kit = kit
            .before(before.canonicalize().with_context(|| format!("{} cannot be read", before.display()))?);
    }
    let report = kit.run(scenario.as_ref().map(|relay| relay as &dyn Scenario))?;
    match options.report {
        Format::Text => say(&report),
        Format::Junit => say(report.junit()),
    }
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(path: &Path) -> anyhow::Result<Relay> {
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not a scenario", path.display()))
}
