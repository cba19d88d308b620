//! `handoff connector-worker`: runs the connectors of one plugin file for the server that started it.

use std::{io, os::fd::AsFd, path::Path, process::ExitCode};

use handoff_core::plugins;

pub(crate) fn run(file: &Path) -> anyhow::Result<ExitCode> {
    let server = io::stdin().as_fd().try_clone_to_owned()?;
    plugins::work_here(file, server.into())?;
    Ok(ExitCode::SUCCESS)
}
