//! What the platform tells: to our webhook, or when it is asked.

use std::collections::BTreeSet;

use handoff_core::world::CallError;
use handoff_model::connector::{ConnectorError, PlatformEvent, Polled, Receive, Received};
use serde_json::{Value, json};

use super::{
    Done, Subject,
    handoff::{begin, hand_over, read},
};
use crate::{
    Failure, Promise,
    stage::{House, Stage, Trouble},
};

/// Deliveries are verified before they are read, and are the same events however often and in whatever order
/// they come.
pub(crate) async fn webhook(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    let (stage, transfer) = begin(subject, house).await?;
    let held = hand_over(&stage, &transfer).await?;
    let deliveries = stage.scene.platform.deliveries(&held.ticket.chat, stage.base()).await;
    if deliveries.is_empty() {
        return Ok(Done::LeftOut("the scenario's platform posts nothing".to_owned()));
    }
    for delivery in &deliveries {
        forged(&stage, subject, delivery).await?;
    }
    let once = receive_all(&stage, deliveries.iter()).await?;
    let twice = receive_all(&stage, deliveries.iter()).await?;
    let mut reversed = receive_all(&stage, deliveries.iter().rev()).await?;
    reversed.reverse();
    if once != twice || once != reversed {
        let text = "the same deliveries give other events when they come again, or in another order";
        return Err(stage.failure(Promise::P3, text));
    }
    let keys: BTreeSet<_> = once.iter().flatten().map(|event| &event.key).collect();
    if keys.len() != once.iter().flatten().count() {
        return Err(stage.failure(
            Promise::P2,
            "two different events have one key, so that one of them would be dropped",
        ));
    }
    junk(&stage, &deliveries[0]).await?;
    Ok(Done::Passed)
}

async fn receive_all(
    stage: &Stage,
    deliveries: impl Iterator<Item = &Receive>,
) -> Result<Vec<Vec<PlatformEvent>>, Failure> {
    let mut all = Vec::new();
    for delivery in deliveries {
        let answer = stage.call("receive", json!(delivery)).await.map_err(|trouble| {
            stage.failure(Promise::P2, format!("a delivery of the platform ends with: {trouble}"))
        })?;
        all.push(read::<Received>(stage, "receive", answer)?.events);
    }
    Ok(all)
}

/// Without the proof of where it comes from, a delivery is nobody's.
async fn forged(stage: &Stage, subject: &Subject<'_>, genuine: &Receive) -> Result<(), Failure> {
    let secrets = subject.scenario.map(|scenario| scenario.secrets()).unwrap_or_default();
    let spoilt = |text: &str| {
        secrets
            .values()
            .filter(|value| !value.is_empty())
            .fold(text.to_owned(), |text, value| text.replace(value.as_str(), &"x".repeat(value.len())))
    };
    let mut forged = genuine.clone();
    forged.headers.values_mut().for_each(|value| *value = spoilt(value));
    (forged.body, forged.query) = (spoilt(&forged.body), spoilt(&forged.query));
    if forged == *genuine {
        // The proof is a signature of some kind.
        forged.headers.clear();
    }
    match stage.call("receive", json!(forged)).await {
        Err(Trouble::Call(CallError::Connector(ConnectorError::Unverified { .. }))) => Ok(()),
        Ok(answer) => {
            let text = format!("a delivery without proof of where it comes from was believed: {answer}");
            Err(stage.failure(Promise::P4, text))
        }
        Err(trouble) => {
            Err(stage.failure(Promise::P4, format!("a forged delivery is to be unverified, not: {trouble}")))
        }
    }
}

/// A delivery that breaks off is unreadable, and nothing worse.
async fn junk(stage: &Stage, genuine: &Receive) -> Result<(), Failure> {
    let half = genuine.body.floor_char_boundary(genuine.body.len() / 2);
    let body = genuine.body[..half].to_owned();
    match stage.call("receive", json!(Receive { body, ..genuine.clone() })).await {
        Ok(_) | Err(Trouble::Call(CallError::Connector(_))) => Ok(()),
        Err(trouble) => Err(stage.failure(Promise::P7, format!("half a delivery ends with: {trouble}"))),
    }
}

/// A connector that polls can be asked again and again, also with a cursor that it never gave.
pub(crate) async fn poll(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    if !house.manifest.capabilities.polls {
        return Ok(Done::LeftOut("it does not poll".to_owned()));
    }
    let stage = subject.stage(house).await?;
    let mut cursor = Value::Null;
    for _ in 0..2 {
        let answer = stage.call("poll", json!({ "cursor": cursor })).await.map_err(|trouble| {
            stage.failure(Promise::P2, format!("asking for events ends with: {trouble}"))
        })?;
        let polled: Polled = read(&stage, "poll", answer)?;
        if polled.wait_ms == 0 {
            return Err(stage.failure(Promise::P7, "it wishes to be asked again at once, for ever"));
        }
        cursor = json!(polled.cursor);
    }
    match stage.call("poll", json!({ "cursor": { "kit": "never given" } })).await {
        Ok(_) | Err(Trouble::Call(CallError::Connector(_) | CallError::NotBegun(_))) => Ok(Done::Passed),
        Err(trouble) => Err(stage.failure(Promise::P7, format!("an unknown cursor ends with: {trouble}"))),
    }
}
