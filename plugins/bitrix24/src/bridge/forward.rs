//! The person's later words.

use std::time::Duration;

use handoff_sdk::{
    ConnectorError, Result,
    model::connector::{Forward, Sent},
};

use super::{
    mark::{self, Mark, Place},
    outgoing, text,
};
use crate::{answer::Failure, client::Client};

/// Pauses between looks for a call whose answer was lost, in seconds: together as long as a request may last on
/// Bitrix24. Only what is not there after the last of them is sent again.
const LOOKS: [u64; 6] = [1, 2, 4, 8, 15, 30];

/// Sends the words in the person's name; after an attempt whose answer was lost, only what is missing.
pub(crate) async fn forward(client: &Client<'_>, words: &Forward) -> Result<Sent> {
    let mark: Option<Mark> = words.checkpoint.clone().and_then(|mark| serde_json::from_value(mark).ok());
    let line = mark.as_ref().map(|mark| mark.line).filter(|line| *line > 0).or(client.portal.settings.line);
    let line = line.ok_or_else(|| ConnectorError::Refused {
        detail: "the open channel of this chat is not known any more".to_owned(),
    })?;
    let (pieces, replaced) = text::words(&words.content);
    let ids: Vec<String> =
        (0..pieces.len()).map(|n| format!("{}.w{}.{n}", words.handoff, words.seq)).collect();
    let there = arrived(client, words, mark.and_then(|mark| mark.place), &ids).await?;
    let mut sent = Sent { replaced, ..Sent::default() };
    for (piece, id) in pieces.iter().zip(&ids) {
        if !there.contains(id) {
            let place = outgoing::send(client, line, &words.handoff, &words.person, id, piece).await?;
            mark::remember(client.cx, words.handoff.as_str(), &place).await?;
        }
        sent.external_ids.push(id.clone());
    }
    Ok(sent)
}

/// Which of these messages are there. Words that cannot be looked up are sent at least once.
async fn arrived(
    client: &Client<'_>,
    words: &Forward,
    place: Option<Place>,
    ids: &[String],
) -> Result<Vec<String>> {
    // Of several parts an earlier attempt may have sent some and then been told to wait.
    if !words.maybe_sent && ids.len() < 2 {
        return Ok(Vec::new());
    }
    let kept = mark::place(client.cx, words.handoff.as_str()).await?;
    let Some(place) = kept.or(place) else { return Ok(Vec::new()) };
    let pauses = if words.maybe_sent { &LOOKS[..] } else { &[] };
    let mut pauses = pauses.iter();
    loop {
        let found = match outgoing::there(client, &place).await {
            Ok(said) => ids.iter().filter(|id| outgoing::has(&said, id)).cloned().collect::<Vec<_>>(),
            Err(Failure::Said { .. }) => return Ok(Vec::new()),
            Err(Failure::Failed(error)) => return Err(error),
        };
        match pauses.next() {
            Some(pause) if found.len() < ids.len() => client.cx.sleep(Duration::from_secs(*pause)).await,
            _ => return Ok(found),
        }
    }
}
