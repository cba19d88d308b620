//! What is kept, what is not, and what is noticed.

use futures::stream;
use handoff_core::world::gathered;
use handoff_model::Timestamp;

use super::*;
use crate::keyring::Keyring;

struct Place {
    dir: tempfile::TempDir,
    blobs: SharedBlobs,
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let keyring = Keyring::open(&dir.path().join("keys.json"), Timestamp(0)).unwrap();
    let folder = BlobFolder::open(&dir.path().join("blobs"), Arc::new(keyring)).unwrap();
    Place { dir, blobs: SharedBlobs(Arc::new(folder)) }
}

impl Place {
    async fn keeps(&self, bytes: &[u8], step: usize) -> String {
        let pieces = bytes.chunks(step).map(|piece| Ok(piece.to_vec().into()));
        let pieces = stream::iter(pieces.collect::<Vec<_>>()).boxed();
        self.blobs.write("image/png".to_owned(), pieces).await.unwrap()
    }

    async fn reads(&self, name: &str) -> Result<Vec<u8>, String> {
        let blob = self.blobs.read(name).await?.unwrap();
        let (size, bytes) = (blob.size, gathered(blob.pieces).await?);
        assert_eq!((size, blob.media_type.as_str()), (bytes.len() as u64, "image/png"));
        Ok(bytes)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("blobs").join(name)
    }

    fn files(&self) -> usize {
        fs::read_dir(self.dir.path().join("blobs")).unwrap().count()
    }
}

/// No two places hold the same.
fn bytes(length: usize) -> Vec<u8> {
    (0..length / 8 + 1).flat_map(|number| (number as u64).to_be_bytes()).take(length).collect()
}

#[tokio::test]
async fn what_is_kept_is_read_back_whatever_its_length_and_however_it_came() {
    let place = place();
    for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 5] {
        for step in [1000, PIECE, 5 * PIECE] {
            let name = place.keeps(&bytes(length), step).await;
            assert!(place.reads(&name).await.unwrap() == bytes(length), "{length} bytes in steps of {step}");
        }
    }
    assert!(place.blobs.read("0123456789abcdef0123456789abcdef").await.unwrap().is_none());
    assert!(place.blobs.read("../keys.json").await.unwrap().is_none());
}

#[tokio::test]
async fn of_a_file_that_breaks_off_nothing_stays() {
    let place = place();
    let broken = [Ok(bytes(2 * PIECE).into()), Err("the sender went away".to_owned())];
    let broken = place.blobs.write("image/png".to_owned(), stream::iter(broken).boxed()).await;
    assert_eq!(broken, Err(NotKept::BrokeOff("the sender went away".to_owned())));
    assert_eq!(place.files(), 0);
    let mut given_up = place.blobs.write("image/png".to_owned(), stream::pending().boxed());
    assert!(futures::poll!(&mut given_up).is_pending());
    while place.files() == 0 {
        tokio::task::yield_now().await;
    }
    assert!(futures::poll!(&mut given_up).is_pending());
    drop(given_up);
    assert_eq!(place.files(), 0);
}

#[tokio::test]
async fn every_change_to_a_kept_file_is_noticed() {
    let place = place();
    let (name, other) =
        (place.keeps(&bytes(3 * PIECE), PIECE).await, place.keeps(&bytes(3 * PIECE), PIECE).await);
    let (good, foreign) = (fs::read(place.path(&name)).unwrap(), fs::read(place.path(&other)).unwrap());
    let piece = 4 + u32::from_be_bytes(good[..4].try_into().unwrap()) as usize;
    let (first, second, rest) = (&good[..piece], &good[piece..2 * piece], &good[2 * piece..]);
    let mut flipped = good.clone();
    flipped[piece + 100] ^= 1;
    let changes = [
        ("a flipped bit", flipped),
        ("two pieces in another order", [second, first, rest].concat()),
        ("a piece twice", [first, first, rest].concat()),
        ("a piece less", [first, rest].concat()),
        ("a piece of another file", [first, &foreign[piece..2 * piece], rest].concat()),
        ("another file", foreign.clone()),
        ("the end cut off", good[..good.len() - 10].to_vec()),
        ("nothing", Vec::new()),
    ];
    for (what, changed) in changes {
        fs::write(place.path(&name), changed).unwrap();
        assert!(place.reads(&name).await.is_err(), "{what} was not noticed");
    }
    fs::write(place.path(&name), good).unwrap();
    assert!(place.reads(&name).await.is_ok());
}
