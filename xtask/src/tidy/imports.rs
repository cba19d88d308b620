//! Plain code stays plain: no runtime, no database, no clock, no chance in the heart of the server.

use super::{Finding, Source};

/// Folders of plain code.
const PLAIN: [&str; 5] = [
    "crates/core/src/assistant/",
    "crates/core/src/audit/",
    "crates/core/src/engine/",
    "crates/core/src/session/",
    "crates/core/src/handoff/",
];
/// What plain code does not name.
const FOREIGN: [&str; 8] =
    ["tokio", "rusqlite", "reqwest", "SystemTime", "Instant", "rand::", "getrandom", "std::fs"];
/// What the nouns do not name, beyond that.
const MODEL: &str = "crates/model/src/";

/// Looks at every line of code, comments and tests aside.
pub(super) fn check(sources: &[Source], findings: &mut Vec<Finding>) {
    let plain = |path: &str| PLAIN.iter().any(|folder| path.starts_with(folder)) || path.starts_with(MODEL);
    for source in sources.iter().filter(|source| plain(&source.path) && source.path.ends_with(".rs")) {
        for (number, line) in code(&source.text) {
            if let Some(word) = FOREIGN.into_iter().find(|word| names(line, word)) {
                let place = format!("{}:{number}", source.path);
                findings
                    .push(Finding::new(place, format!("plain code names {word}; take it as an argument")));
            }
        }
    }
}

/// Lines of code with their numbers, up to the tests at the end.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(n, line)| (n + 1, line));
    let lines = lines.take_while(|(_, line)| line.trim() != "#[cfg(test)]");
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Whether a line names a word, not merely a longer one.
fn names(line: &str, word: &str) -> bool {
    let part = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(part);
        let after = line[at + word.len()..].chars().next().is_some_and(part);
        !before && (!after || word.ends_with("::"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_word_is_seen_in_code_and_in_nothing_else() {
        for (line, found) in [
            ("use tokio::time;", true),
            ("use std::time::Instant;", true),
            ("use rand::Rng;", true),
            ("let tokion = 1;", false),
            ("let brand::x", false),
            ("// tokio is not here", false),
        ] {
            let source = Source { path: format!("{}a.rs", PLAIN[1]), text: line.to_owned() };
            let mut findings = Vec::new();
            check(&[source], &mut findings);
            assert_eq!(!findings.is_empty(), found, "{line}");
        }
    }
}
