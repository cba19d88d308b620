//! The key that signs receipts: a file of its own beside the other keys, made once and never drawn anew.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use anyhow::Context;
use handoff_server::ReceiptKey;

/// Opens the file, or makes it; only its owner may read it.
pub(crate) fn open(path: &Path) -> anyhow::Result<ReceiptKey> {
    match fs::read_to_string(path) {
        Ok(text) => read(path, &text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => make(path),
        Err(error) => Err(error).with_context(|| format!("the key file {} cannot be read", path.display())),
    }
}

fn read(path: &Path, text: &str) -> anyhow::Result<ReceiptKey> {
    ReceiptKey::from_text(text)
        .with_context(|| format!("the key file {} is damaged; put it back from a copy", path.display()))
}

/// A whole file or none: of two processes that make it at once, one finds the other's.
fn make(path: &Path) -> anyhow::Result<ReceiptKey> {
    let key = ReceiptKey::generate()?;
    let new = path.with_extension(format!("new-{}", std::process::id()));
    let _ = fs::remove_file(&new);
    let written = || format!("the key file {} cannot be written", new.display());
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).with_context(written)?;
    file.write_all(key.to_text()?.as_bytes())?;
    file.sync_all()?;
    let placed = fs::hard_link(&new, path);
    let _ = fs::remove_file(&new);
    match placed {
        Ok(()) => {
            if let Some(folder) = path.parent() {
                fs::File::open(folder)?.sync_all()?;
            }
            Ok(key)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            read(path, &fs::read_to_string(path)?)
        }
        Err(error) => Err(error).with_context(written),
    }
}
