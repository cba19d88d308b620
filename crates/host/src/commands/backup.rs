//! `handoff backup` and `handoff restore`: copies of the database, verified, and put back.

use std::{path::PathBuf, process::ExitCode};

use handoff_core::world::Clock;
use handoff_store::backup::{self, Backup};

use super::{say, say_json};
use crate::{clock::WorldClock, compose, config::Config};

/// Where a backup goes.
#[derive(clap::Args)]
pub(crate) struct Make {
    /// A folder of its own; it is made when it is not there.
    folder: PathBuf,
    /// Makes none, and reads the one that is there from its first byte to its last.
    #[arg(long)]
    verify: bool,
}

/// Which backup comes back.
#[derive(clap::Args)]
pub(crate) struct Restore {
    /// Its folder.
    folder: PathBuf,
    /// Sets aside the data that is there.
    #[arg(long)]
    replace: bool,
}

pub(crate) fn make(config: &Config, make: &Make, json: bool) -> anyhow::Result<ExitCode> {
    let backup = if make.verify {
        backup::verify(&make.folder)?
    } else {
        let now = WorldClock::new(&config.clock).now();
        backup::make(&compose::database(config), &make.folder, now)?
    };
    if json {
        say_json(&backup)?;
    } else {
        show(&backup);
        say(format!("good         {}", make.folder.display()));
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn restore(config: &Config, restore: &Restore, json: bool) -> anyhow::Result<ExitCode> {
    let now = WorldClock::new(&config.clock).now();
    let restored = backup::restore(&restore.folder, &compose::database(config), restore.replace, now)?;
    if json {
        say_json(&restored)?;
        return Ok(ExitCode::SUCCESS);
    }
    show(&restored.backup);
    say(format!(
        "in doubt     {} handoffs; each is looked up before anything is asked again",
        restored.in_doubt
    ));
    say(format!(
        "perhaps done {} effects; each is looked up first, where that can be done",
        restored.perhaps_done
    ));
    if let Some(aside) = &restored.set_aside {
        say(format!("set aside    {}", aside.display()));
    }
    say("What was said since the backup was made is not in it. Start the server, and tell your live agents.");
    Ok(ExitCode::SUCCESS)
}

fn show(backup: &Backup) {
    say(format!("made         {}", backup.made_at));
    say(format!("sha256       {}", backup.sha256));
    say(format!(
        "holds        {} conversations, {} messages, {} handoffs, {} of them undecided",
        backup.conversations, backup.messages, backup.handoffs, backup.undecided
    ));
}
