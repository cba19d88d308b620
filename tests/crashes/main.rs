//! `kill -9` of the server, or of the process of a connector, around every request that a handoff makes of its
//! platform.
//!
//! How many requests there are is counted in an undisturbed run; then the server is killed while one
//! of them is held, for each of them: before its effect, after it, and with the effect so late that
//! the next server has looked already. Whatever happens, one conversation is made, the history is whole and in
//! order, and the person is told once.

mod bitrix24;
mod tickets;
mod zendesk;
mod zendesk_native;

use anyhow::{Result, bail};
use handoff_tests::{note, server::Server};

/// How much faster everybody's time runs.
const FACTOR: u32 = 20;
/// The same for simulators.
const FASTER: [&str; 2] = ["--clock-factor", "20"];
/// Time enough for a settling after every crash, in the server's seconds.
const BUDGET: u64 = 7200;

/// Who dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    /// The server.
    Server,
    /// The process in which the connector runs, while the server lives on.
    Worker,
}

impl Victim {
    async fn dies(self, server: &mut Server) -> Result<()> {
        match self {
            Self::Server => server.kill9().await,
            Self::Worker => server.kill9_workers(),
        }
    }
}

/// When the server dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Death {
    /// Before the request's effect, which comes while nobody serves.
    Before,
    /// Between the request's effect and its answer.
    After,
    /// Before the request's effect, which comes when the next server serves already.
    Late,
}

impl Death {
    /// The simulator's fault.
    fn fault(self) -> &'static str {
        match self {
            Self::Before | Self::Late => "hold",
            Self::After => "hold_after",
        }
    }
}

/// What became of every death; one that went wrong does not hide the next.
#[derive(Default)]
struct Story {
    wrong: Vec<String>,
}

impl Story {
    fn tell(&mut self, death: &str, ended: Result<()>) {
        match ended {
            Ok(()) => note(&format!("{death}: whole")),
            Err(error) => {
                note(&format!("{death}: {error:#}"));
                self.wrong.push(format!("{death}: {error:#}"));
            }
        }
    }

    fn end(self) -> Result<()> {
        if self.wrong.is_empty() {
            return Ok(());
        }
        bail!("{} of the deaths left something behind:\n{}", self.wrong.len(), self.wrong.join("\n"))
    }
}
