//! Licences, sources and known weaknesses of what we depend on, by `cargo deny`: it reads the licence texts
//! themselves.

use std::env;

use anyhow::Result;

use crate::shell::{cargo, printed, run as start, works};

/// The version that is installed where none is.
const VERSION: &str = "0.20.2";

/// Runs the checks; gives the names of those that had to be left out.
pub(crate) fn run() -> Result<Vec<String>> {
    if !works("cargo", &["deny", "--version"]) && !install() {
        println!(
            "cargo-deny is not there; its rules were checked by `cargo xtask tidy`, from what packages declare"
        );
        return Ok(vec!["cargo-deny".to_owned()]);
    }
    start(&mut deny(&["bans", "licenses", "sources"]))?;
    // The list of known weaknesses is somebody else's, and may be out of reach.
    if !works("cargo", &["deny", "fetch", "db"]) {
        println!("the list of known weaknesses cannot be reached, so nothing was looked up in it");
        return Ok(vec!["advisories".to_owned()]);
    }
    start(&mut deny(&["advisories"]))?;
    Ok(Vec::new())
}

fn deny(checks: &[&str]) -> std::process::Command {
    let mut deny = cargo(&["deny", "--all-features", "check", "--hide-inclusion-graph"]);
    deny.args(checks);
    deny
}

/// Installs it in its ready-made form, if there is a tool for that. Building it takes minutes, which only an
/// automatic run waits for.
fn install() -> bool {
    let package = format!("cargo-deny@{VERSION}");
    if printed("cargo", &["binstall", "--no-confirm", "--quiet", &package]).is_some() {
        return true;
    }
    if env::var_os("CI").is_none() {
        println!(
            "`cargo install cargo-deny` takes some minutes and lets this step read the licences themselves"
        );
        return false;
    }
    println!("installing {package}");
    start(&mut cargo(&["install", "--locked", "--quiet", &package])).is_ok()
}
