//! Files kept for a while, sealed: one file each, under a name that cannot be guessed.

mod sealed;

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::Context;
use futures::{StreamExt, future::BoxFuture, stream};
use handoff_core::world::{Blob, Blobs, NotKept, Pieces, Seal};

use self::sealed::{PIECE, Reading, Writing};

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

    fn create(&self) -> Result<Writing, String> {
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random).map_err(|error| error.to_string())?;
        let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let path = self.folder.join(&name);
        Writing::create(path, name, self.seal.clone()).map_err(|error| error.to_string())
    }

    fn find(&self, name: &str) -> Result<Option<Reading>, String> {
        let fits = name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !fits {
            return Ok(None);
        }
        match fs::File::open(self.folder.join(name)) {
            Ok(file) => Reading::open(file, name, self.seal.clone()).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// The same folder, for whoever needs it as an object.
#[derive(Clone)]
pub(crate) struct SharedBlobs(pub(crate) Arc<BlobFolder>);

impl Blobs for SharedBlobs {
    fn write<'a>(&'a self, media_type: String, pieces: Pieces<'a>) -> BoxFuture<'a, Result<String, NotKept>> {
        Box::pin(keep(self.0.clone(), media_type, pieces))
    }

    fn read(&self, name: &str) -> BoxFuture<'_, Result<Option<Blob>, String>> {
        let (folder, name) = (self.0.clone(), name.to_owned());
        Box::pin(async move {
            let found = off_thread(move || folder.find(&name)).await?;
            Ok(found.map(|reading| Blob {
                media_type: reading.media_type().to_owned(),
                size: reading.size(),
                pieces: stream::try_unfold(reading, |reading| off_thread(move || reading.next())).boxed(),
            }))
        })
    }
}

/// Takes the bytes in as they come, and writes them a piece at a time.
async fn keep(
    folder: Arc<BlobFolder>,
    media_type: String,
    mut pieces: Pieces<'_>,
) -> Result<String, NotKept> {
    let mut writing = off_thread(move || folder.create()).await.map_err(NotKept::Unavailable)?;
    let mut gathered = Vec::with_capacity(PIECE);
    while let Some(piece) = pieces.next().await {
        let mut rest = &*piece.map_err(NotKept::BrokeOff)?;
        while gathered.len() + rest.len() >= PIECE {
            let (now, later) = rest.split_at(PIECE - gathered.len());
            gathered.extend_from_slice(now);
            rest = later;
            let full = std::mem::replace(&mut gathered, Vec::with_capacity(PIECE));
            writing = off_thread(move || writing.add(&full)).await.map_err(NotKept::Unavailable)?;
        }
        gathered.extend_from_slice(rest);
    }
    let ended = off_thread(move || writing.add(&gathered)?.end(media_type)).await;
    ended.map_err(NotKept::Unavailable)
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?
}

#[cfg(test)]
mod tests;
