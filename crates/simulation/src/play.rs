//! Plays one seed from its beginning to its end.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use futures::FutureExt;
use handoff_core::store::{EffectKind, Outbox};
use handoff_model::{AssistantId, Plan as Paid};
use handoff_simulators::deliveries::{Outlet, Parcel};
use handoff_store::Memory;
use handoff_tests::{
    assistants::{line, support, with_handoff},
    books::Tally,
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::{
    Flaw, agent,
    archive::Archive,
    auditor::Auditor,
    books,
    chance::Dice,
    cluster::Cluster,
    desk::Desk,
    network::Network,
    person::{self, Door},
    plan::{Plan, Route},
    rows::Disk,
    storm::Storm,
    story::Story,
    time::Time,
};

/// Longest time that setting up takes.
const SETTING_UP: Duration = Duration::from_secs(600);
/// After so long without an end, something is stuck.
const STUCK: Duration = Duration::from_secs(12 * 3600);

/// What came of a seed.
#[derive(Debug)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// What it drew.
    pub plan: Option<Plan>,
    /// The end's counts.
    pub tally: Tally,
    /// What went against a promise on the way, with the promise.
    pub violations: Vec<String>,
    /// Things that happened.
    pub events: u64,
    /// Things that were made to go wrong.
    pub faults: u64,
    /// Backups that were put back.
    pub restores: u64,
    /// Hash of everything that happened, with its time.
    pub hash: u64,
    /// How much time passed in the run.
    pub passed: Duration,
    /// What happened last.
    pub last: Vec<String>,
}

impl Report {
    /// Whether every promise was kept.
    pub fn is_clean(&self) -> bool {
        self.tally.is_clean() && self.violations.is_empty()
    }
}

/// Plays a seed, in this thread. With a flaw, a rule is broken on purpose; `loud` prints everything that happens.
///
/// # Errors
/// When the stage cannot be set, which is no matter of the seed.
pub fn simulate(seed: u64, flaw: Option<Flaw>, loud: bool) -> Result<Report> {
    thread()?.block_on(play(seed, flaw, false, loud))
}

/// Plays a chat in which nothing goes wrong, but that one of two processes stands still, for longer than it holds its work:
/// when it has taken work so many times, with the next in its hands. The other one takes that over meanwhile. None when
/// the first takes work less often.
///
/// # Errors
/// When the stage cannot be set.
pub fn stumble(route: Route, seed: u64, times: u64) -> Result<Option<Report>> {
    thread()?.block_on(async {
        let (time, dice) = (Time::new(), Dice::new(seed));
        let mut one = Run { seed, plan: Plan::calm(route), flaw: None, stumble: Some(times), reached: false };
        let report = end(&mut one, &time, &dice, false).await?;
        Ok(one.reached.then_some(report))
    })
}

/// This thread, in which time passes when nobody has anything to do.
fn thread() -> Result<Runtime> {
    // A connector's log goes to the subscriber of the process, which must be there before the connector.
    let _ = tracing::subscriber::set_global_default(tracing::subscriber::NoSubscriber::new());
    Ok(Builder::new_current_thread().enable_time().start_paused(true).build()?)
}

/// What is played.
struct Run {
    seed: u64,
    plan: Plan,
    flaw: Option<Flaw>,
    /// How often the process takes work before it stands still.
    stumble: Option<u64>,
    /// Whether it came to that.
    reached: bool,
}

/// Plays a seed in which backups of all ages are put back while everything else goes wrong.
///
/// # Errors
/// When the stage cannot be set.
pub fn restore(seed: u64, flaw: Option<Flaw>, loud: bool) -> Result<Report> {
    thread()?.block_on(play(seed, flaw, true, loud))
}

async fn play(seed: u64, flaw: Option<Flaw>, restores: bool, loud: bool) -> Result<Report> {
    let (time, dice) = (Time::new(), Dice::new(seed));
    let plan = Plan::draw(&dice);
    let plan = if flaw.is_some() { plan.fierce() } else { plan };
    let plan = if restores { plan.with_restores(&dice) } else { plan };
    end(&mut Run { seed, plan, flaw, stumble: None, reached: false }, &time, &dice, loud).await
}

async fn end(run: &mut Run, time: &Time, dice: &Dice, loud: bool) -> Result<Report> {
    let (seed, plan) = (run.seed, run.plan.clone());
    let story = Story::new(time.clone(), loud);
    story.tell(format_args!("{plan:?}"));
    let mut tally = Tally::default();
    let ended = tokio::time::timeout(STUCK, act(run, time, dice, &story, &mut tally)).await;
    match ended {
        Ok(done) => done.with_context(|| format!("seed {seed}"))?,
        Err(_) => {
            tally.stuck += 1;
            tally.finds("everybody", "nothing came to an end");
        }
    }
    let (events, faults, hash) = story.sums();
    let restores = run.plan.restores;
    tally.storms = faults;
    Ok(Report {
        seed,
        plan: Some(plan),
        tally,
        violations: story.violations(),
        events,
        faults,
        restores,
        hash,
        passed: time.passed(),
        last: story.last_lines(),
    })
}

