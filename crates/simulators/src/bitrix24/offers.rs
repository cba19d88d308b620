//! The queue: to whom a waiting session is offered, for how long, and what happens by itself.

use super::model::Holder;
use super::state::{State, Timer};

impl State {
    /// Something that was to happen later happens, if it still means anything.
    pub(super) fn fire(&mut self, timer: Timer) {
        match timer {
            Timer::BotTime { session } => {
                if let Some(chat) =
                    self.sessions.get(&session).filter(|known| known.is_open()).map(|known| known.chat)
                {
                    self.take_from_bot(chat);
                }
            }
            Timer::Accept { session, round, operator } => {
                let Some(chat) = self.offered(session, round) else { return };
                if self.users.get(&operator).is_some_and(|user| user.online) {
                    // Cannot fail: the session waits for people.
                    let _ = self.accept(chat, operator);
                }
            }
            Timer::OfferOver { session, round } => {
                if self.offered(session, round).is_some() {
                    self.offer_next(session);
                }
            }
        }
    }

    /// Offers a waiting session to whoever is next. When everybody had a turn it stays
    /// with all of them.
    pub(super) fn offer_next(&mut self, session: i64) {
        let Some(known) = self.sessions.get(&session) else { return };
        let Some(line) = self.lines.get(&known.line) else { return };
        let passed = &known.offer.passed;
        let there: Vec<i64> = line
            .queue
            .iter()
            .copied()
            .filter(|id| self.can_be_offered(*id, line.is_on("CHECK_AVAILABLE")))
            .collect();
        let turns = line.queue.len().max(1);
        let rotated = line.queue.iter().cycle().skip(line.turn % turns).take(turns);
        let fresh: Vec<i64> =
            rotated.copied().filter(|id| there.contains(id) && !passed.contains(id)).collect();
        let to = match line.text("QUEUE_TYPE") {
            _ if fresh.is_empty() => there,
            "all" => fresh.clone(),
            "strictly" => there.iter().copied().find(|id| fresh.contains(id)).into_iter().collect(),
            _ => fresh.iter().copied().take(1).collect(),
        };
        if let Some(line) = self.lines.get_mut(&known.line) {
            let last = to.last().and_then(|id| line.queue.iter().position(|known| known == id));
            line.turn = last.map_or(line.turn, |position| position + 1);
        }
        self.offer(session, to);
        if !fresh.is_empty() {
            self.expire_offer(session);
        }
    }

    /// An operator came or went, or changed their habit: waiting offers count from now.
    pub(super) fn operator_changed(&mut self, operator: i64) {
        let waiting: Vec<(i64, u64)> = self
            .sessions
            .values()
            .filter(|session| session.holder == Holder::Queue && session.offer.to.contains(&operator))
            .map(|session| (session.id, session.offer.round))
            .collect();
        for (session, round) in waiting {
            self.expect_answer(session, round, operator);
        }
    }

    fn can_be_offered(&self, operator: i64, only_online: bool) -> bool {
        self.users.get(&operator).is_some_and(|user| user.is_staff() && (user.online || !only_online))
    }

    /// The chat of a session that still waits in this round of offers.
    fn offered(&self, session: i64, round: u64) -> Option<i64> {
        let known = self.sessions.get(&session)?;
        (known.holder == Holder::Queue && known.offer.round == round).then_some(known.chat)
    }

    /// Offers a waiting session to these.
    pub(super) fn offer(&mut self, session: i64, to: Vec<i64>) {
        let Some(known) = self.sessions.get_mut(&session) else { return };
        known.offer.round += 1;
        known.offer.passed.extend(&to);
        known.offer.to.clone_from(&to);
        let round = known.offer.round;
        for operator in to {
            self.expect_answer(session, round, operator);
        }
    }

    fn expect_answer(&mut self, session: i64, round: u64, operator: i64) {
        let Some(user) = self.users.get(&operator).filter(|user| user.online) else { return };
        if let Some(seconds) = user.accepts_after {
            self.after(seconds, Timer::Accept { session, round, operator });
        }
    }

    /// Lets the present offer pass after the line's queue time.
    pub(super) fn expire_offer(&mut self, session: i64) {
        let Some(known) = self.sessions.get(&session) else { return };
        let wait = self.lines.get(&known.line).map_or(0, |line| line.number("QUEUE_TIME"));
        let timer = Timer::OfferOver { session, round: known.offer.round };
        if wait > 0 {
            self.after(wait as f64, timer);
        }
    }
}
