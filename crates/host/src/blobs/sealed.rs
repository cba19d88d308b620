//! How a file is sealed: in pieces, so that it is written and read without being in memory as a whole.
//!
//! Each piece is its sealed length, in four bytes, and the sealed bytes of the file's name, the piece's number and what it
//! holds. The last one is the label, sealed as well, with its length behind it: a file without one was never finished.
//! So no piece can be cut off, moved, or put into another file unnoticed.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    sync::Arc,
};

use bytes::Bytes;
use handoff_core::world::Seal;
use serde::{Deserialize, Serialize};

/// Bytes of a piece.
pub(super) const PIECE: usize = 256 * 1024;
/// Most bytes that a sealed piece, or the sealed label, may have: more was not written by us.
const LONGEST: u32 = 2 * PIECE as u32;

/// What stands at the end of a file.
#[derive(Serialize, Deserialize)]
struct Label {
    name: String,
    media_type: String,
    size: u64,
    pieces: u32,
}

/// A file that is being written. Dropped before its end, it is gone.
pub(super) struct Writing {
    path: Option<PathBuf>,
    file: File,
    name: String,
    size: u64,
    pieces: u32,
    seal: Arc<dyn Seal>,
}

impl Drop for Writing {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // What stays is as unreadable as it is short, and goes with the old files.
            let _ = fs::remove_file(path);
        }
    }
}

impl Writing {
    pub(super) fn create(path: PathBuf, name: String, seal: Arc<dyn Seal>) -> io::Result<Self> {
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Self { path: Some(path), file, name, size: 0, pieces: 0, seal })
    }

    /// Writes a piece; nothing when it is empty.
    pub(super) fn add(mut self, bytes: &[u8]) -> Result<Self, String> {
        if bytes.is_empty() {
            return Ok(self);
        }
        let plain = [&*head(&self.name, self.pieces), bytes].concat();
        let sealed = self.seal.seal(&plain);
        self.write(&length(&sealed)).and_then(|()| self.write(&sealed))?;
        (self.pieces, self.size) = (self.pieces + 1, self.size + bytes.len() as u64);
        Ok(self)
    }

    /// Writes the label, and keeps the file; gives its name.
    pub(super) fn end(mut self, media_type: String) -> Result<String, String> {
        let label = Label { name: self.name.clone(), media_type, size: self.size, pieces: self.pieces };
        let sealed = self.seal.seal(&serde_json::to_vec(&label).map_err(|error| error.to_string())?);
        self.write(&sealed).and_then(|()| self.write(&length(&sealed)))?;
        self.file.sync_all().map_err(|error| error.to_string())?;
        self.path = None;
        Ok(label.name)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.file.write_all(bytes).map_err(|error| error.to_string())
    }
}

/// A file that is being read.
pub(super) struct Reading {
    file: File,
    label: Label,
    /// How much was read of it.
    size: u64,
    pieces: u32,
    seal: Arc<dyn Seal>,
}

impl Reading {
    pub(super) fn open(mut file: File, name: &str, seal: Arc<dyn Seal>) -> Result<Self, String> {
        let label = label(&mut file).map_err(damaged)?;
        let label: Label = serde_json::from_slice(&seal.unseal(&label)?).map_err(damaged)?;
        if label.name != name {
            return Err(damaged("it has another name"));
        }
        Ok(Self { file, label, size: 0, pieces: 0, seal })
    }

    pub(super) fn media_type(&self) -> &str {
        &self.label.media_type
    }

    pub(super) fn size(&self) -> u64 {
        self.label.size
    }

    /// The next piece; none at the end.
    pub(super) fn next(mut self) -> Result<Option<(Bytes, Self)>, String> {
        if self.pieces == self.label.pieces {
            return if self.size == self.label.size { Ok(None) } else { Err(damaged("its length is wrong")) };
        }
        let sealed = taken(&mut self.file).map_err(damaged)?;
        let plain = Bytes::from(self.seal.unseal(&sealed)?);
        let head = head(&self.label.name, self.pieces);
        if !plain.starts_with(&head) {
            return Err(damaged("a piece is not in its place"));
        }
        let bytes = plain.slice(head.len()..);
        (self.pieces, self.size) = (self.pieces + 1, self.size + bytes.len() as u64);
        Ok(Some((bytes, self)))
    }
}

/// What a piece begins with.
fn head(name: &str, number: u32) -> Vec<u8> {
    [name.as_bytes(), &number.to_be_bytes()].concat()
}

/// No piece is longer than [`LONGEST`].
fn length(sealed: &[u8]) -> [u8; 4] {
    u32::try_from(sealed.len()).unwrap_or(u32::MAX).to_be_bytes()
}

/// The sealed label; the file stands at its beginning afterwards.
fn label(file: &mut File) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::End(-4))?;
    let back = -4 - i64::from(announced(file)?);
    file.seek(SeekFrom::End(back))?;
    let mut sealed = vec![0; usize::try_from(-4 - back).unwrap_or_default()];
    file.read_exact(&mut sealed)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(sealed)
}

/// A length, and as many bytes.
fn taken(file: &mut File) -> io::Result<Vec<u8>> {
    let mut sealed = vec![0; usize::try_from(announced(file)?).unwrap_or_default()];
    file.read_exact(&mut sealed)?;
    Ok(sealed)
}

fn announced(file: &mut File) -> io::Result<u32> {
    let mut length = [0; 4];
    file.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > LONGEST { Err(io::Error::other("a length is wrong")) } else { Ok(length) }
}

fn damaged(cause: impl std::fmt::Display) -> String {
    format!("a kept file is damaged: {cause}")
}
