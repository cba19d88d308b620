//! What goes wrong with the processes, their disk, their clock and their connectors.

use std::time::Duration;

use anyhow::{Context, Result};
use handoff_core::runtime::Decision;
use handoff_model::Plan as Paid;
use serde_json::json;

use crate::{
    auditor::Auditor,
    cluster::Cluster,
    network::Network,
    person::Door,
    plan::{Plan, Route},
    power::Standing,
    rows::Disk,
    time::Time,
};

/// Most gates that a process passes before it dies: some hundred effects.
const FUSE: u64 = 300;
/// How far a clock jumps, in milliseconds: ahead by less than what is left of a platform's settle time when a request
/// is as late as it can be, back by minutes.
const AHEAD: u64 = 5_000;
const BACK: u64 = 300_000;
/// How long a single process stands still at the longest, in milliseconds: longer than it holds its work.
const LONG: u64 = 200_000;
/// The same for one of several: shorter than it holds its work, which the others must not have taken by then.
const SHORT: u64 = 60_000;

/// Where it rages.
pub(crate) struct Storm {
    pub(crate) plan: Plan,
    pub(crate) door: Door,
    pub(crate) disk: Disk,
    pub(crate) time: Time,
}

impl Storm {
    fn network(&self) -> &Network {
        &self.door.network
    }

    fn cluster(&self) -> &Cluster {
        &self.door.cluster
    }

    /// Lets it rage until its time is over.
    pub(crate) async fn rage(&self) -> Result<()> {
        self.network().set(self.plan.per_mille);
        let until = self.time.passed() + self.plan.storm;
        let mut restores = self.restores();
        while self.time.passed() < until {
            tokio::time::sleep(self.network().dice.ms(0..self.plan.calm)).await;
            if restores.last().is_some_and(|at| *at <= self.time.passed()) {
                restores.pop();
                self.put_back().await?;
            } else if self.time.passed() < until {
                self.blow().await?;
            }
        }
        for _ in restores {
            self.put_back().await?;
        }
        self.network().set(0);
        *self.disk.full.lock() = false;
        self.cluster().calm(self.plan.nodes).await?;
        // A portal whose last answer with tokens was lost gives no more: its administrator has to install the
        // application again, as the server says.
        if self.plan.route == Route::OpenChannel { self.door.desk.install().await } else { Ok(()) }
    }

    /// When backups are put back, the last of them first.
    fn restores(&self) -> Vec<Duration> {
        let longest = u64::try_from(self.plan.storm.as_millis()).unwrap_or(u64::MAX);
        let moments =
            (0..self.plan.restores).map(|_| self.time.passed() + self.network().dice.ms(0..longest));
        let mut moments: Vec<_> = moments.collect();
        moments.sort_unstable_by(|one, other| other.cmp(one));
        moments
    }

    /// The server dies, a backup of any age is put back, and it starts anew.
    async fn put_back(&self) -> Result<()> {
        for number in 0..self.plan.nodes {
            self.cluster().node(number).context("no such node")?.power.set(Standing::Dead);
        }
        // Places are given by the second of the restore: nobody puts two backups back within one.
        tokio::time::sleep(self.network().dice.ms(1_100..10_000)).await;
        self.disk.archive.put_back(&self.disk, &self.time)?;
        for number in 0..self.plan.nodes {
            self.cluster().start(number, self.paid()).await?;
        }
        Ok(())
    }

    async fn blow(&self) -> Result<()> {
        let (dice, story) = (&self.network().dice, &self.network().story);
        let number = dice.within(0..self.plan.nodes as u64) as usize;
        let node = self.cluster().node(number).context("no such node")?;
        match dice.within(0..12) {
            0..=3 => {
                let gates = dice.within(0..FUSE);
                story.fault(format_args!("node {number} dies after {gates} gates"));
                node.power.light_fuse(gates);
                let waited = tokio::time::timeout(dice.ms(1..30_000), node.power.until_dead()).await;
                if waited.is_err() {
                    node.power.set(Standing::Dead);
                }
                tokio::time::sleep(dice.ms(1..5_000)).await;
                self.cluster().start(number, self.paid()).await?;
            }
            4..=5 => {
                let most = if self.plan.nodes > 1 { SHORT } else { LONG };
                let still = dice.ms(100..most);
                story.fault(format_args!("node {number} stands still for {still:?}"));
                node.power.set(Standing::Stopped);
                tokio::time::sleep(still).await;
                node.power.set(Standing::Running);
            }
            6 => {
                let ahead = i64::try_from(dice.within(0..AHEAD))?;
                story.fault(format_args!("the clock jumps ahead by {ahead} ms"));
                self.time.jump(ahead);
            }
            // No place is given twice as long as the clock is not set back behind an earlier restore.
            7 if self.plan.restores == 0 => {
                let back = i64::try_from(dice.within(0..BACK))?;
                story.fault(format_args!("the clock is set back by {back} ms"));
                self.time.jump(-back);
            }
            8 => {
                story.fault("the disk is full");
                *self.disk.full.lock() = true;
                tokio::time::sleep(dice.ms(100..20_000)).await;
                *self.disk.full.lock() = false;
            }
            9 => {
                story.fault(format_args!("node {number} gets another generation of its connector"));
                node.connectors.exchange()?;
            }
            10 if self.plan.route == Route::OpenChannel => {
                story.fault("the portal's tokens expire");
                self.door.desk.control("tokens/expire", json!({})).await?;
            }
            _ => self.operator(&self.disk.auditor).await,
        }
        Ok(())
    }

    /// What the workspace pays for when a process starts: mostly enough.
    fn paid(&self) -> Paid {
        // What was accepted before a restore is looked up only where it may be asked for again.
        if self.plan.restores == 0 && self.network().dice.per_mille(100) {
            Paid::Free
        } else {
            Paid::Enterprise
        }
    }

    /// An operator wants a look at every doubt, now.
    async fn operator(&self, auditor: &Auditor) {
        for handoff in auditor.handoffs().into_iter().filter(|handoff| handoff.state.name() == "in_doubt") {
            self.network().story.fault(format_args!("an operator has {} looked at", handoff.id));
            if let Some(node) = self.cluster().running() {
                let deciding = tokio::spawn(async move {
                    node.power.gate().await;
                    node.runtime.decide_handoff(&handoff.id, &Decision::LookNow).await
                });
                let _ = tokio::time::timeout(Duration::from_secs(10), deciding).await;
            }
        }
    }
}
