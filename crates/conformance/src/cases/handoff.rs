//! A handoff as the server sees it through, and what must be so afterwards.

use std::time::Duration;

use handoff_core::world::CallError;
use handoff_model::connector::{Advice, Check, ConnectorError, Found, Transfer, Transferred};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Done, Subject};
use crate::{
    Failure, Promise,
    fault::Fault,
    stage::{House, Stage, Trouble},
};

/// Attempts after which a handoff that does not end is given up.
const ATTEMPTS: usize = 16;
/// Real pause where nothing can be waited for.
const PAUSE: Duration = Duration::from_millis(20);

/// Key of the handoff in a case.
const KEY: &str = "kit-handoff-1";

/// A stage, a chat that is to leave, and what the platform would say of it.
pub(crate) async fn begin(subject: &Subject<'_>, house: &mut House) -> Result<(Stage, Transfer), Failure> {
    begin_as(subject, house, KEY).await
}

/// The same for a handoff with this key.
pub(crate) async fn begin_as(
    subject: &Subject<'_>,
    house: &mut House,
    key: &str,
) -> Result<(Stage, Transfer), Failure> {
    let stage = subject.stage(house).await?;
    let transfer = stage.scene.platform.transfer(key).await;
    Ok((stage, transfer))
}

/// Sees a transfer through as the server does: waits, looks, goes on.
pub(crate) async fn hand_over(stage: &Stage, transfer: &Transfer) -> Result<Transferred, Failure> {
    go_on(stage, transfer, stage.scene.left().pop(), false).await
}

/// The same from a checkpoint, with a look first when an earlier attempt may have had its effect.
pub(crate) async fn go_on(
    stage: &Stage,
    transfer: &Transfer,
    mut checkpoint: Option<Value>,
    mut look_first: bool,
) -> Result<Transferred, Failure> {
    for _ in 0..ATTEMPTS {
        if look_first {
            match look(stage, transfer, checkpoint).await? {
                Looked::There(there) => return Ok(there),
                Looked::From(from) => checkpoint = from,
            }
        }
        let before = stage.scene.left().len();
        let attempt = Transfer { checkpoint: checkpoint.clone(), ..transfer.clone() };
        let trouble = match stage.call("transfer", json!(attempt)).await {
            Ok(answer) => return read(stage, "transfer", answer),
            Err(trouble) => trouble,
        };
        let left = stage.scene.left();
        if left.len() > before {
            checkpoint = left.last().cloned();
        }
        look_first = after(stage, trouble).await?;
    }
    Err(stage.failure(Promise::P7, format!("the handoff does not end within {ATTEMPTS} attempts")))
}

/// Whether the server would look before it asks again.
pub(crate) async fn after(stage: &Stage, trouble: Trouble) -> Result<bool, Failure> {
    let Trouble::Call(error) = trouble else {
        return Err(stage.failure(Promise::P7, "transfer was never answered"));
    };
    if matches!(error, CallError::NotBegun(_)) {
        // A worker may be on its way.
        tokio::time::sleep(PAUSE).await;
    }
    match error.clone().into_connector_error().advice() {
        Advice::RetryAfter(_) | Advice::Retry => Ok(false),
        Advice::LookFirst => Ok(true),
        Advice::GiveUp | Advice::Reauthorise => {
            let text =
                format!("the handoff fails for good although the platform would take the chat: {error}");
            Err(stage.failure(Promise::P2, text))
        }
    }
}

/// What a look found.
enum Looked {
    There(Transferred),
    /// Nothing, or something half done: where to go on from.
    From(Option<Value>),
}

async fn look(stage: &Stage, transfer: &Transfer, checkpoint: Option<Value>) -> Result<Looked, Failure> {
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        let request = json!({ "transfer": Transfer { checkpoint: checkpoint.clone(), ..transfer.clone() } });
        match stage.call("find", request).await {
            Ok(answer) => match read::<Found>(stage, "find", answer)? {
                Found::There(there) => return Ok(Looked::There(there)),
                Found::Partly { checkpoint, .. } => return Ok(Looked::From(Some(checkpoint))),
                Found::Absent { .. } => return Ok(Looked::From(None)),
                Found::Unknown { detail } => last = detail,
            },
            Err(Trouble::Silent) => return Err(stage.failure(Promise::P7, "find was never answered")),
            Err(trouble) => {
                tokio::time::sleep(PAUSE).await;
                last = trouble.to_string();
            }
        }
    }
    let text = format!(
        "a look does not find out what became of the transfer, although the platform answers: {last}"
    );
    Err(stage.failure(Promise::P4, text))
}

