//! One file for each verb of the command line.

pub(crate) mod assistant;
pub(crate) mod backup;
pub(crate) mod check;
pub(crate) mod conformance;
pub(crate) mod connection;
pub(crate) mod connector;
mod connectors;
pub(crate) mod conversation;
pub(crate) mod doctor;
pub(crate) mod handoffs;
mod live;
pub(crate) mod probe;
pub(crate) mod receipt;
pub(crate) mod serve;
pub(crate) mod signing;
pub(crate) mod worker;

use std::io::{self, Write};

use handoff_core::assistant::Finding;
use serde::Serialize;

/// Prints a line of output. Ends the program when nobody reads it any more, as behind `| head`.
pub(crate) fn say(line: impl std::fmt::Display) {
    if writeln!(io::stdout(), "{line}").is_err() {
        std::process::exit(0);
    }
}

/// A text of a connector, ended where it does not end itself.
pub(crate) fn sentence(text: &str) -> String {
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{text}{stop}")
}

/// Says what went wrong, and what lies behind it.
#[expect(clippy::print_stderr, reason = "a command's complaints belong to standard error")]
pub(crate) fn complain(error: &anyhow::Error) {
    eprintln!("handoff: {error:#}");
}

pub(crate) fn say_json(value: &impl Serialize) -> anyhow::Result<()> {
    say(serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Prints findings, one a line.
pub(crate) fn say_findings(findings: &[Finding], json: bool) -> anyhow::Result<()> {
    if json {
        return say_json(&findings);
    }
    findings.iter().for_each(say);
    Ok(())
}
