//! What holds for every connector, whatever its platform.

use handoff_core::{
    plugins::{Mode, make_and_drop},
    world::CallError,
};
use handoff_model::connector::ConnectorError;
use serde_json::{Value, json};

use super::{Done, Subject};
use crate::{
    Failure, Promise, program, settings,
    stage::{House, Trouble},
};

/// How often a connector is made and dropped to see what stays behind.
const TIMES: u32 = 1000;
/// How much may stay behind of all of them together, in bytes: allocators round up.
const MAY_STAY: u64 = 1 << 20;
/// The verbs of the model whose requests have members that must be there.
const VERBS: [&str; 10] =
    ["install", "receive", "send", "transfer", "find", "withdraw", "forward", "fetch", "options", "check"];

/// Connectors are made from settings that fit.
pub(crate) async fn made(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    match subject.stage(house).await {
        Ok(_) => Ok(Done::Passed),
        Err(failure) if subject.scenario.is_none() => {
            let why = "settings were made up to fit its schema; give a scenario, since others are needed";
            Ok(Done::LeftOut(format!("{}; {why}", failure.text)))
        }
        Err(failure) => Err(failure),
    }
}

/// Settings that do not fit are refused, all of them, before anything is asked of the platform.
pub(crate) async fn wrong_settings(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    let good = subject.settings("http://127.0.0.1:9");
    let (names, wrong): (Vec<_>, Vec<_>) =
        settings::wrong(&house.manifest.settings, &good).into_iter().unzip();
    let setups: Vec<_> = wrong.into_iter().map(|settings| house.connection(settings)).collect();
    let registry = house.open(setups.clone());
    let statuses = registry.connections();
    for (name, setup) in names.iter().zip(&setups) {
        let taken = statuses.iter().any(|status| status.id == setup.id && status.problems.is_empty());
        if taken {
            let text = format!(
                "settings with {name} are taken without a word, so an operator's mistake goes unnoticed: {}",
                setup.settings
            );
            return Err(Failure::new(Promise::P4, text));
        }
    }
    Ok(Done::Passed)
}

/// A connector starts no threads. Seen in its own process, where nobody else's are.
pub(crate) async fn no_threads(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    if house.mode != Mode::Worker {
        return Ok(Done::LeftOut("its threads can be told from others only in a worker".to_owned()));
    }
    let stage = subject.stage(house).await?;
    // It has done something, too.
    drop(stage.call("check", Value::Null).await);
    for id in program::workers(&house.vault()) {
        let threads = program::threads(id).unwrap_or(1);
        if threads > 1 {
            let text = format!("its process has {threads} threads, and one is the server's part");
            return Err(stage.failure(Promise::P7, text));
        }
    }
    Ok(Done::Passed)
}

/// A verb of a newer server is not offered, and no failure.
pub(crate) async fn unknown_verb(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    let stage = subject.stage(house).await?;
    match stage.call("kit_no_such_verb", json!({})).await {
        Err(Trouble::Call(CallError::Connector(ConnectorError::Unsupported { .. }))) => Ok(Done::Passed),
        Ok(answer) => {
            Err(stage
                .failure(Promise::P4, format!("an unknown verb was answered as if it were done: {answer}")))
        }
        Err(trouble) => Err(stage.failure(
            Promise::P4,
            format!("an unknown verb is to be answered with 501, not with: {trouble}"),
        )),
    }
}

/// A request that cannot be read was surely not performed.
pub(crate) async fn junk_requests(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    let stage = subject.stage(house).await?;
    for verb in VERBS {
        for junk in [json!({ "kit": "junk" }), json!([1, 2]), json!("junk")] {
            match stage.call(verb, junk).await {
                Ok(_) if verb == "check" => {}
                Err(Trouble::Call(CallError::NotBegun(_) | CallError::Connector(_))) => {}
                Ok(answer) => {
                    return Err(stage.failure(
                        Promise::P4,
                        format!("{verb} took junk for a request and answered {answer}"),
                    ));
                }
                // Checking an account may end in any way, and does not read its request.
                Err(_) if verb == "check" => {}
                Err(trouble) => {
                    let text = format!(
                        "{verb} cannot read its request and leaves open whether it did something: {trouble}"
                    );
                    return Err(stage.failure(Promise::P3, text));
                }
            }
        }
    }
    Ok(Done::Passed)
}

/// A thousand connections that come and go leave nothing behind.
pub(crate) async fn memory(subject: &Subject<'_>, house: &mut House) -> Result<Done, Failure> {
    if house.mode != Mode::Worker {
        return Ok(Done::LeftOut("its memory can be told from others' only in a worker".to_owned()));
    }
    let connection = house.connection(subject.settings("http://127.0.0.1:9"));
    let file = house.vault().join(format!("{}.so", subject.inspection.sha256));
    let world = house.outside.world();
    let grown = make_and_drop(&house.terms.program, &file, &house.manifest, &connection, world, TIMES).await;
    let grown = grown.map_err(|problem| {
        Failure::new(
            Promise::P7,
            house.masks.line(&format!("making and dropping it again and again ended with: {problem}")),
        )
    })?;
    let stays = grown.after.saturating_sub(grown.before);
    if stays <= MAY_STAY {
        return Ok(Done::Passed);
    }
    let text = format!("{TIMES} connectors that were made and dropped left {} KiB behind", stays / 1024);
    Err(Failure::new(Promise::P7, text))
}
