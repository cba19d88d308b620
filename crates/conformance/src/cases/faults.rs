//! A handoff through everything that can go wrong, at every request and at every wait.

use handoff_core::{plugins::Mode, world::CallError};
use handoff_model::connector::{Advice, ConnectorError, Transfer, Transferred};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::{
    Done, Subject,
    handoff::{begin, go_on, hand_over, once, read},
};
use crate::{
    Failure, Promise,
    fault::{Fault, PASSING},
    program,
    stage::{House, Stage, Trouble},
};

/// Answers by which a platform refuses a request.
const REFUSALS: [u16; 6] = [400, 403, 404, 409, 413, 422];

/// How many requests a handoff takes, and at how many points it waits for its host.
async fn measure(subject: &Subject<'_>, house: &mut House) -> Result<(usize, usize), Failure> {
    let (stage, transfer) = begin(subject, house).await?;
    let (requests, points) = (stage.scene.requests(), stage.scene.passed());
    hand_over(&stage, &transfer).await?;
    Ok((stage.scene.requests() - requests, stage.scene.passed() - points))
}

/// One fault at one request: in the end live agents have the chat, once and whole.
pub(crate) async fn passing(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    let (requests, _) = measure(subject, house).await?;
    for n in 0..requests {
        for fault in PASSING {
            let (stage, transfer) = begin(subject, house).await?;
            stage.scene.break_at(n, fault);
            let held = hand_over(&stage, &transfer).await.map_err(|failure| at(failure, n, fault))?;
            once(&stage, &transfer, &held).await.map_err(|failure| at(failure, n, fault))?;
        }
    }
    Ok(none_without(requests))
}

fn at(failure: Failure, n: usize, fault: Fault) -> Failure {
    Failure { text: format!("{fault:?} at request {}: {}", n + 1, failure.text), ..failure }
}

fn none_without(requests: usize) -> Done {
    match requests {
        0 => Done::LeftOut("a transfer of it sends no requests".to_owned()),
        _ => Done::Passed,
    }
}

/// The platform asks to wait: nothing was done, and it is waited for as long as it says.
pub(crate) async fn asked_to_wait(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    let (requests, _) = measure(subject, house).await?;
    for n in 0..requests {
        for wait in [Some(7), None] {
            let fault = Fault::Limited(wait);
            let (stage, transfer) = begin(subject, house).await?;
            stage.scene.break_at(n, fault);
            let limited = stage.scene.requests() + n + 1;
            let answer = stage.call("transfer", json!(transfer)).await;
            // Whoever leaves it at that need not wait.
            let went_on = stage.scene.requests() > limited;
            waited(&stage, &answer, wait.filter(|_| went_on || answer.is_err()))
                .map_err(|failure| at(failure, n, fault))?;
            let look_first = !matches!(&answer, Err(Trouble::Call(error)) if !is_doubt(error));
            let held = go_on(&stage, &transfer, stage.scene.left().pop(), look_first).await;
            once(&stage, &transfer, &held.map_err(|failure| at(failure, n, fault))?)
                .await
                .map_err(|failure| at(failure, n, fault))?;
        }
    }
    Ok(none_without(requests))
}

/// Whether the outcome of a call is open.
fn is_doubt(error: &CallError) -> bool {
    matches!(error, CallError::Lost(_) | CallError::Connector(ConnectorError::Lost { .. }))
}

fn waited(
    stage: &Stage,
    answer: &Result<serde_json::Value, Trouble>,
    wait: Option<u32>,
) -> Result<(), Failure> {
    let least = u64::from(wait.unwrap_or(0)) * 1000;
    let asked = wait.map_or("to wait".to_owned(), |seconds| format!("to wait {seconds} seconds"));
    let fits = match answer {
        Ok(_) => stage.scene.slept_ms() >= least,
        Err(Trouble::Call(CallError::Connector(ConnectorError::RateLimited { after_ms, .. }))) => {
            *after_ms + stage.scene.slept_ms() >= least && *after_ms > 0
        }
        Err(Trouble::Call(CallError::Connector(ConnectorError::Unavailable { .. }))) => wait.is_none(),
        Err(Trouble::Call(error)) => is_doubt(error),
        Err(Trouble::Silent) => false,
    };
    if fits {
        return Ok(());
    }
    let text = match answer {
        Ok(_) => format!("the platform asks {asked}, and the connector goes on at once"),
        Err(trouble) => format!("the platform asks {asked}, and the connector says: {trouble}"),
    };
    Err(stage.failure(Promise::P2, text))
}

/// The platform no longer accepts the credentials: that is said, or mended, and never taken for something else.
pub(crate) async fn credentials(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    let (requests, _) = measure(subject, house).await?;
    for n in 0..requests {
        let fault = Fault::Error(401);
        let (stage, transfer) = begin(subject, house).await?;
        stage.scene.break_at(n, fault);
        let answer = stage.call("transfer", json!(transfer)).await;
        let fits = match &answer {
            Ok(_) => true,
            Err(Trouble::Call(CallError::Connector(ConnectorError::Unauthorised { .. }))) => true,
            Err(Trouble::Call(error)) => is_doubt(error),
            Err(Trouble::Silent) => false,
        };
        if !fits {
            let text = format!(
                "the platform no longer accepts the credentials, and the connector says: {}",
                answer.map_or_else(|trouble| trouble.to_string(), |answer| answer.to_string())
            );
            return Err(at(stage.failure(Promise::P4, text), n, fault));
        }
        let held = go_on(&stage, &transfer, stage.scene.left().pop(), true).await;
        once(&stage, &transfer, &held.map_err(|failure| at(failure, n, fault))?)
            .await
            .map_err(|failure| at(failure, n, fault))?;
    }
    Ok(none_without(requests))
}

