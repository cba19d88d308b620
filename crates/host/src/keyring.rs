//! Keys for what must not be readable at rest: a file of its own, never in the database.
//!
//! A new key is drawn every day and old ones are destroyed once nothing sealed with them can still be
//! waiting, so that copies of the database become unreadable for good.

use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use handoff_core::world::Seal;
use handoff_model::Timestamp;
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// How long a key seals.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a key still opens: the longest retry and some days more.
const KEPT: Duration = Duration::from_secs(9 * 24 * 60 * 60);
const NONCE: usize = 24;
const PREFIX: usize = 4 + NONCE;

/// The keys, newest last.
pub(crate) struct Keyring {
    path: PathBuf,
    keys: RwLock<Vec<SealingKey>>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    id: u32,
    drawn: i64,
    key: String,
}

struct SealingKey {
    id: u32,
    drawn: Timestamp,
    secret: Zeroizing<[u8; 32]>,
}

impl Keyring {
    /// Opens the file, or makes it. Only the server draws further keys, see [`Keyring::rotate`].
    pub(crate) fn open(path: &Path, now: Timestamp) -> anyhow::Result<Self> {
        let keys = match fs::read_to_string(path) {
            Ok(text) => read(&Zeroizing::new(text)).with_context(|| {
                format!("the key file {} is damaged; put it back from a backup", path.display())
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                return Err(error).with_context(|| format!("the key file {} cannot be read", path.display()));
            }
        };
        let none = keys.is_empty();
        let keyring = Self { path: path.to_owned(), keys: RwLock::new(keys) };
        if none {
            keyring.rotate(now)?;
        }
        Ok(keyring)
    }

    /// Opens the file as it is; none when there is none. Nothing is made.
    pub(crate) fn open_existing(path: &Path, now: Timestamp) -> anyhow::Result<Option<Self>> {
        if path.try_exists()? { Self::open(path, now).map(Some) } else { Ok(None) }
    }

    /// Draws today's key unless there is one, and destroys those that are too old.
    pub(crate) fn rotate(&self, now: Timestamp) -> anyhow::Result<()> {
        let mut keys = self.keys.write();
        let newest = keys.last().map(|key| key.drawn);
        let fresh = newest.is_some_and(|drawn| now.since(drawn) < DAY);
        if fresh {
            return Ok(());
        }
        let id = keys.last().map_or(1, |key| key.id + 1);
        keys.retain(|key| now.since(key.drawn) < KEPT);
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *secret).context("the system gives no random numbers")?;
        keys.push(SealingKey { id, drawn: now, secret });
        write(&self.path, &keys)
    }
}

impl Seal for Keyring {
    fn seal(&self, plain: &[u8]) -> Vec<u8> {
        let keys = self.keys.read();
        let mut nonce = [0; NONCE];
        // Losing the text would break one promise and keeping it readable another: better to stop.
        let (Some(key), Ok(())) = (keys.last(), getrandom::fill(&mut nonce)) else { std::process::abort() };
        let mut sealed = key.id.to_be_bytes().to_vec();
        sealed.extend(nonce);
        let payload = Payload { msg: plain, aad: &key.id.to_be_bytes() };
        let cipher = XChaCha20Poly1305::new(&Key::from(*key.secret));
        // Sealing fails only for texts of many gigabytes.
        sealed.extend(cipher.encrypt(&XNonce::from(nonce), payload).unwrap_or_default());
        sealed
    }

    fn unseal(&self, sealed: &[u8]) -> Result<Vec<u8>, String> {
        let (prefix, text) = sealed.split_at_checked(PREFIX).ok_or("the sealed bytes are too short")?;
        let (id, nonce) = prefix.split_at(4);
        let keys = self.keys.read();
        let key = keys.iter().find(|key| key.id.to_be_bytes() == id).ok_or("its key was destroyed")?;
        let nonce = <[u8; NONCE]>::try_from(nonce).map_err(|error| error.to_string())?;
        let cipher = XChaCha20Poly1305::new(&Key::from(*key.secret));
        cipher
            .decrypt(&XNonce::from(nonce), Payload { msg: text, aad: id })
            .map_err(|_| "the sealed bytes were changed".to_owned())
    }
}

fn read(text: &str) -> anyhow::Result<Vec<SealingKey>> {
    let stored: Vec<Stored> = serde_json::from_str(text)?;
    let opened = stored.into_iter().map(|Stored { id, drawn, key }| {
        let bytes = Zeroizing::new(STANDARD.decode(&*Zeroizing::new(key))?);
        let Ok(secret) = <[u8; 32]>::try_from(bytes.as_slice()) else { bail!("a key has the wrong length") };
        Ok(SealingKey { id, drawn: Timestamp(drawn), secret: Zeroizing::new(secret) })
    });
    opened.collect()
}

/// Writes the whole file anew and puts it in place in one step; only its owner may read it.
fn write(path: &Path, keys: &[SealingKey]) -> anyhow::Result<()> {
    let stored: Vec<_> = keys
        .iter()
        .map(|key| Stored { id: key.id, drawn: key.drawn.0, key: STANDARD.encode(*key.secret) })
        .collect();
    let text = Zeroizing::new(serde_json::to_string(&stored)?);
    let new = path.with_extension("new");
    let _ = fs::remove_file(&new);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)
        .with_context(|| format!("the key file {} cannot be written", new.display()))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    if let Some(folder) = path.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_again_until_its_key_is_destroyed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let begin = Timestamp(1_800_000_000_000);
        let keyring = Keyring::open(&path, begin).unwrap();
        let sealed = keyring.seal(b"a canary");
        assert!(!sealed.windows(8).any(|window| window == b"a canary"));
        let later = Keyring::open(&path, begin.after(DAY * 2)).unwrap();
        later.rotate(begin.after(DAY * 2)).unwrap();
        assert_eq!(later.unseal(&sealed).unwrap(), b"a canary");
        assert_ne!(later.seal(b"")[..4], sealed[..4], "another day, another key");
        later.rotate(begin.after(DAY * 20)).unwrap();
        assert!(later.unseal(&sealed).unwrap_err().contains("destroyed"));
    }

    #[test]
    fn changed_bytes_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let keyring = Keyring::open(&folder.path().join("keys.json"), Timestamp(0)).unwrap();
        let mut sealed = keyring.seal(b"text");
        if let Some(last) = sealed.last_mut() {
            *last ^= 1;
        }
        assert!(keyring.unseal(&sealed).is_err());
        assert!(keyring.unseal(b"short").is_err());
    }
}
