//! Licences and sources of what we depend on, by `cargo deny`: it reads the licence texts themselves.

use anyhow::Result;

use crate::shell::{cargo, printed, run as start, works};

/// The version that is installed where none is.
const VERSION: &str = "0.20.2";

/// Runs the check; gives its name when it had to be left out.
pub(crate) fn run() -> Result<Option<String>> {
    if !works("cargo", &["deny", "--version"]) && !install() {
        println!(
            "cargo-deny is not there; its rules were checked by `cargo xtask tidy`, from what packages declare"
        );
        return Ok(Some("cargo-deny".to_owned()));
    }
    start(&mut cargo(&[
        "deny",
        "--all-features",
        "check",
        "--hide-inclusion-graph",
        "bans",
        "licenses",
        "sources",
    ]))?;
    Ok(None)
}

/// Installs it in its ready-made form, if there is a tool for that; building it would take longer
/// than everything else together.
fn install() -> bool {
    let package = format!("cargo-deny@{VERSION}");
    printed("cargo", &["binstall", "--no-confirm", "--quiet", &package]).is_some()
}
