//! `handoff connector-probe`: opens a plugin file in this process, which may end it.

use std::{io, path::Path, process::ExitCode};

use handoff_core::plugins;
use rustix::process::{Resource, Rlimit, setrlimit};

/// Seconds of work.
const CPU: u64 = 5;
/// Bytes of address space: far more than any plugin needs to be opened.
const SPACE: u64 = 4 << 30;

pub(crate) fn run(file: &Path) -> anyhow::Result<ExitCode> {
    for (resource, most) in [(Resource::Cpu, CPU), (Resource::As, SPACE), (Resource::Core, 0)] {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    plugins::probe_here(file, io::stdout().lock())?;
    Ok(ExitCode::SUCCESS)
}