/// An answer in the words of the model.
pub(crate) fn read<T: DeserializeOwned>(stage: &Stage, verb: &str, answer: Value) -> Result<T, Failure> {
    serde_json::from_value(answer).map_err(|error| {
        stage.failure(Promise::P4, format!("the answer of {verb} is not what the model says: {error}"))
    })
}

/// Live agents have the chat, once, whole and in order, and the ticket names it.
pub(crate) async fn once(stage: &Stage, transfer: &Transfer, held: &Transferred) -> Result<(), Failure> {
    let chats = stage.scene.platform.chats(transfer.key.as_str(), &stage.scene.kept()).await;
    stage.scene.note(format!("the platform now has {chats:?}"));
    let [chat] = chats.as_slice() else {
        let promise = if chats.is_empty() { Promise::P4 } else { Promise::P3 };
        let text =
            format!("the handoff is said to be done, and the platform has {} chats of it", chats.len());
        return Err(stage.failure(promise, text));
    };
    if !chat.held {
        return Err(
            stage.failure(Promise::P4, "the handoff is said to be done, and no live agents have the chat")
        );
    }
    if chat.id != held.ticket.chat {
        let text =
            format!("the ticket names the chat {}, and the platform calls it {}", held.ticket.chat, chat.id);
        return Err(stage.failure(Promise::P4, text));
    }
    let said: Vec<_> = transfer.transcript.iter().map(|message| message.content.text.as_str()).collect();
    match &chat.words {
        Some(words) if *words != said => {
            let text = format!("live agents read {words:?}, and what was said is {said:?}");
            Err(stage.failure(if words.len() > said.len() { Promise::P3 } else { Promise::P2 }, text))
        }
        _ => Ok(()),
    }
}

/// The platform takes a chat.
pub(crate) async fn whole(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    let (stage, transfer) = begin(subject, house).await?;
    let held = match stage.call("transfer", json!(transfer)).await {
        Ok(answer) => read(&stage, "transfer", answer)?,
        Err(trouble) => {
            let text = format!("nothing is in the way, and the transfer ends with: {trouble}");
            return Err(stage.failure(Promise::P2, text));
        }
    };
    once(&stage, &transfer, &held).await?;
    Ok(Done::Passed)
}

/// A look finds what is there and nothing else.
pub(crate) async fn find(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    let (stage, transfer) = begin(subject, house).await?;
    let before = stage.call("find", json!({ "transfer": transfer })).await;
    if let Ok(answer) = before
        && let Found::There(_) | Found::Partly { held: true, .. } = read(&stage, "find", answer)?
    {
        let text = "a look finds a chat with live agents that nobody has given to them";
        return Err(stage.failure(Promise::P4, text));
    }
    let held = hand_over(&stage, &transfer).await?;
    for checkpoint in [stage.scene.left().pop(), None] {
        let known = checkpoint.is_some();
        let request = json!({ "transfer": Transfer { checkpoint, ..transfer.clone() } });
        let answer = stage.call("find", request).await.map_err(|trouble| {
            stage.failure(Promise::P4, format!("a look at a platform that answers ends with: {trouble}"))
        })?;
        match read(&stage, "find", answer)? {
            Found::There(there) if there.ticket.chat == held.ticket.chat => {}
            Found::Partly { .. } if !known => {}
            found => {
                let text = format!("live agents have the chat, and a look finds {found:?}");
                return Err(stage.failure(Promise::P3, text));
            }
        }
    }
    Ok(Done::Passed)
}

