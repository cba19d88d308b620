//! `cargo xtask build`: the program with its plugin files beside it.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};
use handoff_tests::built::{Built, Profile, build, target};

use crate::shell::run as start;

/// How to build.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// As it is shipped: small, fast and signed, and slow to build.
    #[arg(long)]
    release: bool,
}

/// Builds, and says where everything is.
pub(crate) fn run(options: &Options) -> Result<()> {
    let built = build(if options.release { Profile::Release } else { Profile::Dev })?;
    if options.release {
        sign(&built)?;
    }
    println!("{}", built.handoff.display());
    for (_, file) in &built.plugins {
        println!("{} ({} KiB)", file.display(), file.metadata()?.len() / 1024);
    }
    Ok(())
}

/// A release program opens signed plugin files only. Those that are built here are signed with a key that is
/// drawn once for this folder; its public half lies beside the program.
fn sign(built: &Built) -> Result<()> {
    let name = target().join("plugin-key");
    let (secret, public) = (name.with_extension("key"), name.with_extension("pub"));
    let connector = |arguments: &[&Path], verb: &str| {
        let mut command = Command::new(&built.handoff);
        command.args(["connector", verb]).args(arguments);
        start(&mut command)
    };
    if !secret.exists() {
        connector(&[&name], "keygen")?;
    }
    for (_, file) in &built.plugins {
        connector(&[file, Path::new("--key"), &secret], "sign")?;
    }
    let beside = built.dist.join("plugins.pub");
    fs::copy(&public, &beside).with_context(|| format!("{} cannot be written", beside.display()))?;
    println!("{}", beside.display());
    Ok(())
}
