//! The cases, and the order in which they are tried.
//!
//! `basic` needs no platform. The others need a scenario: `handoff`, `faults`, `words`, `replies` and `events` are
//! about chats, `account` about what is around them, `apart` about two connections, `upgrade` about two versions.
//! `watch` is what is looked at after each of them.

mod account;
mod apart;
mod basic;
mod events;
mod faults;
mod handoff;
mod replies;
mod upgrade;
mod watch;
mod words;

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::BoxFuture;
use handoff_core::plugins::{self, FileState, Inspection, Mode, Stage as FileStage};
use serde_json::Value;

use crate::{
    Failure, Outcome, Promise, Report, Verdict, elf,
    moving::Moving,
    scenario::{Answer, Chat, Kept, Platform, Request, Scenario},
    settings,
    stage::{House, Stage, Terms},
};

use watch::Watch;

/// What a case gives.
type Tried<'a> = BoxFuture<'a, Result<Done, Failure>>;

/// A case that did not fail.
pub(crate) enum Done {
    /// As it should be.
    Passed,
    /// There is nothing to try, and why.
    LeftOut(String),
}

/// A connector under test, with the scenario it is tried in.
pub(crate) struct Subject<'a> {
    pub(crate) scenario: Option<&'a dyn Scenario>,
    pub(crate) inspection: Inspection,
}

impl Subject<'_> {
    pub(crate) fn settings(&self, base: &str) -> Value {
        match self.scenario {
            Some(scenario) => scenario.settings(base),
            None => {
                settings::fitting(&self.inspection.manifest.settings, &self.inspection.manifest.hosts, base)
            }
        }
    }

    /// Fields for which there are live choices.
    pub(crate) fn fields(&self) -> Vec<String> {
        self.scenario.map(Scenario::fields).unwrap_or_default()
    }

    async fn platform(&self) -> Arc<dyn Platform> {
        match self.scenario {
            Some(scenario) => scenario.platform().await,
            None => Arc::new(Nobody),
        }
    }

    /// A fresh connection before a fresh platform; installed where that is needed.
    pub(crate) async fn stage(&self, house: &mut House) -> Result<Stage, Failure> {
        let stage = self.bare_stage(house).await?;
        self.installed(stage).await
    }

    /// The same, never installed.
    pub(crate) async fn bare_stage(&self, house: &mut House) -> Result<Stage, Failure> {
        let platform = self.platform().await;
        let stage = house.stage(&|base| self.settings(base), platform).await?;
        house.used.push((stage.id.clone(), stage.scene.clone()));
        Ok(stage)
    }

    /// The same in a folder whose file can be exchanged.
    pub(crate) async fn enter(&self, house: &mut House, moving: &mut Moving) -> Result<Stage, Failure> {
        let stage = house.enter(moving, self.platform().await)?;
        house.used.push((stage.id.clone(), stage.scene.clone()));
        self.installed(stage).await
    }

    async fn installed(&self, stage: Stage) -> Result<Stage, Failure> {
        if self.scenario.is_some_and(Scenario::installs) {
            let install = serde_json::json!({ "webhook_url": account::WEBHOOK });
            let installed = stage.call("install", install).await;
            installed.map_err(|trouble| stage.failure(Promise::P7, format!("install failed: {trouble}")))?;
        }
        for posted in stage.scene.platform.introductions(stage.base()).await {
            let heard = stage.call("receive", serde_json::json!(posted)).await;
            heard.map_err(|trouble| stage.failure(Promise::P7, format!("it was not set up: {trouble}")))?;
        }
        Ok(stage)
    }
}

/// A platform that is not there.
struct Nobody;

impl Platform for Nobody {
    fn answer(&self, _request: Request) -> BoxFuture<'_, Answer> {
        let answer = Answer { status: 503, headers: Vec::new(), body: "nobody is here".to_owned() };
        Box::pin(async { answer })
    }

    fn chats<'a>(&'a self, _key: &'a str, _kept: &'a Kept) -> BoxFuture<'a, Vec<Chat>> {
        Box::pin(async { Vec::new() })
    }
}

/// One case: its name, whether it needs a scenario, and what it does.
struct Case {
    name: &'static str,
    scenario: bool,
    run: for<'a> fn(&'a Subject<'a>, &'a mut House) -> Tried<'a>,
}

