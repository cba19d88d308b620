//! Reads a plugin file without running anything of it.
//!
//! What passes here is a complete shared library for this machine that says what it is. That its
//! code is sound cannot be seen from outside: damage in the middle of the code shows only in the
//! SHA-256 of the file, to somebody who knows which one to expect.

mod elf;
mod manifest;

use std::{fs::File, io::Read, path::Path, sync::Arc};

use handoff_model::connector::Manifest;
use sha2::{Digest, Sha256};

use super::report::{Refusal, Stage};

pub use manifest::{FEATURES, MODEL};

/// Largest plugin file, in bytes.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// What can be known of a plugin file without running it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Inspection {
    /// SHA-256 of the file in hexadecimal.
    pub sha256: String,
    /// Size of the file in bytes.
    pub size: u64,
    /// What it says about itself.
    pub manifest: Arc<Manifest>,
    /// Libraries that it needs.
    pub needed: Vec<String>,
    /// The manifest as it stands in the file.
    #[serde(skip)]
    pub(super) manifest_bytes: Vec<u8>,
}

/// Reads a plugin file. Runs no code of it.
///
/// # Errors
/// What is wrong with it, in plain words.
pub fn inspect(path: &Path) -> Result<Inspection, Refusal> {
    examine(&read(path)?)
}

/// The bytes of a plugin file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Refusal> {
    let unreadable = |error: std::io::Error| {
        let remedy = "let the server's user read the file, or copy it again";
        Refusal::new(Stage::Read, format!("the file cannot be read: {error}"), remedy)
    };
    // Asked before opening: opening a pipe would wait for a writer.
    let about = std::fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() {
        return Err(Refusal::new(
            Stage::Read,
            "it is not a regular file",
            "put a copy of the plugin file here",
        ));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        let reason = format!("the file is larger than {} MiB", MAX_FILE >> 20);
        return Err(Refusal::new(Stage::Read, reason, "build the plugin in release mode and strip it"));
    }
    Ok(bytes)
}

/// What the bytes of a plugin file say.
pub(super) fn examine(bytes: &[u8]) -> Result<Inspection, Refusal> {
    let facts = elf::facts(bytes)?;
    Ok(Inspection {
        sha256: sha256(bytes),
        size: bytes.len() as u64,
        manifest: Arc::new(manifest::read(facts.manifest)?),
        needed: facts.needed,
        manifest_bytes: facts.manifest.to_vec(),
    })
}

/// SHA-256 in hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