async fn act(run: &mut Run, time: &Time, dice: &Dice, story: &Story, tally: &mut Tally) -> Result<()> {
    let (seed, flaw, plan) = (run.seed, run.flaw, &run.plan);
    let network = Network::new(plan, dice.clone(), story.clone());
    let way = Arc::new(Mutex::new(None));
    let desk = Desk::open(plan.route, seed, outlet(network.clone(), way.clone()))?;
    let auditor = Arc::new(Auditor::new(desk.clone(), story.clone()));
    let (memory, full) = (Memory::default(), Arc::new(Mutex::new(false)));
    let archive = Archive::new(dice.clone(), story.clone(), plan.restores > 0);
    let (dice, auditor) = (dice.clone(), auditor.clone());
    let disk = Disk { memory: memory.clone(), auditor: auditor.clone(), dice, flaw, full, archive };
    let cluster = Cluster::new(disk.clone(), desk.clone(), network.clone(), time.clone(), plan.nodes == 1);
    *way.lock() = Some(cluster.clone());
    let door = Door { cluster, desk, network };
    set_the_stage(plan, &door).await?;
    disk.archive.keep(&memory);
    let power = door.cluster.node(0).context("no node")?.power;
    if let Some(times) = run.stumble {
        power.stumble_after(times);
    }
    let mut persons = Vec::new();
    for n in 0..plan.persons {
        persons.push(tokio::spawn(person::live(door.clone(), format!("p{n}"), plan.thinks)));
    }
    let agent = tokio::spawn(agent::work(door.clone(), plan.clone()));
    let storm = Storm { plan: plan.clone(), door: door.clone(), disk: disk.clone(), time: time.clone() };
    storm.rage().await?;
    story.tell("the storm is over");
    let mut lines = agent.await?;
    for person in persons {
        let ended = match person.await? {
            Ok(mut book) => {
                book.written = lines.remove(&book.name).unwrap_or_default();
                books::close(&door, &disk, book, tally).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            tally.stuck += 1;
            tally.stories.push(format!("{error:#}"));
        }
    }
    tally.sealed_leaks += auditor.nothing_readable(&memory);
    all_is_done(&disk, tally).await;
    run.reached = power.has_stumbled();
    // Platform and server know each other; without this neither would ever be dropped.
    *way.lock() = None;
    Ok(())
}

/// Starts the processes, publishes the assistant, and waits until the platform can take chats.
async fn set_the_stage(plan: &Plan, door: &Door) -> Result<()> {
    for number in 0..plan.nodes {
        door.cluster.start(number, Paid::Enterprise).await?;
    }
    let node = door.cluster.node(0).context("no node")?;
    let assistant = match plan.route {
        Route::Zendesk => support("zendesk"),
        Route::OpenChannel => support("bitrix24"),
        Route::Line => line(),
    };
    let assistant = with_handoff(assistant, |handoff| handoff["budget_seconds"] = json!(plan.budget));
    node.runtime.save_draft(&assistant.to_string(), None).await?;
    let id = AssistantId::new(assistant["id"].as_str().unwrap_or_default());
    node.runtime.publish(&id).await?;
    door.desk.prepare().await?;
    let prepared = async {
        while !door.desk.is_prepared() {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    if tokio::time::timeout(SETTING_UP, prepared).await.is_err() {
        let seen: Value = door.desk.look("inspect")?;
        bail!("the platform cannot take chats: {seen:#}");
    }
    // Every process has to hear of the version that was published.
    tokio::time::sleep(Duration::from_secs(5)).await;
    Ok(())
}

/// How what the platform tells us comes to us.
fn outlet(network: Network, way: Arc<Mutex<Option<Cluster>>>) -> Outlet {
    Arc::new(move |parcel: Parcel| {
        let (network, cluster) = (network.clone(), way.lock().clone());
        async move {
            let Some(cluster) = cluster else { return Err("connection refused".to_owned()) };
            deliver(&network, &cluster, parcel).await
        }
        .boxed()
    })
}

async fn deliver(network: &Network, cluster: &Cluster, parcel: Parcel) -> Result<u16, String> {
    let limit = parcel.time_limit;
    let (late, twice, unheard) = (network.is_bad(), network.is_bad(), network.is_bad());
    network.story.tell(format_args!("webhook of {} bytes", parcel.body.len()));
    if late {
        network.story.fault("the webhook is late");
        tokio::time::sleep(network.dice.ms(100..10_000)).await;
    }
    tokio::time::sleep(network.way()).await;
    if twice {
        network.story.fault("the webhook comes twice");
        let (cluster, parcel) = (cluster.clone(), parcel.clone());
        let later = network.dice.ms(0..5_000);
        drop(tokio::spawn(async move {
            tokio::time::sleep(later).await;
            cluster.receive(parcel).await
        }));
    }
    let answer = tokio::time::timeout(limit, cluster.receive(parcel)).await;
    if unheard {
        network.story.fault("the answer to the webhook is lost");
        return Err("connection reset".to_owned());
    }
    answer.unwrap_or_else(|_| Err("no answer in time".to_owned()))
}

/// P7: nothing waits for ever.
async fn all_is_done(disk: &Disk, tally: &mut Tally) {
    for _ in 0..600 {
        if matches!(disk.memory.next_due().await, Ok(None)) {
            return;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    for handoff in disk.auditor.handoffs() {
        for kind in EffectKind::ALL {
            let rows = disk.memory.waiting(&handoff.conversation, kind).await.unwrap_or_default();
            if !rows.is_empty() {
                tally.stuck += 1;
                tally.finds(
                    handoff.conversation.as_str(),
                    &format!("{} rows of {} wait for ever", rows.len(), kind.name()),
                );
            }
        }
    }
}
