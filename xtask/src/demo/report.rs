//! What was seen, promise by promise and handoff by handoff.

use std::{fs, path::Path};

use anyhow::Result;
use serde_json::{Value, json};

/// The promises, and what each says in short.
const PROMISES: [(&str, &str); 7] = [
    ("P1", "one holder"),
    ("P2", "nothing lost"),
    ("P3", "nothing doubled"),
    ("P4", "the truth"),
    ("P5", "sealed"),
    ("P6", "mute"),
    ("P7", "survives"),
];

/// Everything seen so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    seen: Vec<Seen>,
    handoffs: Vec<Value>,
}

#[derive(Debug)]
struct Seen {
    promise: &'static str,
    holds: bool,
    evidence: String,
}

impl Report {
    /// Something that shows whether a promise is kept.
    pub(crate) fn see(&mut self, promise: &'static str, holds: bool, evidence: impl Into<String>) {
        self.seen.push(Seen { promise, holds, evidence: evidence.into() });
    }

    /// A handoff as it ended.
    pub(crate) fn handoff(&mut self, handoff: Value) {
        self.handoffs.push(handoff);
    }

    /// One line for each promise; says whether all are kept.
    pub(crate) fn print(&self) -> bool {
        for (promise, title) in PROMISES {
            let word = if self.keeps(promise) { "kept" } else { "NOT KEPT" };
            println!("{promise} {title}: {word}: {}", self.evidence(promise).join("; "));
        }
        PROMISES.iter().all(|(promise, _)| self.keeps(promise))
    }

    /// Writes everything as JSON.
    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        let promise = |(name, title): (&str, &str)| {
            json!({
                "promise": name, "title": title, "kept": self.keeps(name), "evidence": self.evidence(name),
            })
        };
        let promises: Vec<Value> = PROMISES.into_iter().map(promise).collect();
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let whole = json!({ "handoffs": self.handoffs, "promises": promises });
        fs::write(file, serde_json::to_string_pretty(&whole)?)?;
        println!("report: {}", file.display());
        Ok(())
    }

    /// A promise that nothing was seen of is not kept.
    fn keeps(&self, promise: &str) -> bool {
        let mut seen = self.seen.iter().filter(|seen| seen.promise == promise).peekable();
        seen.peek().is_some() && seen.all(|seen| seen.holds)
    }

    fn evidence(&self, promise: &str) -> Vec<String> {
        let seen = self.seen.iter().filter(|seen| seen.promise == promise);
        let word = |seen: &Seen| match seen.holds {
            true => seen.evidence.clone(),
            false => format!("NOT SO: {}", seen.evidence),
        };
        seen.map(word).collect()
    }
}