/// The platform refuses one request: whoever gives the handoff up for good leaves the chat with nobody, and whoever
/// goes on brings it to its end.
pub(crate) async fn refused(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    let (requests, _) = measure(subject, house).await?;
    for n in 0..requests {
        for status in REFUSALS {
            let fault = Fault::Error(status);
            let (stage, transfer) = begin(subject, house).await?;
            stage.scene.break_at(n, fault);
            let answer = stage.call("transfer", json!(transfer)).await;
            stage.scene.mend();
            let ended = match answer {
                Ok(answer) => there(&stage, &transfer, &read(&stage, "transfer", answer)?).await,
                Err(Trouble::Call(error)) if is_final(&error) => {
                    nobody_has_it(&stage, &transfer, &error).await
                }
                Err(trouble) => {
                    let look_first = !matches!(&trouble, Trouble::Call(error) if !is_doubt(error));
                    let held = go_on(&stage, &transfer, stage.scene.left().pop(), look_first).await;
                    match held {
                        Ok(held) => there(&stage, &transfer, &held).await,
                        Err(failure) => Err(failure),
                    }
                }
            };
            ended.map_err(|failure| at(failure, n, fault))?;
        }
    }
    Ok(none_without(requests))
}

/// Live agents have the chat; a line may stand in the place of what the platform would not take.
async fn there(stage: &Stage, transfer: &Transfer, held: &Transferred) -> Result<(), Failure> {
    let chats = stage.scene.platform.chats(transfer.key.as_str(), &stage.scene.kept()).await;
    let replaced = chats.first().and_then(|chat| chat.words.as_ref()).is_some_and(|words| {
        let same = transfer.transcript.iter().zip(words).filter(|(said, word)| said.content.text == **word);
        words.len() == transfer.transcript.len() && same.count() + 1 == words.len()
    });
    if replaced && chats.len() == 1 && chats[0].held && chats[0].id == held.ticket.chat {
        return Ok(());
    }
    once(stage, transfer, held).await
}

/// Whether the server gives the handoff up and lets the assistant answer again.
fn is_final(error: &CallError) -> bool {
    matches!(error.clone().into_connector_error().advice(), Advice::GiveUp | Advice::Reauthorise)
}

/// What was half made is taken back, as the server does, and then no live agent has it.
async fn nobody_has_it(stage: &Stage, transfer: &Transfer, error: &CallError) -> Result<(), Failure> {
    let left = Transfer { checkpoint: stage.scene.left().pop(), ..transfer.clone() };
    // It may offer no such thing.
    drop(stage.call("withdraw", json!({ "transfer": left })).await);
    let chats = stage.scene.platform.chats(transfer.key.as_str(), &stage.scene.kept()).await;
    stage.scene.note(format!("the platform now has {chats:?}"));
    if !chats.iter().any(|chat| chat.held) {
        return Ok(());
    }
    let text = format!(
        "live agents have the chat, and the handoff fails for good, so that the assistant answers too: {error}"
    );
    Err(stage.failure(Promise::P1, text))
}

/// The server gives the call up at every point at which it waits, and begins again.
pub(crate) async fn cancelled(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    let (_, points) = measure(subject, house).await?;
    for n in 0..points {
        let (stage, transfer) = begin(subject, house).await?;
        stage.scene.stop_at(n);
        let ended = stage.cut_short("transfer", json!(transfer)).await;
        stage.scene.mend();
        if let Some(Err(trouble)) = ended {
            return Err(
                stage.failure(Promise::P7, format!("given up at its wait {}, and before: {trouble}", n + 1))
            );
        }
        let told = |failure: Failure| Failure {
            text: format!("given up at its wait {}: {}", n + 1, failure.text),
            ..failure
        };
        let held = go_on(&stage, &transfer, stage.scene.left().pop(), true).await.map_err(told)?;
        once(&stage, &transfer, &held).await.map_err(told)?;
    }
    Ok(Done::Passed)
}

/// The process that runs it is killed in the middle: nobody knows what became of the call, until a look finds out.
pub(crate) async fn worker_killed(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    if house.mode != Mode::Worker {
        return Ok(Done::LeftOut("it has no process of its own".to_owned()));
    }
    let (_, points) = measure(subject, house).await?;
    let mut middle = vec![points / 4, points / 2, points * 3 / 4];
    middle.dedup();
    for n in middle {
        let (stage, transfer) = begin(subject, house).await?;
        stage.scene.stop_at(n);
        let (answer, killed) = {
            let call = stage.call("transfer", json!(transfer));
            tokio::pin!(call);
            tokio::select! {
                biased;
                answer = &mut call => (answer, 0),
                () = stage.scene.until_stopped() => {
                    let killed = kill_workers(house);
                    (call.await, killed)
                }
            }
        };
        house.kills += killed;
        stage.scene.mend();
        if !matches!(&answer, Err(Trouble::Call(CallError::Lost(_)))) {
            let text = format!(
                "its process was killed in the middle of a call, and the call ended with {}",
                answer.map_or_else(|trouble| trouble.to_string(), |answer| answer.to_string())
            );
            return Err(stage.failure(Promise::P7, text));
        }
        let held = go_on(&stage, &transfer, stage.scene.left().pop(), true).await?;
        once(&stage, &transfer, &held).await?;
    }
    Ok(Done::Passed)
}

/// Kills every process of the connector; how many.
fn kill_workers(house: &House) -> u64 {
    let ids = program::workers(&house.vault()).into_iter();
    let ids = ids.filter_map(|id| Pid::from_raw(i32::try_from(id).ok()?));
    ids.filter(|id| kill_process(*id, Signal::KILL).is_ok()).count() as u64
}
