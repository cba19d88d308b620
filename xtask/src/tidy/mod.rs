//! `cargo xtask tidy`: rules of this project that no compiler knows.

mod imports;
mod licences;
mod packages;
mod texts;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use handoff_tests::built::root;

/// Folders that hold no source.
const SKIPPED: [&str; 4] = [".git", "target", "node_modules", "mutants.out"];

/// A rule that a file breaks.
pub(crate) struct Finding {
    /// Where.
    pub(crate) place: String,
    /// What, and what to do.
    pub(crate) problem: String,
}

/// A file of the repository.
pub(crate) struct Source {
    /// Its path from the repository's folder.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
}

/// Checks every rule on every file.
pub(crate) fn run() -> Result<()> {
    let sources = sources(&root())?;
    let mut findings = Vec::new();
    imports::check(&sources, &mut findings);
    texts::check(&sources, &mut findings);
    packages::check(&sources, &mut findings);
    licences::check(&sources, &mut findings)?;
    for Finding { place, problem } in &findings {
        println!("{place}: {problem}");
    }
    if !findings.is_empty() {
        bail!("{} things are not tidy", findings.len());
    }
    println!("{} files are tidy", sources.len());
    Ok(())
}

impl Finding {
    pub(crate) fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }
}

/// Every text file of the repository.
fn sources(root: &Path) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))? {
            let entry = entry?;
            let (path, name) = (entry.path(), entry.file_name());
            if entry.file_type()?.is_dir() {
                if !SKIPPED.contains(&name.to_string_lossy().as_ref()) {
                    open.push(path);
                }
            } else if let Ok(text) = fs::read_to_string(&path) {
                let path = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
                found.push(Source { path, text });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}
