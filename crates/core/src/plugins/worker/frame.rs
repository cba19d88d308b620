//! What goes over the socket between the server and a worker: one frame after another.
//!
//! `[length u32][kind u8][id u64][number u32][now u64][length of name u16][name][body]`, all little-endian.
//! Both ends are the same program, so the layout may change with every release.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::plugins::answer::MAX_PAYLOAD;

/// Bytes before the name, without the length of the whole.
const HEAD: usize = 1 + 8 + 4 + 8 + 2;
/// Longest name of a verb or an operation, in bytes.
pub(super) const MAX_NAME: usize = 256;
/// Largest frame. An answer that is too large still crosses, so that it can be told what it is.
const MAX_FRAME: usize = MAX_PAYLOAD + 1024 * 1024;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Asks the other side for something; `number` is the seat.
    Ask = 1,
    /// The answer to the ask with this id.
    Done,
    /// The refusal of the ask with this id; `number` is the code.
    Failed,
    /// Nobody waits for the answer to this id any more.
    Cancel,
    /// Tells something; `number` is the seat.
    Tell,
    /// Asks for a sign of life.
    Ping,
    /// A sign of life.
    Pong,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        let kinds = [Self::Ask, Self::Done, Self::Failed, Self::Cancel, Self::Tell, Self::Ping, Self::Pong];
        kinds.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// One frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    pub(super) id: u64,
    pub(super) number: u32,
    /// The server's time, in milliseconds since 1970; 0 from a worker.
    pub(super) now: u64,
    pub(super) name: String,
    pub(super) body: Vec<u8>,
}

impl Frame {
    pub(super) fn new(kind: Kind, id: u64, number: u32, name: &str, body: Vec<u8>) -> Self {
        Self { kind, id, number, now: 0, name: name.to_owned(), body }
    }

    /// Appends the frame to what is about to be written.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let name = &self.name.as_bytes()[..self.name.len().min(MAX_NAME)];
        let length = HEAD + name.len() + self.body.len();
        // Whoever made the frame kept to the limits, so the lengths fit.
        out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
        out.push(self.kind as u8);
        out.extend_from_slice(&self.id.to_le_bytes());
        out.extend_from_slice(&self.number.to_le_bytes());
        out.extend_from_slice(&self.now.to_le_bytes());
        out.extend_from_slice(&u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
        out.extend_from_slice(name);
        out.extend_from_slice(&self.body);
    }

    /// Reads the next frame; none at the end.
    pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Self>> {
        let length = match stream.read_u32_le().await {
            Ok(length) => usize::try_from(length).unwrap_or(usize::MAX),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        };
        if !(HEAD..=MAX_FRAME).contains(&length) {
            return Err(malformed());
        }
        let kind = Kind::of(stream.read_u8().await?).ok_or_else(malformed)?;
        let (id, number) = (stream.read_u64_le().await?, stream.read_u32_le().await?);
        let (now, named) = (stream.read_u64_le().await?, usize::from(stream.read_u16_le().await?));
        let rest = length - HEAD;
        if named > MAX_NAME.min(rest) {
            return Err(malformed());
        }
        let mut name = vec![0; named];
        stream.read_exact(&mut name).await?;
        let name = String::from_utf8(name).map_err(|_| malformed())?;
        let mut body = vec![0; rest - named];
        stream.read_exact(&mut body).await?;
        Ok(Some(Self { kind, id, number, now, name, body }))
    }
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a frame that nobody can read")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> io::Result<Option<Frame>> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(Frame::read(&mut &bytes[..]))
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            kind in 1_u8..=7, id: u64, number: u32, now: u64, name in "[a-z.]{0,40}", body: Vec<u8>,
        ) {
            let frame = Frame { kind: Kind::of(kind).unwrap(), id, number, now, name, body };
            let mut bytes = Vec::new();
            frame.write(&mut bytes);
            prop_assert_eq!(read(&bytes).unwrap(), Some(frame));
        }

        #[test]
        fn what_is_cut_or_scrambled_is_an_error_and_no_frame(bytes: Vec<u8>, cut in 1_usize..20) {
            let mut whole = Vec::new();
            Frame::new(Kind::Ask, 1, 2, "send", vec![7; 10]).write(&mut whole);
            prop_assert!(read(&whole[..whole.len() - cut]).is_err());
            // Whatever it is, it ends.
            drop(read(&bytes));
        }
    }

    #[test]
    fn a_frame_that_claims_to_be_huge_is_refused_before_room_is_made_for_it() {
        assert!(read(&u32::MAX.to_le_bytes()).is_err());
        assert!(read(&[]).unwrap().is_none());
    }
}
