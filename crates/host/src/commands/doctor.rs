//! `handoff doctor`: everything that may be wrong with a server, whether it runs or not, and what to do about it.

use std::{os::unix::fs::PermissionsExt, path::Path, process::ExitCode, time::Duration};

use handoff_core::{
    plugins::{Quarantine, Record},
    world::Clock,
};
use handoff_model::Timestamp;
use handoff_store::examine::{self, Examined};

use super::check::{self, Line, line, print};
use crate::{
    clock::WorldClock,
    compose::{self, Role},
    config::{self, Config},
    keyring::Keyring,
};

/// With less room than this, messages will soon be refused.
const LITTLE_ROOM: u64 = 1 << 30;
/// With less room than this, a log that grows does not fit any more.
const NO_ROOM: u64 = 64 << 20;
/// A clock may be off by this much.
const OFF: Duration = Duration::from_secs(5 * 60);
/// Findings in the rows that are told one by one.
const MOST_TOLD: usize = 50;

pub(crate) async fn run(path: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let mut lines = Vec::new();
    match config::load(path) {
        Ok(config) => examine_all(&config, &mut lines).await,
        Err(error) => {
            let text = format!("{error:#}. What to do: correct it; handoff check reads it again.");
            lines.push(line("configuration", "problem", &text));
        }
    }
    print(&lines, json)
}

async fn examine_all(config: &Config, lines: &mut Vec<Line>) {
    lines.push(line("configuration", "ok", "can be read"));
    if config.clock != config::ClockConfig::default() {
        let text = "the section clock is set: this server's time is not the world's. What to do: take it out, unless you test.";
        lines.push(line("configuration", "warning", text));
    }
    check::keys(config, lines);
    let served = examine::is_served(&compose::database(config));
    lines.push(line("server", "ok", if served { "runs" } else { "does not run" }));
    if served {
        answers(config, lines).await;
    }
    let fit = folder(config, lines) & keys(config, lines) & database(config, served, lines);
    quarantine(config, lines);
    if !fit {
        let text = "were not looked at, because of the problem above. What to do: solve it and run handoff doctor again.";
        return lines.push(line("plugins and connections", "warning", text));
    }
    match compose::host(config, Role::Command, "").await {
        Ok(host) => {
            if let Err(error) = check::parts(config, &host, lines).await {
                lines.push(line("assistants", "problem", &format!("{error:#}")));
            }
        }
        Err(error) => lines.push(line("server", "problem", &format!("it could not start: {error:#}"))),
    }
}

/// Whether the server takes messages.
async fn answers(config: &Config, lines: &mut Vec<Line>) {
    let url = format!("http://{}/health/ready", config.server.listen);
    let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).no_proxy().build();
    let asked = match client {
        Ok(client) => client.get(url).send().await,
        Err(error) => Err(error),
    };
    let found = match asked {
        Ok(answer) if answer.status().is_success() => line("server", "ok", "takes messages"),
        Ok(answer) => {
            let status = answer.status();
            let text = format!(
                "says that it is not ready ({status}): its database cannot be written, or it is about to stop. \
                 What to do: look at the disk below and at the last lines of its log."
            );
            line("server", "problem", &text)
        }
        Err(_) => {
            let listen = config.server.listen;
            let text = format!(
                "has the database open and does not answer at {listen}. What to do: see whether server.listen was \
                 changed since it started; otherwise look at its log, and start it again."
            );
            line("server", "warning", &text)
        }
    };
    lines.push(found);
}

/// The data folder and its disk; false when nothing can be done with it.
fn folder(config: &Config, lines: &mut Vec<Line>) -> bool {
    let folder = &config.data_dir;
    let shown = folder.display();
    let about = "data folder";
    if !folder.exists() {
        let text =
            format!("{shown} is not there yet. What to do: nothing; the server makes it when it starts.");
        lines.push(line(about, "warning", &text));
        return true;
    }
    if rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_err() {
        let text = format!(
            "{shown} may not be written by this user. What to do: change its owner, or run as the server's user."
        );
        lines.push(line(about, "problem", &text));
        return false;
    }
    match rustix::fs::statvfs(folder) {
        Ok(disk) => lines.push(room(disk.f_bavail.saturating_mul(disk.f_frsize))),
        Err(error) => lines.push(line("disk", "warning", &format!("its room cannot be told: {error}"))),
    }
    true
}

fn room(free: u64) -> Line {
    let shown = format!("{} MiB are free", free >> 20);
    let more = "What to do: make room or move data_dir; what was accepted is safe, new messages are refused when it is full.";
    match free {
        0..NO_ROOM => line("disk", "problem", &format!("{shown}. {more}")),
        NO_ROOM..LITTLE_ROOM => line("disk", "warning", &format!("{shown}. {more}")),
        _ => line("disk", "ok", &shown),
    }
}

/// The key files; false when one cannot be used. None is made.
fn keys(config: &Config, lines: &mut Vec<Line>) -> bool {
    let now = WorldClock::new(&config.clock).now();
    let stored = compose::database(config).exists();
    let mut usable = true;
    for name in ["keys.json", "credentials.json"] {
        let path = config.data_dir.join(name);
        let mode = path.metadata().map(|found| found.permissions().mode());
        let (kind, text) = match (Keyring::open_existing(&path, now), mode) {
            (Ok(None), _) if stored => (
                "warning",
                "is missing beside a database. What to do: put it back from where you keep it; a new one is made at \
                 the next start, and what was sealed with the old one cannot be read any more."
                    .to_owned(),
            ),
            (Ok(None), _) => ("ok", "is not there yet".to_owned()),
            (Ok(Some(_)), Ok(mode)) if mode & 0o077 != 0 => {
                ("warning", format!("can be read by others. What to do: chmod 600 {}", path.display()))
            }
            (Ok(Some(_)), _) => ("ok", "can be read".to_owned()),
            (Err(error), _) => {
                usable = false;
                ("problem", format!("{error:#}. What to do: put it back from where you keep it; without it, sealed rows are lost."))
            }
        };
        lines.push(line(name, kind, &text));
    }
    usable
}

