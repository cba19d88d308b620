//! What the person writes after the handoff, and files that only the connector can get.

use handoff_core::world::CallError;
use handoff_model::{
    Content, Route,
    connector::{ConnectorError, Forward, Sent, Transfer, Transferred},
};
use serde_json::json;

use super::{
    Done, Subject,
    handoff::{begin, hand_over, read},
};
use crate::{
    Failure, Promise,
    fault::Fault,
    stage::{House, Stage, Trouble},
};

/// What is written after the handoff.
const LATER: [&str; 2] = ["Are you still there?", "It is urgent"];

/// Words whose answer was lost are looked up before they are said again, and arrive in order.
pub(crate) async fn once(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    let (stage, transfer) = begin(subject, house).await?;
    if transfer.route != Route::Bridge {
        return Ok(Done::LeftOut(
            "the scenario's chat is on the platform already, so no words are carried".to_owned(),
        ));
    }
    let held = hand_over(&stage, &transfer).await?;
    let before = stage.scene.requests();
    let sent = match stage.call("forward", json!(words(&stage, &transfer, &held, 0, false))).await {
        Ok(answer) => read::<Sent>(&stage, "forward", answer)?,
        Err(Trouble::Call(CallError::Connector(ConnectorError::Unsupported { .. }))) => {
            return Ok(Done::LeftOut("it carries no words".to_owned()));
        }
        Err(trouble) => return Err(stage.failure(Promise::P2, format!("words are not carried: {trouble}"))),
    };
    drop(sent);
    let requests = stage.scene.requests() - before;
    let again = stage.call("forward", json!(words(&stage, &transfer, &held, 1, false))).await;
    again.map_err(|trouble| stage.failure(Promise::P2, format!("words are not carried: {trouble}")))?;
    carried(&stage, &transfer, &LATER).await?;
    for n in 0..requests {
        for fault in [Fault::LostBefore, Fault::LostAfter, Fault::Truncated, Fault::ErrorAfter(500)] {
            let (stage, transfer) = begin(subject, house).await?;
            let held = hand_over(&stage, &transfer).await?;
            stage.scene.break_at(n, fault);
            say(&stage, &transfer, &held).await?;
            carried(&stage, &transfer, &LATER[..1]).await?;
        }
    }
    Ok(Done::Passed)
}

/// Says the first words until they are said, as the server does.
async fn say(stage: &Stage, transfer: &Transfer, held: &Transferred) -> Result<(), Failure> {
    let mut maybe_sent = false;
    for _ in 0..4 {
        match stage.call("forward", json!(words(stage, transfer, held, 0, maybe_sent))).await {
            Ok(_) => return Ok(()),
            Err(Trouble::Call(error)) => {
                maybe_sent |= matches!(error.into_connector_error(), ConnectorError::Lost { .. });
            }
            Err(Trouble::Silent) => return Err(stage.failure(Promise::P7, "forward was never answered")),
        }
    }
    Err(stage.failure(Promise::P2, "words are not carried within four attempts"))
}

fn words(stage: &Stage, transfer: &Transfer, held: &Transferred, n: usize, maybe_sent: bool) -> Forward {
    Forward {
        handoff: transfer.key.clone(),
        ticket: held.ticket.clone(),
        checkpoint: stage.scene.left().pop(),
        person: transfer.person.clone(),
        seq: transfer.transcript.len() as u64 + 1 + n as u64,
        content: Content::text(LATER[n]),
        maybe_sent,
    }
}

/// The platform has these words after those of the transcript, each once.
async fn carried(stage: &Stage, transfer: &Transfer, expected: &[&str]) -> Result<(), Failure> {
    let chats = stage.scene.platform.chats(transfer.key.as_str(), &stage.scene.kept()).await;
    stage.scene.note(format!("the platform now has {chats:?}"));
    let Some(words) = chats.first().and_then(|chat| chat.words.as_ref()) else { return Ok(()) };
    let later = words.get(transfer.transcript.len()..).unwrap_or_default();
    if later == expected {
        return Ok(());
    }
    let promise = if later.len() > expected.len() { Promise::P3 } else { Promise::P2 };
    Err(stage.failure(
        promise,
        format!("live agents read {later:?} after the transcript, and {expected:?} was said"),
    ))
}

/// A file at an address that is not the platform's is not fetched, least of all with the platform's credentials.
pub(crate) async fn fetch_elsewhere(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    let stage = subject.stage(house).await?;
    match stage.call("fetch", json!({ "address": "http://127.0.0.1:9/elsewhere" })).await {
        Err(Trouble::Call(CallError::Connector(ConnectorError::Unsupported { .. }))) => {
            Ok(Done::LeftOut("it offers no fetch".to_owned()))
        }
        Err(Trouble::Call(CallError::Connector(_) | CallError::NotBegun(_))) => Ok(Done::Passed),
        Ok(answer) => {
            Err(stage
                .failure(Promise::P5, format!("it fetched an address that is not its platform's: {answer}")))
        }
        Err(trouble) => Err(stage.failure(Promise::P7, format!("fetch ended with: {trouble}"))),
    }
}
