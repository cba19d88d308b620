//! Backups: copies of the rows, made at commits of all ages, and put back.

use std::sync::Arc;

use anyhow::{Context, Result};
use handoff_core::world::Clock;
use handoff_store::Memory;
use parking_lot::Mutex;

use crate::{Flaw, chance::Dice, rows::Disk, story::Story, time::Time};

/// Commits of a thousand after which a backup is made.
const OFTEN: u64 = 100;

/// All backups of a run. Clones are the same ones.
#[derive(Clone)]
pub(crate) struct Archive {
    copies: Arc<Mutex<Vec<Memory>>>,
    dice: Dice,
    story: Story,
    /// Whether any is made.
    open: bool,
}

impl Archive {
    pub(crate) fn new(dice: Dice, story: Story, open: bool) -> Self {
        Self { copies: Arc::default(), dice, story, open }
    }

    /// Makes a backup.
    pub(crate) fn keep(&self, memory: &Memory) {
        if self.open {
            let mut copies = self.copies.lock();
            self.story.tell(format_args!("backup {} is made", copies.len()));
            copies.push(memory.backup());
        }
    }

    /// After a commit: now and then a backup is made.
    pub(crate) fn offer(&self, memory: &Memory) {
        if self.open && self.dice.per_mille(OFTEN) {
            self.keep(memory);
        }
    }

    /// Puts one of them back, of any age, while no process runs.
    pub(crate) fn put_back(&self, disk: &Disk, time: &Time) -> Result<()> {
        let copies = self.copies.lock();
        let which = self.dice.within(0..copies.len() as u64) as usize;
        let copy = copies.get(which).context("there is no backup")?;
        self.story.fault(format_args!("backup {which} of {} is put back", copies.len()));
        disk.memory.replace(copy);
        if disk.flaw != Some(Flaw::TrustsBackups) {
            disk.memory.doubt_all(time.now())?;
        }
        disk.auditor.put_back(&disk.memory);
        Ok(())
    }
}