/// The database, page by page and promise by promise; false when it cannot be used.
fn database(config: &Config, served: bool, lines: &mut Vec<Line>) -> bool {
    let (path, now) = (compose::database(config), WorldClock::new(&config.clock).now());
    if !path.exists() {
        lines.push(line("database", "ok", "is not there yet"));
        return true;
    }
    let own = |channel: &handoff_model::ChannelId| {
        let known = config.channels.contains_key(channel);
        let connection = handoff_model::ConnectionId::new(channel.as_str());
        if known { Some(false) } else { config.connections.contains_key(&connection).then_some(true) }
    };
    match examine::examine(&path, now, served, own) {
        Ok(examined) => {
            pages(&examined, lines) && {
                rows(&examined, lines);
                work(&examined, served, lines);
                clock(&examined, now, lines);
                true
            }
        }
        Err(error) => {
            let text = format!(
                "{error}. What to do: stop the server, keep a copy of the file, and put the latest good backup back: handoff restore."
            );
            lines.push(line("database", "problem", &text));
            false
        }
    }
}

fn pages(examined: &Examined, lines: &mut Vec<Line>) -> bool {
    let Examined { faults, damaged, version, known, conversations, .. } = examined;
    for fault in faults {
        let text = format!(
            "is damaged: {}. What to do: stop the server, keep a copy of the file, and put the latest good backup \
             back: handoff restore. Look at the disk: it lost or changed what was written.",
            fault.replace('\n', "; ")
        );
        lines.push(line("database", "problem", &text));
    }
    for row in damaged {
        let text = format!(
            "{row}, so that it is not given out. What to do: stop the server, keep a copy of the file, and put the \
             latest good backup back: handoff restore. Look at the disk, unless somebody changed the row by hand."
        );
        lines.push(line("database", "problem", &text));
    }
    if version < known {
        let text =
            format!("has tables of version {version}; the server brings them to {known} when it starts.");
        lines.push(line("database", "warning", &text));
    } else if version > known {
        let text = format!(
            "has tables of version {version}, and this program knows {known}. What to do: use the newer program."
        );
        lines.push(line("database", "problem", &text));
    } else if faults.is_empty() && damaged.is_empty() {
        let text =
            format!("every page is in order, every row as it was written; {conversations} conversations");
        lines.push(line("database", "ok", &text));
    }
    faults.is_empty() && version == known
}

/// What the rows say about the promises.
fn rows(examined: &Examined, lines: &mut Vec<Line>) {
    let findings = &examined.findings;
    if findings.is_empty() {
        lines.push(line("promises", "ok", "P1, P2, P3, P5 and P7 hold on every row"));
    }
    for finding in findings.iter().take(MOST_TOLD) {
        let handoff = finding.handoff.as_ref().map(|id| format!(", handoff {id}")).unwrap_or_default();
        let about = format!("{} conversation {}{handoff}", finding.promise.name(), finding.conversation);
        lines.push(line(&about, "problem", &format!("{}. What to do: {}", finding.what, finding.remedy)));
    }
    if let Some(more) = findings.len().checked_sub(MOST_TOLD + 1) {
        lines.push(line("promises", "problem", &format!("{} more findings of this kind", more + 1)));
    }
}

/// What waits for somebody.
fn work(examined: &Examined, served: bool, lines: &mut Vec<Line>) {
    let Examined { due, parked, dead_letters, in_doubt, .. } = examined;
    if !served && *due > 0 {
        let text = format!("{due} effects are due and nobody performs them. What to do: start the server.");
        lines.push(line("outbox", "warning", &text));
    }
    if *parked > 0 {
        let text = format!(
            "{parked} requests of platforms wait to be read. What to do: see that the connector of their connection \
             can be loaded; they are read once it can."
        );
        lines.push(line("webhooks", "warning", &text));
    }
    if *dead_letters > 0 {
        let text = format!(
            "{dead_letters} handoffs are in doubt for more than a day. What to do: handoff handoff list --state \
             in_doubt, look on the platform, then handoff handoff look or give-up."
        );
        lines.push(line("handoffs", "problem", &text));
    } else if *in_doubt > 0 {
        let text =
            format!("{in_doubt} handoffs are in doubt and are being looked up. What to do: nothing yet.");
        lines.push(line("handoffs", "warning", &text));
    }
}

/// What was stored before now cannot have been stored later.
fn clock(examined: &Examined, now: Timestamp, lines: &mut Vec<Line>) {
    let ahead = examined.latest.map(|latest| latest.since(now)).unwrap_or_default();
    if ahead > OFF {
        let text = format!(
            "the latest row is {} minutes ahead of this machine's clock ({now}). What to do: set the clock; until \
             then everything that is due waits.",
            ahead.as_secs() / 60
        );
        lines.push(line("clock", "problem", &text));
    } else {
        lines.push(line("clock", "ok", &format!("{now}")));
    }
}

fn quarantine(config: &Config, lines: &mut Vec<Line>) {
    for Record { id, version, reason, remedy, .. } in Quarantine::of(&compose::vault(config)).list() {
        let text = format!("{id} {version} is not opened: {reason} What to do: {remedy}");
        lines.push(line("quarantine", "warning", &text));
    }
}
