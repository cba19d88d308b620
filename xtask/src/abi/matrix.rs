//! `cargo xtask abi-matrix`: whether plugins of every version of the plugin edge run in servers of every other.
//!
//! Versions are the tags `abi-*`, this working tree, and a version that does not exist yet: a copy of this tree
//! whose edge has one more method on each side and one more field, which is all that a minor may add. Each server
//! runs the conformance kit on each plugin, in both modes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use handoff_tests::built::{self, root, target};

use crate::shell::{printed, run as start};

/// What the next minor adds: file, text, and what comes in its place.
const NEXT: [(&str, &str, &str); 7] = [
    ("crates/abi/Cargo.toml", "version = \"1.0.0\"", "version = \"1.1.0\""),
    ("crates/abi/src/lib.rs", "ABI_MINOR: u32 = 0", "ABI_MINOR: u32 = 1"),
    (
        "crates/abi/src/host.rs",
        "fn now_ms(&self) -> u64;",
        "fn now_ms(&self) -> u64;\n\n    /// One more.\n    fn one_more(&self) -> u64 {\n        7\n    }",
    ),
    (
        "crates/abi/src/plugin.rs",
        "fn control(&self, verb: RString, payload: RVec<u8>) -> Reply;",
        "fn control(&self, verb: RString, payload: RVec<u8>) -> Reply;\n\n    /// One more.\n    fn one_more(&self) -> u64 {\n        7\n    }",
    ),
    (
        "crates/abi/src/module.rs",
        "pub create: extern \"C\" fn(settings: RVec<u8>, host: Host) -> RResult<Plugin, AbiError>,",
        "pub create: extern \"C\" fn(settings: RVec<u8>, host: Host) -> RResult<Plugin, AbiError>,\n    /// One more.\n    pub one_more: extern \"C\" fn() -> u64,",
    ),
    (
        "crates/sdk/src/export.rs",
        "sdk::Module { describe, create }.leak_into_prefix()",
        "extern \"C\" fn one_more() -> u64 { 7 }\n                        sdk::Module { describe, create, one_more }.leak_into_prefix()",
    ),
    ("plugins/loopback/manifest.json", "\"abi\": [1, 0]", "\"abi\": [1, 1]"),
];
/// What a copy needs of this tree.
const PARTS: [&str; 8] = [
    "Cargo.toml",
    "Cargo.lock",
    "crates/abi",
    "crates/model",
    "crates/sdk",
    "crates/core",
    "crates/conformance",
    "plugins/loopback",
];

/// A version of the edge: a server that runs the kit, and a plugin.
pub(super) struct Version {
    name: String,
    pub(super) kit: PathBuf,
    plugin: PathBuf,
}

/// Runs every plugin in every server.
pub(crate) fn run() -> Result<()> {
    let mut versions = vec![build("this tree", &root())?, build("the next minor", &next()?)?];
    for tag in printed("git", &["tag", "--list", "abi-*"]).unwrap_or_default().lines() {
        versions.push(build(tag, &tagged(tag)?)?);
    }
    let mut failed = Vec::new();
    for host in &versions {
        for plugin in &versions {
            let fits = fits(host, plugin)?;
            println!(
                "plugin of {:<16} in server of {:<16} {}",
                plugin.name,
                host.name,
                if fits { "ok" } else { "FAILED" }
            );
            if !fits {
                failed.push(format!("{} in {}", plugin.name, host.name));
            }
        }
    }
    ensure!(failed.is_empty(), "these do not go together: {}", failed.join(", "));
    Ok(())
}

/// The copy with the next minor.
fn next() -> Result<PathBuf> {
    let folder = scratch("next")?;
    for part in PARTS {
        copy(&root().join(part), &folder.join(part))?;
    }
    for (file, from, to) in NEXT {
        change(&folder.join(file), from, to)?;
    }
    // Its tests need what is not part of the copy.
    let manifest = folder.join("crates/conformance/Cargo.toml");
    let text = fs::read_to_string(&manifest)?;
    fs::write(&manifest, text.split("[dev-dependencies]").next().unwrap_or_default())?;
    change(&folder.join("Cargo.toml"), ", \"xtask\", \"tests\"]", "]")?;
    Ok(folder)
}

/// The files of a tag.
fn tagged(tag: &str) -> Result<PathBuf> {
    let folder = scratch(tag)?;
    let archive = folder.join("all.tar");
    let mut git = Command::new("git");
    start(git.current_dir(root()).args(["archive", "--format", "tar", "--output"]).arg(&archive).arg(tag))?;
    start(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(&folder))?;
    fs::remove_file(archive)?;
    Ok(folder)
}

/// A folder for a version, with nothing in it but what was built there before.
pub(super) fn scratch(name: &str) -> Result<PathBuf> {
    let folder = target().join("abi-matrix").join(name);
    fs::create_dir_all(&folder)?;
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        match path.is_dir() {
            // What was built stays.
            true if path.ends_with("target") => {}
            true => fs::remove_dir_all(path)?,
            false => fs::remove_file(path)?,
        }
    }
    Ok(folder)
}

pub(super) fn change(file: &Path, from: &str, to: &str) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    ensure!(text.contains(from), "{} does not hold {from:?} any more; mend this job", file.display());
    Ok(fs::write(file, text.replace(from, to))?)
}

pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    if from.is_file() {
        fs::create_dir_all(to.parent().context("a path without a folder")?)?;
        fs::copy(from, to)?;
        return Ok(());
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Builds the kit with the server's loader of a version, and its plugin. Each version has a target folder of its
/// own: cargo knows packages by their place within a workspace, and would take those of one for another's.
pub(super) fn build(name: &str, folder: &Path) -> Result<Version> {
    println!("building {name}");
    let built = if folder == root() { target() } else { folder.join("target") };
    let mut cargo = built::cargo();
    cargo.current_dir(folder).env("CARGO_TARGET_DIR", built);
    cargo.args(["test", "--no-run", "--package", "handoff-loopback", "--test", "conformance"]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    let done = cargo.stderr(std::process::Stdio::inherit()).output()?;
    ensure!(done.status.success(), "{name} cannot be built");
    let told = String::from_utf8_lossy(&done.stdout).into_owned();
    let messages: Vec<serde_json::Value> =
        told.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let mut files = messages.iter().filter(|message| message["reason"] == "compiler-artifact");
    let ends = |file: &&str| file.ends_with(".so") && file.contains("handoff_loopback");
    let plugin = files
        .clone()
        .flat_map(|message| message["filenames"].as_array().into_iter().flatten())
        .filter_map(serde_json::Value::as_str)
        .find(ends);
    let kit =
        files.find_map(|message| message["executable"].as_str()).context("cargo made no test program")?;
    // The next version is built to the same names.
    let place = target().join("abi-matrix").join(format!("{}.built", name.replace(' ', "-")));
    fs::create_dir_all(&place)?;
    let (ours, theirs) = (place.join("kit"), place.join("plugin.so"));
    fs::copy(kit, &ours)?;
    fs::copy(plugin.context("cargo made no plugin")?, &theirs)?;
    Ok(Version { name: name.to_owned(), kit: ours, plugin: theirs })
}

/// Whether the kit of one version passes on the plugin of another.
fn fits(host: &Version, plugin: &Version) -> Result<bool> {
    let mut kit = Command::new(&host.kit);
    let done = kit.arg("--nocapture").env("HANDOFF_PLUGIN", &plugin.plugin).output()?;
    if !done.status.success() {
        println!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    }
    Ok(done.status.success())
}
