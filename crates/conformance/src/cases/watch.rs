//! What is looked at after every case: what was logged, how the connector was doing, what its errors say.

use handoff_core::plugins::Mode;

use super::{Outcome, outcome};
use crate::{Failure, Promise, Verdict, scenario::SAID, stage::House};

/// How often a connector may keep its thread for too long in a case: the machine may have been busy.
const MAY_BE_SLOW: usize = 1;

/// What is watched, and what is wrong where it was seen.
const WATCHED: [(&str, Promise); 7] = [
    ("own-hosts", Promise::P5),
    ("secrets", Promise::P5),
    ("words-unsaid", Promise::P5),
    ("no-panic", Promise::P7),
    ("gives-thread-back", Promise::P7),
    ("answers", Promise::P7),
    ("stays-alive", Promise::P7),
];

/// What has been seen so far in one mode.
#[derive(Default)]
pub(crate) struct Watch {
    seen: Vec<(&'static str, Failure)>,
    hung: bool,
    ends: u64,
}

impl Watch {
    /// Looks at what a case left behind. Gives the times for which the connector kept its thread too long, if it
    /// did so in half of its calls or more.
    pub(crate) fn look(&mut self, case: &'static str, house: &mut House) -> Option<String> {
        let mut calls = 0;
        for (id, scene) in std::mem::take(&mut house.used) {
            let (lines, exchange, said) =
                (crate::log::take(|about| about == id.as_str()), scene.lines(), scene.said());
            self.look_at_lines(case, &lines, &exchange, house);
            for (is_error, text) in &said {
                if let Some(secret) = house.masks.leak(text) {
                    let place = if *is_error { "an error" } else { "an answer or a checkpoint" };
                    self.add("secrets", case, format!("{place} of it holds the secret {secret}"), &exchange);
                }
                if *is_error && speaks(text) {
                    let text = "an error quotes what was said in the chat".to_owned();
                    self.add("words-unsaid", case, text, &exchange);
                }
            }
            calls += said.iter().filter(|(_, text)| text.starts_with("answer")).count();
            if scene.was_silent() {
                self.add("answers", case, "a call was never answered".to_owned(), &exchange);
            }
        }
        let lines = house.log();
        self.look_at_lines(case, &lines, &[], house);
        self.look_at_health(case, house);
        let slow: Vec<_> = lines.into_iter().filter(|line| line.contains("kept its thread for")).collect();
        (slow.len() > MAY_BE_SLOW && slow.len() * 2 >= calls).then(|| slow.join("; "))
    }

    /// The connector kept its thread too long, however often it was tried.
    pub(crate) fn is_slow(&mut self, case: &str, times: &str) {
        let text = format!("it keeps its thread too long again and again: {times}");
        self.add("gives-thread-back", case, text, &[]);
    }

    fn look_at_lines(&mut self, case: &str, lines: &[String], exchange: &[String], house: &House) {
        for (name, text) in lines.iter().filter_map(|line| amiss(line, house)) {
            self.add(name, case, text, exchange);
        }
    }

    fn look_at_health(&mut self, case: &'static str, house: &House) {
        let status = house.status();
        let hangs: u64 = status.iter().map(|one| one.hangs).sum();
        if hangs > 0 {
            self.hung = true;
            self.add("gives-thread-back", case, "it kept its thread until it was given up".to_owned(), &[]);
        }
        let ends: u64 = status.iter().map(|one| one.ends).sum();
        let expected = house.kills;
        if ends > expected && self.ends == 0 {
            self.ends = ends - expected;
            let last = status.iter().find_map(|one| one.last_error.as_ref()).map(|last| last.text.clone());
            let hung = last.as_deref().is_some_and(|text| text.contains("it hung"));
            self.hung |= hung;
            let name = if hung { "gives-thread-back" } else { "stays-alive" };
            let text = house.masks.line(&format!("its process ended: {}", last.unwrap_or_default()));
            self.add(name, case, text, &[]);
        }
    }

    fn add(&mut self, name: &'static str, case: &str, text: String, exchange: &[String]) {
        let known = self.seen.iter().any(|(seen, _)| *seen == name);
        let promise =
            WATCHED.iter().find(|(watched, _)| *watched == name).map_or(Promise::P7, |(_, promise)| *promise);
        if !known {
            let exchange = exchange.to_vec();
            self.seen
                .push((name, Failure { exchange, ..Failure::new(promise, format!("{text} (in {case})")) }));
        }
    }

    /// Whether there is no use in going on.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.hung || self.seen.iter().any(|(name, _)| matches!(*name, "answers" | "stays-alive"))
    }

    /// Whether it ended its process by itself.
    pub(crate) fn ended_its_process(&self) -> bool {
        self.seen.iter().any(|(name, _)| *name == "stays-alive")
    }

    pub(crate) fn outcomes(self, mode: Mode) -> Vec<Outcome> {
        let verdict = |name: &str| {
            let found = self.seen.iter().find(|(seen, _)| *seen == name);
            found.map_or(Verdict::Passed, |(_, failure)| Verdict::Failed(failure.clone()))
        };
        WATCHED.iter().map(|(name, _)| outcome(mode, name, verdict(name))).collect()
    }
}

/// What is wrong with a line of the log.
fn amiss(line: &str, house: &House) -> Option<(&'static str, String)> {
    if line.contains("panicked") {
        return Some(("no-panic", house.masks.line(line)));
    }
    if line.contains("which its manifest does not name") {
        return Some(("own-hosts", house.masks.line(line)));
    }
    if let Some(secret) = house.masks.leak(line) {
        let text = format!("it logs the secret {secret}: {}", house.masks.line(line));
        return Some(("secrets", text));
    }
    speaks(line)
        .then(|| ("words-unsaid", format!("it logs what was said in the chat: {}", house.masks.line(line))))
}

/// Whether words of the chat stand in a text.
fn speaks(text: &str) -> bool {
    SAID.iter().any(|said| text.contains(said))
}