const fn plain(name: &'static str, run: for<'a> fn(&'a Subject<'a>, &'a mut House) -> Tried<'a>) -> Case {
    Case { name, scenario: false, run }
}

const fn played(name: &'static str, run: for<'a> fn(&'a Subject<'a>, &'a mut House) -> Tried<'a>) -> Case {
    Case { name, scenario: true, run }
}

/// The first case: without a connector there is nothing else to try.
const MADE: &str = "made";
/// The first case with a platform: whoever fails here fails everywhere else.
const WHOLE: &str = "whole-handoff";

const CASES: [Case; 29] = [
    plain(MADE, |subject, house| Box::pin(basic::made(subject, house))),
    plain("wrong-settings", |subject, house| Box::pin(basic::wrong_settings(subject, house))),
    plain("no-threads", |subject, house| Box::pin(basic::no_threads(subject, house))),
    plain("unknown-verb", |subject, house| Box::pin(basic::unknown_verb(subject, house))),
    plain("junk-requests", |subject, house| Box::pin(basic::junk_requests(subject, house))),
    plain("memory", |subject, house| Box::pin(basic::memory(subject, house))),
    played("check", |subject, house| Box::pin(handoff::check(subject, house))),
    played("install", |subject, house| Box::pin(account::install(subject, house))),
    played(WHOLE, |subject, house| Box::pin(handoff::whole(subject, house))),
    played("find", |subject, house| Box::pin(handoff::find(subject, house))),
    played("same-key-again", |subject, house| Box::pin(handoff::same_key_again(subject, house))),
    played("superseded", |subject, house| Box::pin(handoff::superseded(subject, house))),
    played("withdraw", |subject, house| Box::pin(handoff::withdraw(subject, house))),
    played("faults", |subject, house| Box::pin(faults::passing(subject, house))),
    played("asked-to-wait", |subject, house| Box::pin(faults::asked_to_wait(subject, house))),
    played("refused", |subject, house| Box::pin(faults::refused(subject, house))),
    played("credentials", |subject, house| Box::pin(faults::credentials(subject, house))),
    played("cancelled", |subject, house| Box::pin(faults::cancelled(subject, house))),
    played("worker-killed", |subject, house| Box::pin(faults::worker_killed(subject, house))),
    played("words-once", |subject, house| Box::pin(words::once(subject, house))),
    played("replies-once", |subject, house| Box::pin(replies::once(subject, house))),
    played("fetch-elsewhere", |subject, house| Box::pin(words::fetch_elsewhere(subject, house))),
    played("poll", |subject, house| Box::pin(events::poll(subject, house))),
    played("webhook", |subject, house| Box::pin(events::webhook(subject, house))),
    played("availability", |subject, house| Box::pin(account::availability(subject, house))),
    played("options", |subject, house| Box::pin(account::options(subject, house))),
    played("earlier-settings", |subject, house| Box::pin(upgrade::earlier_settings(subject, house))),
    played("upgrade", |subject, house| Box::pin(upgrade::upgrade(subject, house))),
    played("connections-apart", |subject, house| Box::pin(apart::connections(subject, house))),
];

/// How often a case must be slow before its connector is.
const TRIES: usize = 3;

/// Tries everything.
pub(crate) async fn run(terms: &Terms, scenario: Option<&dyn Scenario>) -> Report {
    let name = terms.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut outcomes = Vec::new();
    if let Some(inspection) = look(terms, &mut outcomes) {
        let subject = Subject { scenario, inspection };
        match tempfile::tempdir() {
            Ok(place) => at_work(terms, &subject, place.path(), &mut outcomes).await,
            Err(error) => {
                outcomes.push(on_file("opens", failed(Promise::P7, format!("no scratch folder: {error}"))))
            }
        }
    }
    Report { file: name, outcomes }
}

/// What can be seen without running it.
fn look(terms: &Terms, outcomes: &mut Vec<Outcome>) -> Option<Inspection> {
    let inspection = match plugins::inspect(&terms.file) {
        Ok(inspection) => inspection,
        Err(refusal) => {
            let case = if refusal.stage == FileStage::Manifest { "manifest" } else { "structure" };
            outcomes.push(on_file(case, failed(Promise::P7, refusal.to_string())));
            return None;
        }
    };
    // It was read a moment ago.
    let bytes = std::fs::read(&terms.file).unwrap_or_default();
    outcomes.push(on_file("structure", Verdict::Passed));
    outcomes.push(on_file("manifest", Verdict::Passed));
    outcomes.push(on_file("exports", elf::exports(&bytes)));
    outcomes.push(on_file("imports", elf::imports(&bytes)));
    outcomes.push(on_file("size", elf::size(&bytes)));
    Some(inspection)
}

async fn at_work(terms: &Terms, subject: &Subject<'_>, place: &Path, outcomes: &mut Vec<Outcome>) {
    let folder = place.join("plugins");
    let copied =
        std::fs::create_dir(&folder).and_then(|()| std::fs::copy(&terms.file, folder.join("plugin.so")));
    if let Err(error) = copied {
        outcomes.push(on_file("opens", failed(Promise::P7, format!("the file cannot be copied: {error}"))));
        return;
    }
    let house = |mode| House::new(mode, terms, &subject.inspection, subject.secrets(), place);
    let opened = opens(&house(Mode::Worker));
    let is_open = matches!(opened, Verdict::Passed);
    outcomes.push(on_file("opens", opened));
    if !is_open {
        return;
    }
    // In a worker first: what ends its process ends no kit there.
    let ended = in_mode(subject, house(Mode::Worker), outcomes).await;
    if ended {
        let why = "in a worker it ended its process; in this process it would end the kit, and in the server's the server";
        let skipped =
            CASES.iter().map(|case| outcome(Mode::InProcess, case.name, Verdict::LeftOut(why.to_owned())));
        outcomes.extend(skipped);
        return;
    }
    in_mode(subject, house(Mode::InProcess), outcomes).await;
}

impl Subject<'_> {
    /// The scenario's secrets, or canaries for whatever the manifest names.
    fn secrets(&self) -> std::collections::BTreeMap<String, String> {
        match self.scenario {
            Some(scenario) => scenario.secrets(),
            None => {
                let names = self.inspection.manifest.secrets.iter().map(|secret| secret.name.clone());
                names.map(|name| (name.clone(), format!("canary-of-the-{name}-41d8"))).collect()
            }
        }
    }
}

/// The server opens it: a process of its own first, layouts in both directions, and what it says about itself.
fn opens(house: &House) -> Verdict {
    let registry = house.open(Vec::new());
    let refusal = registry.report().into_iter().find_map(|line| match line.state {
        FileState::Refused(refusal) => Some(refusal),
        FileState::Loaded | FileState::Ignored { .. } => None,
    });
    match refusal {
        None => Verdict::Passed,
        Some(refusal) => {
            let promise = if refusal.stage == FileStage::Describe { Promise::P4 } else { Promise::P7 };
            failed(promise, format!("at {}: {refusal}", refusal.stage.name()))
        }
    }
}

/// Tries every case in one mode; whether the connector ended its process.
async fn in_mode(subject: &Subject<'_>, mut house: House, outcomes: &mut Vec<Outcome>) -> bool {
    let (mode, mut watch) = (house.mode, Watch::default());
    let mut stop: Option<String> = None;
    for case in &CASES {
        let why = match (&stop, case.scenario && subject.scenario.is_none()) {
            (Some(why), _) => Some(why.clone()),
            (None, true) => Some("it needs a platform to play with, and no scenario is given".to_owned()),
            (None, false) => None,
        };
        if let Some(why) = why {
            outcomes.push(outcome(mode, case.name, Verdict::LeftOut(why)));
            continue;
        }
        let began = Instant::now();
        let verdict = verdict((case.run)(subject, &mut house).await);
        // A machine that is busy is slow as well; a connector that is slow is slow every time.
        let mut slow = watch.look(case.name, &mut house);
        for _ in 1..TRIES {
            if slow.is_some() && !watch.is_hopeless() {
                drop((case.run)(subject, &mut house).await);
                slow = watch.look(case.name, &mut house);
            }
        }
        if let Some(times) = slow {
            watch.is_slow(case.name, &times);
        }
        let passed = !matches!(verdict, Verdict::Failed(_));
        stop = match case.name {
            MADE if !matches!(verdict, Verdict::Passed) => Some("the connector was not made".to_owned()),
            WHOLE if !passed => Some("the whole handoff failed already".to_owned()),
            _ if watch.is_hopeless() => Some(format!("it answers no more since {}", case.name)),
            _ => None,
        };
        outcomes.push(Outcome { took: began.elapsed(), ..outcome(mode, case.name, verdict) });
        if !passed {
            // What the failure left behind is nobody else's matter.
            house.clear();
        }
    }
    let ended = watch.ended_its_process();
    outcomes.extend(watch.outcomes(mode));
    ended
}

fn verdict(tried: Result<Done, Failure>) -> Verdict {
    match tried {
        Ok(Done::Passed) => Verdict::Passed,
        Ok(Done::LeftOut(why)) => Verdict::LeftOut(why),
        Err(failure) => Verdict::Failed(failure),
    }
}

fn failed(promise: Promise, text: String) -> Verdict {
    Verdict::Failed(Failure::new(promise, text))
}

fn outcome(mode: Mode, case: &'static str, verdict: Verdict) -> Outcome {
    Outcome { case, mode: Some(mode), verdict, took: Duration::ZERO }
}

fn on_file(case: &'static str, verdict: Verdict) -> Outcome {
    Outcome { case, mode: None, verdict, took: Duration::ZERO }
}
