//! How much is accepted, and reading no more than that.

use std::time::Duration;

use axum::{
    body::{Body, BodyDataStream, Bytes},
    http::{HeaderMap, StatusCode, header},
};
use futures::StreamExt;
use tokio::time::Instant;

use super::Problem;

/// Bytes of a message's whole body.
pub(crate) const MESSAGE_BODY: usize = 256 * 1024;
/// Bytes of a webhook's body.
pub(crate) const WEBHOOK_BODY: usize = 1024 * 1024;
/// Characters of a message's text.
pub(crate) const LONGEST_TEXT: usize = 32_000;
/// Characters of a name, an e-mail address and the like.
pub(crate) const LONGEST_FIELD: usize = 320;
/// Characters of the name that a channel gives a conversation.
pub(crate) const LONGEST_EXTERNAL_ID: usize = 200;
/// Characters of an idempotency key.
pub(crate) const LONGEST_KEY: usize = 200;
/// Milliseconds of a long poll.
pub(crate) const LONGEST_WAIT_MS: u64 = 30_000;

/// How long a body may take to arrive.
const SLOWEST_BODY: Duration = Duration::from_secs(30);
/// Bytes of a refused body that are still taken in. A connection that is closed while its client writes is reset, and
/// the client then sees a broken connection instead of the answer that says why.
const PASSED_OVER: usize = 32 * 1024 * 1024;
/// How long a refused body is still taken in.
const PASSED_OVER_FOR: Duration = Duration::from_secs(5);

/// A body that is read piece by piece, up to a length and within a time.
pub(crate) struct Incoming {
    stream: BodyDataStream,
    limit: usize,
    left: usize,
    until: Instant,
}

impl Incoming {
    /// Begins with a body of at most `limit` bytes.
    ///
    /// # Errors
    /// 413 when it says that it is longer.
    pub(crate) async fn of(headers: &HeaderMap, body: Body, limit: usize) -> Result<Self, Problem> {
        let (stream, until) = (body.into_data_stream(), Instant::now() + SLOWEST_BODY);
        let mut incoming = Self { stream, limit, left: limit, until };
        if announced(headers).is_some_and(|length| length > limit as u64) {
            return Err(incoming.too_long().await);
        }
        Ok(incoming)
    }

    /// The next piece; none at the end.
    ///
    /// # Errors
    /// 413 when it is longer than allowed, 408 when it takes too long, 400 when it breaks off.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let next = tokio::time::timeout_at(self.until, self.stream.next()).await;
        let late =
            |_| Problem::new(StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time. Send it again.");
        let Some(piece) = next.map_err(late)? else { return Ok(None) };
        let piece = piece.map_err(|_| Problem::unreadable("The body broke off. Send it again."))?;
        let Some(left) = self.left.checked_sub(piece.len()) else { return Err(self.too_long().await) };
        self.left = left;
        Ok(Some(piece))
    }

    /// Takes in the rest, within limits, so that its client reads the answer.
    async fn too_long(&mut self) -> Problem {
        pass_over(&mut self.stream).await;
        Problem::too_large(format!(
            "The body is larger than {} KiB, which is the most that is accepted here. Send less, or several \
             requests.",
            self.limit / 1024
        ))
    }
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// As [`Incoming`].
pub(crate) async fn read_body(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Problem> {
    let mut incoming = Incoming::of(headers, body, limit).await?;
    let mut whole = Vec::new();
    while let Some(piece) = incoming.next().await? {
        whole.extend_from_slice(&piece);
    }
    Ok(whole.into())
}

/// The body as text.
///
/// # Errors
/// 400 when it is not UTF-8.
pub(crate) fn utf8(body: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(body).map_err(|error| {
        let place = error.valid_up_to() + 1;
        Problem::unreadable(format!("Byte {place} of the body is not UTF-8. Send the body encoded as UTF-8."))
    })
}

async fn pass_over(rest: &mut BodyDataStream) {
    let mut left = PASSED_OVER;
    let passing = async {
        while let Some(Ok(part)) = rest.next().await {
            left = left.saturating_sub(part.len());
            if left == 0 {
                break;
            }
        }
    };
    // Whoever sends more, or sends slowly, gets the answer too, if the connection lets it through.
    let _ = tokio::time::timeout(PASSED_OVER_FOR, passing).await;
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
