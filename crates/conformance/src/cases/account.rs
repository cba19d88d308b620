//! What the server asks of an account beside its chats: to be set up, who is there, what can be chosen.

use std::collections::BTreeSet;

use handoff_core::world::CallError;
use handoff_model::connector::{Availability, Choice, ConnectorError, Installed};
use serde_json::{Value, json};

use super::{Done, Subject, handoff::read};
use crate::{
    Failure, Promise,
    fault::Fault,
    stage::{House, Stage, Trouble},
};

/// What the webhook's address is said to be.
pub(crate) const WEBHOOK: &str = "https://handoff.example/webhooks/kit";
/// Attempts after which setting up is given up.
const ATTEMPTS: usize = 4;
/// Faults after which an account is set up all the same.
const WHILE_INSTALLING: [Fault; 4] =
    [Fault::LostBefore, Fault::LostAfter, Fault::Truncated, Fault::ErrorAfter(500)];
/// Faults by which the platform does not say what it was asked.
const SAYS_NOTHING: [Fault; 5] =
    [Fault::LostBefore, Fault::Truncated, Fault::Page, Fault::OtherJson, Fault::Error(500)];

/// Whether the connector says that it does not offer the verb.
pub(crate) fn is_not_offered(answer: &Result<Value, Trouble>) -> bool {
    matches!(answer, Err(Trouble::Call(CallError::Connector(ConnectorError::Unsupported { .. }))))
}

/// Setting an account up again changes nothing, also when it broke off before.
pub(crate) async fn install(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    let stage = subject.bare_stage(house).await?;
    let answer = stage.call("install", json!({ "webhook_url": WEBHOOK })).await;
    if is_not_offered(&answer) {
        return Ok(Done::LeftOut("it has nothing to set up".to_owned()));
    }
    let failed = |trouble| stage.failure(Promise::P7, format!("setting the account up ends with: {trouble}"));
    read::<Installed>(&stage, "install", answer.map_err(failed)?)?;
    let requests = stage.scene.requests();
    let expected = stage.scene.platform.set_up().await;
    set_up(&stage).await?;
    is_as(&stage, &expected, "setting it up a second time").await?;
    for n in 0..requests {
        for fault in WHILE_INSTALLING {
            let stage = subject.bare_stage(house).await?;
            stage.scene.break_at(n, fault);
            set_up(&stage).await?;
            is_as(&stage, &expected, &format!("{fault:?} at request {} and setting it up again", n + 1))
                .await?;
        }
    }
    Ok(Done::Passed)
}

/// Sets up until it works, as the server does.
async fn set_up(stage: &Stage) -> Result<(), Failure> {
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        match stage.call("install", json!({ "webhook_url": WEBHOOK })).await {
            Ok(answer) => return read::<Installed>(stage, "install", answer).map(drop),
            Err(trouble) => last = trouble.to_string(),
        }
    }
    Err(stage.failure(Promise::P7, format!("the account is not set up within {ATTEMPTS} attempts: {last}")))
}

async fn is_as(stage: &Stage, expected: &Option<String>, after: &str) -> Result<(), Failure> {
    let found = stage.scene.platform.set_up().await;
    if found == *expected {
        return Ok(());
    }
    let text = format!("after {after} the platform has {found:?}, and after the first time {expected:?}");
    Err(stage.failure(Promise::P3, text))
}

/// Nobody is told that live agents are there, or not, unless the platform says so.
pub(crate) async fn availability(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    let stage = subject.stage(house).await?;
    let before = stage.scene.requests();
    let answer = stage.call("availability", json!({})).await;
    if is_not_offered(&answer) {
        return Ok(Done::LeftOut("it does not say whether anybody is there".to_owned()));
    }
    let failed =
        |trouble| stage.failure(Promise::P4, format!("the platform answers, and it ends with: {trouble}"));
    let found: Availability = read(&stage, "availability", answer.map_err(failed)?)?;
    let contrary = match stage.scene.platform.attended() {
        Some(true) => Some(Availability::No),
        Some(false) => Some(Availability::Yes),
        None => None,
    };
    if contrary == Some(found) {
        let text = format!("whether live agents are there is said to be {found:?}, and is not so");
        return Err(stage.failure(Promise::P4, text));
    }
    let requests = stage.scene.requests() - before;
    for n in 0..requests {
        for fault in SAYS_NOTHING {
            let stage = subject.stage(house).await?;
            stage.scene.break_at(n, fault);
            let last = stage.scene.requests() + n + 1;
            let Ok(answer) = stage.call("availability", json!({})).await else { continue };
            let found: Availability = read(&stage, "availability", answer)?;
            if found != Availability::Unknown && stage.scene.requests() == last {
                let text = format!(
                    "{fault:?} at request {}: whether live agents are there is said to be {found:?}, and the \
                     platform did not say",
                    n + 1
                );
                return Err(stage.failure(Promise::P4, text));
            }
        }
    }
    Ok(Done::Passed)
}

/// What can be chosen is what the platform has, each once, and never *nothing* because nobody could look.
pub(crate) async fn options(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    let stage = subject.stage(house).await?;
    let unknown = stage.call("options", json!({ "field": "kit_no_such_field" })).await;
    if is_not_offered(&unknown) && subject.fields().is_empty() {
        return Ok(Done::LeftOut("it offers no choices, or the scenario names no fields".to_owned()));
    }
    if let Ok(answer) = unknown
        && !read::<Vec<Choice>>(&stage, "options", answer)?.is_empty()
    {
        return Err(stage.failure(Promise::P4, "it offers choices for a field that nobody knows"));
    }
    for field in subject.fields() {
        let stage = subject.stage(house).await?;
        let before = stage.scene.requests();
        let request = json!({ "field": field });
        let answer = stage.call("options", request.clone()).await.map_err(|trouble| {
            stage.failure(Promise::P4, format!("the choices for {field} end with: {trouble}"))
        })?;
        sound(&stage, &field, &read::<Vec<Choice>>(&stage, "options", answer)?)?;
        for n in 0..stage.scene.requests() - before {
            for fault in SAYS_NOTHING {
                let stage = subject.stage(house).await?;
                stage.scene.break_at(n, fault);
                let last = stage.scene.requests() + n + 1;
                let answer = stage.call("options", request.clone()).await;
                if let (Ok(answer), true) = (&answer, stage.scene.requests() == last) {
                    let text = format!(
                        "{fault:?} at request {}: the choices for {field} are said to be {answer}, and the platform \
                         did not say",
                        n + 1
                    );
                    return Err(stage.failure(Promise::P4, text));
                }
            }
        }
    }
    Ok(Done::Passed)
}

fn sound(stage: &Stage, field: &str, choices: &[Choice]) -> Result<(), Failure> {
    let values: BTreeSet<_> = choices.iter().map(|choice| choice.value.as_str()).collect();
    let blank = |text: &str| text.trim().is_empty();
    let wrong = match choices.iter().find(|choice| blank(&choice.value) || blank(&choice.label)) {
        _ if choices.is_empty() => Some("none, and the platform has some".to_owned()),
        Some(choice) => Some(format!("one without a value or a name: {choice:?}")),
        None if values.len() < choices.len() => Some(format!("one value twice: {choices:?}")),
        None => None,
    };
    wrong.map_or(Ok(()), |wrong| {
        Err(stage.failure(Promise::P4, format!("the choices for {field} have {wrong}")))
    })
}
