//! How much is accepted, and reading no more than that.

use std::time::Duration;

use axum::{
    body::{Body, BodyDataStream, Bytes},
    http::{HeaderMap, StatusCode, header},
};
use futures::StreamExt;

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

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// 413 when it is longer, 408 when it takes too long, 400 when it breaks off.
pub(crate) async fn read_body(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Problem> {
    if announced(headers).is_some_and(|length| length > limit as u64) {
        pass_over(body.into_data_stream()).await;
        return Err(too_long(limit));
    }
    let reading = tokio::time::timeout(SLOWEST_BODY, collect(body, limit));
    reading.await.map_err(|_| {
        Problem::new(StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time. Send it again.")
    })?
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

/// Takes in the rest of a body that is refused, within limits, so that its client reads the answer.
async fn pass_over(mut rest: BodyDataStream) {
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

async fn collect(body: Body, limit: usize) -> Result<Bytes, Problem> {
    let mut stream = body.into_data_stream();
    let mut whole = Vec::new();
    while let Some(part) = stream.next().await {
        let part = part.map_err(|_| Problem::unreadable("The body broke off. Send it again."))?;
        if whole.len() + part.len() > limit {
            pass_over(stream).await;
            return Err(too_long(limit));
        }
        whole.extend_from_slice(&part);
    }
    Ok(whole.into())
}

fn too_long(limit: usize) -> Problem {
    Problem::too_large(format!(
        "The body is larger than {} KiB, which is the most that is accepted here. Send less, or several \
         requests.",
        limit / 1024
    ))
}
