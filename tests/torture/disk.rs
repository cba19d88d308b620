//! A small disk for a server's data, which can be full.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Result, ensure};
use handoff_tests::server::{Server, keeps_folders};
use rustix::fs::statvfs;

/// Room for everything that an act keeps, in bytes.
const ROOMY: u64 = 1 << 30;
/// How often room is measured and taken while the server takes some itself.
const TRIES: u64 = 20;

/// A file system in memory that lies over the server's data folder. Gone with this value.
#[derive(Debug)]
pub(crate) struct Disk(PathBuf);

impl Disk {
    /// Puts one there before the server's first start. None where this user may not, and where the folders of servers
    /// are kept.
    pub(crate) fn under(server: &Server) -> Result<Option<Self>> {
        let data = server.dir().join("data");
        if keeps_folders() {
            return Ok(None);
        }
        fs::create_dir(&data)?;
        let options = format!("size={ROOMY},mode=700");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "handoff-torture"]).arg(&data);
        Ok(succeeds(&mut mount).then_some(Self(data)))
    }

    /// From now on there is room for so many bytes more.
    pub(crate) fn leave(&self, bytes: u64) -> Result<()> {
        let fits = (1..=TRIES).any(|n| self.used().is_ok_and(|used| self.resize(used + n * bytes.max(4096))));
        ensure!(fits, "the disk {} cannot be made small", self.0.display());
        Ok(())
    }

    /// There is room again.
    pub(crate) fn free(&self) -> Result<()> {
        ensure!(self.resize(ROOMY), "the disk {} cannot be made large", self.0.display());
        Ok(())
    }

    fn used(&self) -> Result<u64> {
        let about = statvfs(&self.0)?;
        Ok((about.f_blocks - about.f_bfree) * about.f_frsize)
    }

    fn resize(&self, bytes: u64) -> bool {
        succeeds(Command::new("mount").args(["-o", &format!("remount,size={bytes}")]).arg(&self.0))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A server may have it open still; it goes when that has ended.
        let path: &Path = &self.0;
        succeeds(Command::new("umount").arg("--lazy").arg(path));
    }
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
