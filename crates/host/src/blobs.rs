//! Files kept for a while, sealed: one file each, under a name that cannot be guessed.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::Context;
use futures::future::BoxFuture;
use handoff_core::world::{Blob, Blobs, Seal};

/// How long a file is kept.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// A folder of sealed files.
pub(crate) struct BlobFolder {
    folder: PathBuf,
    seal: Arc<dyn Seal>,
}

impl BlobFolder {
    pub(crate) fn open(folder: &Path, seal: Arc<dyn Seal>) -> anyhow::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
        Ok(Self { folder: folder.to_owned(), seal })
    }

    /// Deletes what is too old.
    pub(crate) fn tidy(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let age = SystemTime::now().duration_since(entry.metadata()?.modified()?).unwrap_or_default();
            if age > KEPT {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn keep(&self, media_type: &str, bytes: &[u8]) -> Result<String, String> {
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random).map_err(|error| error.to_string())?;
        let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut plain = Vec::with_capacity(media_type.len() + 1 + bytes.len());
        plain.extend(media_type.bytes().filter(|byte| *byte != 0));
        plain.push(0);
        plain.extend(bytes);
        let sealed = self.seal.seal(&plain);
        let path = self.folder.join(&name);
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| error.to_string())?;
        file.write_all(&sealed).and_then(|()| file.sync_all()).map_err(|error| error.to_string())?;
        Ok(name)
    }

    fn find(&self, name: &str) -> Result<Option<Blob>, String> {
        let fits = name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !fits {
            return Ok(None);
        }
        let sealed = match fs::read(self.folder.join(name)) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let plain = self.seal.unseal(&sealed)?;
        let end = plain.iter().position(|byte| *byte == 0).ok_or("a kept file is damaged")?;
        let media_type = String::from_utf8_lossy(&plain[..end]).into_owned();
        Ok(Some((media_type, plain[end + 1..].to_vec())))
    }
}

/// The same folder, for whoever needs it as an object.
#[derive(Clone)]
pub(crate) struct SharedBlobs(pub(crate) Arc<BlobFolder>);

impl Blobs for SharedBlobs {
    fn write(&self, media_type: String, bytes: Vec<u8>) -> BoxFuture<'_, Result<String, String>> {
        let folder = self.0.clone();
        Box::pin(off_thread(move || folder.keep(&media_type, &bytes)))
    }

    fn read(&self, name: &str) -> BoxFuture<'_, Result<Option<Blob>, String>> {
        let (folder, name) = (self.0.clone(), name.to_owned());
        Box::pin(off_thread(move || folder.find(&name)))
    }
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?
}
