//! Looks for bytes in all files of a folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// Files below `folder` in which `needle` occurs, plain or as JSON would write it.
///
/// # Errors
/// When a file cannot be read.
pub fn files_with(folder: &Path, needle: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if contains(&path, needle)? {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn contains(path: &Path, needle: &str) -> Result<bool> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        // A database removes its side files when it likes.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
    };
    let wide: Vec<u8> = needle.encode_utf16().flat_map(u16::to_le_bytes).collect();
    Ok(occurs(&bytes, needle.as_bytes()) || occurs(&bytes, &wide))
}

fn occurs(bytes: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else { return true };
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        rest = &rest[at..];
        if rest.starts_with(needle) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_found_wherever_they_are_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("deep")).unwrap();
        let file = folder.path().join("deep/file");
        for (content, found) in [("xxcanary", true), ("canarx canar", false), ("ccanary", true), ("", false)]
        {
            fs::write(&file, content).unwrap();
            assert_eq!(files_with(folder.path(), "canary").unwrap().len(), usize::from(found), "{content}");
        }
    }
}
