//! One version takes over from another while handoffs are under way, and back again.
//!
//! Where no other file is given, the new version is the same code under a higher number.

use futures::future::{try_join, try_join_all};
use handoff_core::plugins::{self, FileState};
use handoff_model::{Timestamp, connector::Transfer};
use serde_json::{Value, json};
use tokio::{sync::watch, time::timeout};

use super::{
    Done, Subject,
    handoff::{after, go_on, once, read},
};
use crate::{
    Failure, Promise, elf,
    fault::Fault,
    moving::Moving,
    settings,
    stage::{House, Stage},
};

/// Chats that leave all the time.
const CALLERS: usize = 4;
/// Handoffs that are done before and after each exchange.
const ENOUGH: usize = 4;

/// Every call that is under way while one version takes over from another is answered, and what one version began
/// the other one goes on with.
pub(crate) async fn upgrade(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    let file = std::fs::read(&house.terms.file).unwrap_or_default();
    let version = house.manifest.version.clone();
    let (old, new) = match &house.terms.before {
        Some(before) => {
            let bytes = std::fs::read(before).unwrap_or_default();
            let Some(known) = plugins::inspect(before).ok().map(|found| found.manifest.version.clone())
            else {
                return Err(Failure::new(Promise::P7, "the file of the earlier version cannot be read"));
            };
            ((known, bytes), (version, file))
        }
        None => match elf::newer(&file, &version) {
            Some(newer) => ((version, file), newer),
            None => {
                return Ok(Done::LeftOut("no higher version of the same length can be made up".to_owned()));
            }
        },
    };
    let mut moving = house.moving(&old.1, &|base| subject.settings(base), CALLERS + 2).await?;
    let mut stages = Vec::new();
    for _ in 0..CALLERS + 2 {
        stages.push(subject.enter(house, &mut moving).await?);
    }
    let (Some(one), Some(other)) = (stages.pop(), stages.pop()) else { return Ok(Done::Passed) };
    let (told, done) = watch::channel(0_usize);
    let load = try_join_all(stages.iter().enumerate().map(|(caller, stage)| busy(stage, caller, &told)));
    let exchange = async {
        goes_on(&done).await;
        let from_old = half(&one, "kit-half-there").await;
        moving.put(&new.1).map_err(|error| one.failure(Promise::P7, format!("no file: {error}")))?;
        serves(&moving, &new.0, &one).await?;
        goes_on(&done).await;
        end(&one, from_old).await?;
        let from_new = half(&other, "kit-half-back").await;
        let connector = house.manifest.id.clone();
        let back = plugins::set_back(&moving.vault, &connector, Timestamp(1_790_000_000_000));
        back.map_err(|error| other.failure(Promise::P7, format!("there is no way back: {error}")))?;
        serves(&moving, &old.0, &other).await?;
        goes_on(&done).await;
        end(&other, from_new).await?;
        told.send_replace(usize::MAX);
        Ok(())
    };
    try_join(load, exchange).await?;
    Ok(Done::Passed)
}

/// Gives one chat after another away until it is over. Nothing is in the way, so nothing may go wrong. All callers may
/// have one platform, so no two of them have a key in common.
async fn busy(stage: &Stage, caller: usize, told: &watch::Sender<usize>) -> Result<(), Failure> {
    let mut n = 0;
    while *told.borrow() != usize::MAX {
        n += 1;
        let transfer = stage.scene.platform.transfer(&format!("kit-load-{caller}-{n}")).await;
        let answer = stage.call("transfer", json!(transfer)).await.map_err(|trouble| {
            let text = format!("while another version takes over, a transfer ends with: {trouble}");
            stage.failure(Promise::P2, text)
        })?;
        once(stage, &transfer, &read(stage, "transfer", answer)?).await?;
        told.send_if_modified(|done| {
            let goes_on = *done != usize::MAX;
            *done += usize::from(goes_on);
            goes_on
        });
    }
    Ok(())
}

/// Waits until some more chats are away.
async fn goes_on(done: &watch::Receiver<usize>) {
    let mut done = done.clone();
    let enough = done.borrow().saturating_add(ENOUGH);
    // Its sender outlives it.
    drop(done.wait_for(|done| *done >= enough).await);
}

/// A handoff that the platform holds up in the middle.
struct Half {
    transfer: Transfer,
    checkpoint: Option<Value>,
    /// What the transfer gave; none while it is undone.
    answer: Option<Value>,
    look_first: bool,
}

async fn half(stage: &Stage, key: &str) -> Half {
    let transfer = stage.scene.platform.transfer(key).await;
    stage.scene.break_at(1, Fault::Limited(Some(1)));
    let answer = stage.call("transfer", json!(transfer)).await;
    stage.scene.mend();
    let (answer, look_first) = match answer {
        Ok(answer) => (Some(answer), false),
        Err(trouble) => (None, after(stage, trouble).await.unwrap_or(true)),
    };
    Half { transfer, checkpoint: stage.scene.left().pop(), answer, look_first }
}

/// Another version goes on with it.
async fn end(stage: &Stage, half: Half) -> Result<(), Failure> {
    let Half { transfer, checkpoint, answer, look_first } = half;
    let told = |failure: Failure| Failure {
        text: format!("one version began a handoff and another goes on with it: {}", failure.text),
        ..failure
    };
    let held = match answer {
        Some(answer) => read(stage, "transfer", answer)?,
        None => go_on(stage, &transfer, checkpoint, look_first).await.map_err(told)?,
    };
    once(stage, &transfer, &held).await.map_err(told)
}

async fn serves(moving: &Moving, version: &str, stage: &Stage) -> Result<(), Failure> {
    let mut changes = moving.registry.changes();
    let is_there = || moving.registry.status().iter().any(|status| status.version == version);
    while !is_there() {
        if timeout(moving.patience, changes.changed()).await.is_err() {
            let refused = moving.registry.report().into_iter().filter_map(|line| match line.state {
                FileState::Refused(refusal) => Some(refusal.to_string()),
                FileState::Loaded | FileState::Ignored { .. } => None,
            });
            let why = refused.collect::<Vec<_>>().join("; ");
            return Err(stage.failure(Promise::P7, format!("version {version} does not take over: {why}")));
        }
    }
    Ok(())
}

/// Settings that an earlier version took are taken by this one: its connections work after the upgrade.
pub(crate) async fn earlier_settings(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    let base = "http://127.0.0.1:9";
    let mut earlier = subject.scenario.map(|scenario| scenario.earlier_settings(base)).unwrap_or_default();
    let before = house.terms.before.as_deref().and_then(|before| plugins::inspect(before).ok());
    earlier
        .extend(before.map(|found| settings::fitting(&found.manifest.settings, &found.manifest.hosts, base)));
    if earlier.is_empty() {
        return Ok(Done::LeftOut("neither an earlier file nor settings of one are given".to_owned()));
    }
    let setups: Vec<_> = earlier.into_iter().map(|settings| house.connection(settings)).collect();
    let registry = house.open(setups.clone());
    let stopped = registry.connections().into_iter().find(|status| !status.problems.is_empty());
    let Some(status) = stopped else { return Ok(Done::Passed) };
    let settings = setups.iter().find(|setup| setup.id == status.id).map(|setup| setup.settings.to_string());
    let text = format!(
        "a connection that was set up for an earlier version stops at the upgrade: {}; its settings are {}",
        status.problems.join("; "),
        settings.unwrap_or_default()
    );
    Err(Failure::new(Promise::P7, house.masks.line(&text)))
}
