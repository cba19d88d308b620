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

/// What a program that its reader left, as in `| head`, ends with: what a shell reports of one that the signal ended.
const READER_LEFT: i32 = 141;

/// Prints a line of a command's output. Ends the program when nobody reads it any more, or it cannot be written: what
/// the command found was then not said, so that this is no success.
pub(crate) fn say(line: impl std::fmt::Display) {
    match writeln!(io::stdout(), "{line}") {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(READER_LEFT),
        Err(error) => {
            complain(&anyhow::Error::new(error).context("the output cannot be written"));
            std::process::exit(1);
        }
    }
}

/// What a connector found, and what to do about it. It may have left the full stop out.
pub(crate) fn found(problem: &str, remedy: &str) -> String {
    let stop = if problem.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{problem}{stop} What to do: {remedy}")
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
