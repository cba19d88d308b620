//! The private store of plugin files.
//!
//! A file that is mapped into the server must never change: overwriting or truncating it would end
//! the process. Operators' folders change all the time, so files are loaded from here only, under a
//! name that says what their bytes are.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use super::{
    inspect::sha256,
    report::{Refusal, Stage},
};

/// Permissions within this mask let others read or write.
const OTHERS: u32 = 0o077;

/// A folder that only the server's user can touch.
#[derive(Debug)]
pub(super) struct Vault {
    folder: PathBuf,
}

impl Vault {
    /// Opens the store; makes it when there is none.
    pub(super) fn open(folder: &Path) -> Result<Self, Refusal> {
        let refuse = |error: io::Error| {
            let reason = format!("the private store {} cannot be used: {error}", folder.display());
            Refusal::new(Stage::Vault, reason, "give the server a folder that belongs to its user alone")
        };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(refuse)?;
        // A relative path without a slash would make the dynamic linker search elsewhere.
        let vault = Self { folder: folder.canonicalize().map_err(refuse)? };
        vault.make_private().map_err(refuse)?;
        Ok(vault)
    }

    /// Keeps the bytes under their SHA-256 and gives the path of the copy.
    pub(super) fn keep(&self, bytes: &[u8], sha: &str) -> Result<PathBuf, Refusal> {
        let path = self.folder.join(format!("{sha}.so"));
        let refuse = |error: io::Error| {
            let reason = format!("the plugin cannot be copied to {}: {error}", path.display());
            Refusal::new(Stage::Vault, reason, "make room on that disk, or mend its permissions")
        };
        // An intact copy stays: it may be mapped at this moment.
        if self.holds(&path, sha) {
            return Ok(path);
        }
        self.write(&path, bytes).map_err(refuse)?;
        if self.holds(&path, sha) {
            return Ok(path);
        }
        Err(refuse(io::Error::other("the copy differs from the original")))
    }

    fn make_private(&self) -> io::Result<()> {
        let probe = self.folder.join(own_name("probe"));
        remove(&probe)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&probe)?;
        let (ours, about) = (file.metadata()?.uid(), fs::metadata(&self.folder)?);
        remove(&probe)?;
        if about.uid() != ours {
            return Err(io::Error::other("it belongs to another user"));
        }
        if about.mode() & OTHERS != 0 {
            fs::set_permissions(&self.folder, Permissions::from_mode(0o700))?;
        }
        Ok(())
    }

    /// Whether the path holds a regular file of ours with these contents.
    fn holds(&self, path: &Path, sha: &str) -> bool {
        let regular = fs::symlink_metadata(path).is_ok_and(|about| about.is_file());
        regular && fs::read(path).is_ok_and(|bytes| sha256(&bytes) == sha)
    }

    /// Writes to a name of its own first, so that the final name never shows half a file.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let half = self.folder.join(own_name("half"));
        remove(&half)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half)?;
        file.write_all(bytes)?;
        file.set_permissions(Permissions::from_mode(0o400))?;
        file.sync_all()?;
        fs::rename(&half, path)?;
        File::open(&self.folder)?.sync_all()
    }
}

/// A name that nobody else uses at the same time.
fn own_name(what: &str) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    format!(".{what}-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_file_is_private_read_only_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/vault");
        let vault = Vault::open(&path).unwrap();
        let kept = vault.keep(b"bytes", &sha256(b"bytes")).unwrap();
        assert_eq!(fs::read(&kept).unwrap(), b"bytes");
        assert_eq!(fs::metadata(&kept).unwrap().mode() & 0o777, 0o400);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1, "nothing half-made is left");
    }

    #[test]
    fn an_intact_copy_is_left_alone_and_a_changed_one_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path()).unwrap();
        let sha = sha256(b"bytes");
        let kept = vault.keep(b"bytes", &sha).unwrap();
        let inode = fs::metadata(&kept).unwrap().ino();
        vault.keep(b"bytes", &sha).unwrap();
        assert_eq!(fs::metadata(&kept).unwrap().ino(), inode);
        fs::set_permissions(&kept, Permissions::from_mode(0o600)).unwrap();
        fs::write(&kept, b"changed").unwrap();
        vault.keep(b"bytes", &sha).unwrap();
        assert_eq!(fs::read(&kept).unwrap(), b"bytes");
    }

    #[test]
    fn a_folder_open_to_others_is_closed_and_a_file_in_its_place_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        Vault::open(folder.path()).unwrap();
        assert_eq!(fs::metadata(folder.path()).unwrap().mode() & 0o777, 0o700);
        let file = folder.path().join("file");
        fs::write(&file, b"").unwrap();
        assert_eq!(Vault::open(&file).unwrap_err().stage, Stage::Vault);
    }

    #[test]
    fn a_name_that_does_not_fit_the_bytes_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path()).unwrap();
        assert_eq!(vault.keep(b"bytes", &sha256(b"others")).unwrap_err().stage, Stage::Vault);
    }
}
