//! What is left of files when the power goes.

use std::collections::BTreeMap;

/// Bytes that a disk writes whole or not at all.
const SECTOR: usize = 512;

/// A change of a file that is not known to be on the disk yet.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Write(usize, Vec<u8>),
    Cut(usize),
}

impl Change {
    pub(crate) fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(place, part) => {
                let end = place + part.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*place..end].copy_from_slice(part);
            }
            Self::Cut(size) => bytes.resize(*size, 0),
        }
    }
}

/// A file as the disk has it, and what was written since it was told to keep everything.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept {
    pub(crate) synced: Vec<u8>,
    pub(crate) pending: Vec<Change>,
    /// Deleted, though the folder need not know it yet.
    pub(crate) gone: bool,
    /// The folder knows that it is there.
    pub(crate) listed: bool,
}

/// The disk at the moment at which the power went.
#[derive(Debug, Clone)]
pub(crate) struct Cut {
    /// Number of the call before which it went.
    pub(crate) call: u64,
    /// Steps that had been answered by then.
    pub(crate) answered: usize,
    pub(crate) files: BTreeMap<String, Kept>,
}

impl Cut {
    /// The files as they may be found afterwards. `chance` draws what became of each change that was under way: whether
    /// it is there, is not, or is there in parts.
    pub(crate) fn image(&self, mut chance: impl FnMut() -> u64) -> BTreeMap<String, Vec<u8>> {
        let mut image = BTreeMap::new();
        for (name, kept) in &self.files {
            if kept.gone && chance().is_multiple_of(2) {
                continue;
            }
            let mut bytes = kept.synced.clone();
            for change in &kept.pending {
                match (chance() % 3, change) {
                    (0, _) => {}
                    (1, Change::Write(place, part)) => torn(*place, part, &mut bytes, &mut chance),
                    _ => change.apply(&mut bytes),
                }
            }
            image.insert(name.clone(), bytes);
        }
        image
    }
}

/// Some sectors of a write.
fn torn(place: usize, part: &[u8], bytes: &mut Vec<u8>, chance: &mut impl FnMut() -> u64) {
    let mut begin = 0;
    while begin < part.len() {
        let end = (((place + begin) / SECTOR + 1) * SECTOR - place).min(part.len());
        if chance().is_multiple_of(2) {
            Change::Write(place + begin, part[begin..end].to_vec()).apply(bytes);
        }
        begin = end;
    }
}
