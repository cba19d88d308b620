//! `cargo xtask build`: the program with its plugin files beside it.

use anyhow::Result;
use handoff_tests::built::{Profile, build};

/// How to build.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// As it is shipped: small and fast, and slow to build.
    #[arg(long)]
    release: bool,
}

/// Builds, and says where everything is.
pub(crate) fn run(options: &Options) -> Result<()> {
    let built = build(if options.release { Profile::Release } else { Profile::Dev })?;
    println!("{}", built.handoff.display());
    for (_, file) in &built.plugins {
        println!("{} ({} KiB)", file.display(), file.metadata()?.len() / 1024);
    }
    Ok(())
}