/// The server died before it could write down that the handoff is done, and begins again.
pub(crate) async fn same_key_again(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    for with_checkpoint in [true, false] {
        let (stage, transfer) = begin(subject, house).await?;
        hand_over(&stage, &transfer).await?;
        let checkpoint = stage.scene.left().pop().filter(|_| with_checkpoint);
        let held = go_on(&stage, &transfer, checkpoint, true).await?;
        once(&stage, &transfer, &held).await?;
    }
    Ok(Done::Passed)
}

/// Whoever is told that somebody else took over stops at once.
pub(crate) async fn superseded(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    let (stage, transfer) = begin(subject, house).await?;
    hand_over(&stage, &transfer).await?;
    let checkpoints = stage.scene.left().len();
    for n in 0..checkpoints {
        let (stage, transfer) = begin(subject, house).await?;
        stage.scene.supersede_from(n);
        let answer = stage.call("transfer", json!(transfer)).await;
        let stopped = matches!(&answer, Err(Trouble::Call(CallError::Connector(ConnectorError::Superseded))));
        let since = stage.scene.sent_since_superseded();
        if !stopped || since > 0 {
            let text = format!(
                "its checkpoint {n} was answered with superseded, which means that another server goes on; it sent \
                 {since} more requests and ended with {}",
                answer.map_or_else(|trouble| trouble.to_string(), |answer| answer.to_string())
            );
            return Err(stage.failure(Promise::P1, text));
        }
        stage.scene.supersede_from(usize::MAX);
        let held = go_on(&stage, &transfer, stage.scene.left().pop(), true).await?;
        once(&stage, &transfer, &held).await?;
    }
    match checkpoints {
        0 => Ok(Done::LeftOut("a transfer of it leaves no checkpoints".to_owned())),
        _ => Ok(Done::Passed),
    }
}

/// What an attempt left behind is taken back, also twice, also when nothing is there.
pub(crate) async fn withdraw(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    let (stage, transfer) = begin(subject, house).await?;
    stage.scene.break_at(1, Fault::Error(503));
    drop(stage.call("transfer", json!(transfer)).await);
    stage.scene.mend();
    let request =
        json!({ "transfer": Transfer { checkpoint: stage.scene.left().pop(), ..transfer.clone() } });
    for _ in 0..2 {
        match stage.call("withdraw", request.clone()).await {
            Ok(_) => {}
            Err(Trouble::Call(CallError::Connector(ConnectorError::Unsupported { .. }))) => {
                return Ok(Done::LeftOut("it offers no withdraw".to_owned()));
            }
            Err(trouble) => {
                let text = format!("taking back what an attempt left ends with: {trouble}");
                return Err(stage.failure(Promise::P4, text));
            }
        }
    }
    Ok(Done::Passed)
}

/// The account is fine and said to be; with wrong credentials it is not.
pub(crate) async fn check(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    let stage = subject.stage(house).await?;
    let before = stage.scene.requests();
    match stage.call("check", Value::Null).await {
        Ok(answer) => {
            let check: Check = read(&stage, "check", answer)?;
            if let Some(finding) = check.findings.iter().find(|finding| !finding.only_a_warning) {
                let text = format!("the account is as it should be, and check finds: {}", finding.problem);
                return Err(stage.failure(Promise::P4, text));
            }
        }
        Err(Trouble::Call(CallError::Connector(ConnectorError::Unsupported { .. }))) => {
            return Ok(Done::LeftOut("it offers no check".to_owned()));
        }
        Err(trouble) => return Err(stage.failure(Promise::P4, format!("check ends with: {trouble}"))),
    }
    if stage.scene.requests() == before {
        return Ok(Done::Passed);
    }
    stage.scene.break_at(0, Fault::Error(401));
    let seen = match stage.call("check", Value::Null).await {
        Ok(answer) => !read::<Check>(&stage, "check", answer)?.findings.is_empty(),
        Err(_) => true,
    };
    // One that renews its credentials by itself has mended what was wrong.
    if seen || stage.scene.requests() > before + 2 {
        return Ok(Done::Passed);
    }
    Err(stage.failure(Promise::P4, "the platform refuses the credentials, and check finds nothing"))
}
