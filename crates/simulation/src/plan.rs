//! What a seed draws: how many nodes, persons and faults there are, and where chats go.

use std::time::Duration;

use crate::chance::Dice;

/// A way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// From the webchat to Zendesk, over a bridge.
    Zendesk,
    /// From the webchat to an open channel of Bitrix24, over a bridge.
    OpenChannel,
    /// From the chat bot of an open channel to its operators.
    Line,
}

/// The plan of a run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where chats go.
    pub route: Route,
    /// Server processes on one store. Several are beyond what the server claims today: see the documentation.
    pub nodes: usize,
    /// Persons who chat.
    pub persons: u64,
    /// For how long things go wrong.
    pub storm: Duration,
    /// Requests of a thousand that go wrong while they do.
    pub per_mille: u64,
    /// Longest calm between two blows to a node, in milliseconds.
    pub calm: u64,
    /// How long a handoff is tried before it fails, in seconds.
    pub budget: u64,
    /// Longest pause of a person between two words, in milliseconds.
    pub thinks: u64,
    /// How often an older backup is put back.
    pub restores: u64,
}

impl Plan {
    pub(crate) fn draw(dice: &Dice) -> Self {
        let route = dice.pick(&[Route::Zendesk, Route::OpenChannel, Route::Line]);
        // Fetching a portal's events belongs to one process.
        let nodes = if route == Route::Zendesk { dice.pick(&[1, 1, 1, 2, 3]) } else { 1 };
        Self {
            route,
            nodes,
            persons: dice.within(1..5),
            storm: Duration::from_secs(dice.within(5..120)),
            per_mille: dice.pick(&[0, 30, 100, 250, 500]),
            calm: dice.pick(&[500, 2_000, 8_000, 30_000]),
            budget: dice.pick(&[20, 60, 60, 900]),
            thinks: dice.pick(&[200, 2_000, 8_000]),
            restores: 0,
        }
    }

    /// The same with backups that are put back: on a channel of ours, because on a platform's own the chat goes on
    /// there whatever we know of it; by one process, which is all that a database may have.
    pub(crate) fn with_restores(self, dice: &Dice) -> Self {
        Self {
            route: dice.pick(&[Route::Zendesk, Route::OpenChannel]),
            nodes: 1,
            storm: Duration::from_secs(dice.within(20..120)),
            restores: dice.pick(&[1, 1, 2, 3]),
            ..self
        }
    }

    /// The same with as much going wrong as there can, for rules that are broken on purpose.
    pub(crate) fn fierce(self) -> Self {
        Self { persons: 4, storm: Duration::from_secs(120), per_mille: 250, calm: 500, thinks: 2_000, ..self }
    }

    /// One person, two processes, and nothing that goes wrong: for a run in which one thing does.
    pub(crate) fn calm(route: Route) -> Self {
        let storm = Duration::ZERO;
        Self {
            route,
            nodes: 2,
            persons: 1,
            storm,
            per_mille: 0,
            calm: 0,
            budget: 900,
            thinks: 2_000,
            restores: 0,
        }
    }

    /// How long a platform may take at the most to have a request take effect: within the time that it states.
    pub(crate) fn latest(&self) -> u64 {
        match self.route {
            Route::Zendesk => 20_000,
            Route::OpenChannel | Route::Line => 40_000,
        }
    }
}
