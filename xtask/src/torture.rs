//! `cargo xtask torture`: many handoffs while everything goes wrong that can, and three books that must agree.

use std::process::Stdio;

use anyhow::{Context, Result, bail};
use handoff_tests::built::{self, root};

/// How much, and from which seed.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Handoffs, in acts of twenty.
    #[arg(long, default_value_t = 1000)]
    handoffs: u64,
    /// What the storms are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Plays only this act, to look at it again.
    #[arg(long)]
    act: Option<u64>,
    /// With programs and plugin files as they are shipped: several times as fast, and a long build before.
    #[arg(long)]
    release: bool,
    /// Acts that are played at the same time; as many as fit this machine unless said.
    #[arg(long)]
    side_by_side: Option<u64>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut command = built::cargo();
    command
        .current_dir(root())
        .args(["test", "-p", "handoff-tests", "--test", "torture", "--", "--nocapture"])
        .env("HANDOFF_TORTURE", options.handoffs.to_string())
        .env("HANDOFF_SEED", options.seed.to_string())
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null());
    if let Some(act) = options.act {
        command.env("HANDOFF_ACT", act.to_string());
    }
    if let Some(acts) = options.side_by_side {
        command.env("HANDOFF_SIDE_BY_SIDE", acts.to_string());
    }
    if options.release {
        command.env(built::DIST, built::build(built::Profile::Release)?.dist);
    }
    let ended = command.status().context("cargo cannot be started")?;
    if !ended.success() {
        bail!("the books do not agree; the lines above tell which act to play again");
    }
    Ok(())
}
