//! What the assistant says to a person on the platform's own channel.

use handoff_core::world::CallError;
use handoff_model::{
    Content,
    connector::{ConnectorError, Send, Sent},
};
use serde_json::json;

use super::{Done, Subject, account::is_not_offered, handoff::read};
use crate::{
    Failure, Promise,
    fault::Fault,
    stage::{House, Stage, Trouble},
};

/// What the assistant says.
const REPLIES: [&str; 2] = ["Your parcel is on its way.", "Anything else?"];
/// Attempts after which a reply is given up.
const ATTEMPTS: usize = 4;

/// Replies arrive in order, and once although their answer was lost.
pub(crate) async fn once(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    let stage = subject.stage(house).await?;
    let Some(chat) = stage.scene.platform.own_chat().await else {
        return Ok(Done::LeftOut("the scenario's platform has no channel of its own".to_owned()));
    };
    let before = stage.scene.requests();
    let first = stage.call("send", json!(reply(&chat, 0, false))).await;
    if is_not_offered(&first) {
        return Ok(Done::LeftOut("it sends no replies".to_owned()));
    }
    let failed = |trouble| stage.failure(Promise::P2, format!("a reply is not sent: {trouble}"));
    read::<Sent>(&stage, "send", first.map_err(failed)?)?;
    let requests = stage.scene.requests() - before;
    say(&stage, &chat, 1).await?;
    arrived(&stage, &chat, &REPLIES, false).await?;
    for n in 0..requests {
        for fault in [Fault::LostBefore, Fault::LostAfter, Fault::Truncated, Fault::ErrorAfter(500)] {
            let stage = subject.stage(house).await?;
            let chat = stage.scene.platform.own_chat().await.unwrap_or_default();
            stage.scene.break_at(n, fault);
            let unknown = say(&stage, &chat, 0).await?;
            arrived(&stage, &chat, &REPLIES[..1], unknown).await.map_err(|failure| Failure {
                text: format!("{fault:?} at request {}: {}", n + 1, failure.text),
                ..failure
            })?;
        }
    }
    Ok(Done::Passed)
}

fn reply(chat: &str, n: usize, maybe_sent: bool) -> Send {
    let (key, content) = (format!("kit-reply-{n}"), Content::text(REPLIES[n]));
    Send { chat: chat.to_owned(), key, content, maybe_sent }
}

/// Says it until it is said, as the server does; whether nobody can tell.
async fn say(stage: &Stage, chat: &str, n: usize) -> Result<bool, Failure> {
    let mut maybe_sent = false;
    for _ in 0..ATTEMPTS {
        match stage.call("send", json!(reply(chat, n, maybe_sent))).await {
            Ok(answer) => return Ok(read::<Sent>(stage, "send", answer)?.unknown && maybe_sent),
            Err(Trouble::Call(error @ CallError::Connector(ConnectorError::Refused { .. }))) => {
                let text = format!("the platform would take a reply, and it is given up: {error}");
                return Err(stage.failure(Promise::P2, text));
            }
            Err(Trouble::Call(error)) => {
                maybe_sent |= matches!(error.into_connector_error(), ConnectorError::Lost { .. });
            }
            Err(Trouble::Silent) => return Err(stage.failure(Promise::P7, "send was never answered")),
        }
    }
    Err(stage.failure(Promise::P2, format!("a reply is not sent within {ATTEMPTS} attempts")))
}

/// The person reads these, each once; perhaps none where nobody can tell.
async fn arrived(stage: &Stage, chat: &str, expected: &[&str], unknown: bool) -> Result<(), Failure> {
    let said = stage.scene.platform.said(chat).await;
    stage.scene.note(format!("the person reads {said:?}"));
    if said == expected || (unknown && said.is_empty()) {
        return Ok(());
    }
    let promise = if said.len() > expected.len() { Promise::P3 } else { Promise::P2 };
    Err(stage.failure(promise, format!("the person reads {said:?}, and {expected:?} was said")))
}
