//! Finds the program, the simulators and the plugin files, and lets cargo build them first.
//!
//! Tests of one package cannot name another package's programs as dependencies, so they ask cargo
//! for them. Whoever has built everything already says where in `HANDOFF_DIST`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// Names the folder that [`build`] filled, for processes that shall not build again.
pub const DIST: &str = "HANDOFF_DIST";
/// The connectors, by the names of their folders.
pub const CONNECTORS: [&str; 3] = ["bitrix24", "loopback", "zendesk"];

/// Where everything is.
#[derive(Debug, Clone)]
pub struct Built {
    /// The folder with the program and, beside it, `plugins`.
    pub dist: PathBuf,
    /// The program `handoff`.
    pub handoff: PathBuf,
    /// The fake platforms.
    pub simulators: PathBuf,
    /// Every connector's plugin file, by id.
    pub plugins: Vec<(String, PathBuf)>,
}

/// What to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Fast to build.
    Dev,
    /// As it is shipped.
    Release,
}

impl Built {
    /// The plugin file of a connector.
    ///
    /// # Errors
    /// When there is none.
    pub fn plugin(&self, id: &str) -> Result<&Path> {
        let found = self.plugins.iter().find(|(known, _)| known == id);
        found.map(|(_, file)| file.as_path()).with_context(|| format!("there is no plugin file of {id:?}"))
    }
}

/// What this process works with; built at the first call.
///
/// # Errors
/// When the build fails.
pub fn built() -> Result<&'static Built> {
    static BUILT: OnceLock<Result<Built, String>> = OnceLock::new();
    let made = BUILT.get_or_init(|| match env::var_os(DIST) {
        Some(dist) => found(Path::new(&dist)).map_err(|error| format!("{error:#}")),
        None => build(Profile::Dev).map_err(|error| format!("{error:#}")),
    });
    made.as_ref().map_err(|error| anyhow::anyhow!("{error}"))
}

/// Builds the program, the simulators and the plugin files, and puts them where [`DIST`] may point to.
///
/// # Errors
/// When cargo fails.
pub fn build(profile: Profile) -> Result<Built> {
    let plugins: Vec<_> = CONNECTORS.iter().map(|connector| format!("handoff-{connector}")).collect();
    let programs = ["handoff", "handoff-simulators"].map(str::to_owned);
    match profile {
        Profile::Dev => compile("dev", &[&programs[..], &plugins].concat())?,
        Profile::Release => {
            compile("release", &programs)?;
            // Plugin files have a profile of their own: as small as they get.
            compile("plugin", &plugins)?;
        }
    }
    gather(profile)
}

fn compile(profile: &str, packages: &[String]) -> Result<()> {
    let mut cargo = cargo();
    cargo.current_dir(root()).args(["build", "--quiet", "--profile", profile]);
    packages.iter().for_each(|package| {
        cargo.args(["--package", package]);
    });
    let status = cargo.status().context("cargo cannot be started")?;
    ensure!(status.success(), "cargo could not build {}", packages.join(", "));
    Ok(())
}

/// The cargo that runs us. What it told us about ourselves it does not hear again: build scripts that look at that would
/// run anew each time, and all that stands on them would be built anew.
pub fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let about_us = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in env::vars_os().filter(|(name, _)| about_us(&name.to_string_lossy())) {
        cargo.env_remove(name);
    }
    cargo
}

/// The workspace's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap_or_default()
}

/// The folder in which cargo builds.
pub fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// A connector's id and version, as its manifest says.
///
/// # Errors
/// When the manifest cannot be read.
pub fn manifest(connector: &str) -> Result<(String, String)> {
    let file = root().join("plugins").join(connector).join("manifest.json");
    let text = fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let manifest: Value = serde_json::from_str(&text)?;
    let member = |name: &str| manifest[name].as_str().map(str::to_owned).context("an incomplete manifest");
    Ok((member("id")?, member("version")?))
}

/// The triple of the machine that rustc builds for, as it is part of a plugin file's name.
///
/// # Errors
/// When rustc cannot be asked.
pub fn triple() -> Result<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let told = Command::new(rustc).arg("-vV").output().context("rustc cannot be started")?;
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc does not say what it builds for")
}

/// Collects what cargo built: `dist/handoff` and `dist/plugins/<id>-<version>-<target>.so`.
fn gather(profile: Profile) -> Result<Built> {
    let folder = target().join(if profile == Profile::Release { "release" } else { "debug" });
    let libraries = if profile == Profile::Release { target().join("plugin") } else { folder.clone() };
    let dist = folder.join("dist");
    fs::create_dir_all(dist.join("plugins"))?;
    // Several test processes may come here at once.
    let lock = fs::File::create(dist.join(".lock"))?;
    lock.lock()?;
    renew(&folder.join("handoff"), &dist.join("handoff"))?;
    renew(&folder.join("handoff-simulators"), &dist.join("handoff-simulators"))?;
    let triple = triple()?;
    for connector in CONNECTORS {
        let (id, version) = manifest(connector)?;
        let library = libraries.join(format!("libhandoff_{connector}.so"));
        renew(&library, &dist.join("plugins").join(format!("{id}-{version}-{triple}.so")))?;
    }
    found(&dist)
}

/// Copies a file unless the copy is as new. Whoever runs the old one keeps it.
fn renew(from: &Path, to: &Path) -> Result<()> {
    let changed = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified());
    let made = changed(from).with_context(|| format!("cargo did not make {}", from.display()))?;
    if changed(to).is_ok_and(|copied| copied >= made) {
        return Ok(());
    }
    let fresh = to.with_extension("new");
    fs::copy(from, &fresh).with_context(|| format!("{} cannot be copied", from.display()))?;
    fs::rename(&fresh, to)?;
    Ok(())
}

fn found(dist: &Path) -> Result<Built> {
    let mut plugins = Vec::new();
    for connector in CONNECTORS {
        let (id, version) = manifest(connector)?;
        let begins = format!("{id}-{version}-");
        let names = fs::read_dir(dist.join("plugins"))?.flatten().map(|entry| entry.path());
        let fits = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&begins))
                && path.extension().is_some_and(|extension| extension == "so")
        };
        let file =
            names.filter(fits).min().with_context(|| format!("{} has no plugin of {id}", dist.display()))?;
        plugins.push((id, file));
    }
    let (handoff, simulators) = (dist.join("handoff"), dist.join("handoff-simulators"));
    for program in [&handoff, &simulators] {
        if !program.is_file() {
            bail!("{} is missing", program.display());
        }
    }
    Ok(Built { dist: dist.to_owned(), handoff, simulators, plugins })
}
