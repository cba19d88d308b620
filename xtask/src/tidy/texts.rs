//! Every file opens with what it is for, is not too long, and names nobody's machine.

use super::{Finding, Source};

/// Longest source file, in lines.
const LONGEST: usize = 500;
/// Beginnings of paths that exist on one machine only, in two parts so that this file passes.
const HOMES: [(&str, &str); 4] = [("/ho", "me/"), ("/Use", "rs/"), ("/ro", "ot/"), ("C:\\", "Users")];
/// Kinds of files with a limited length.
const CODE: [&str; 5] = [".rs", ".js", ".mjs", ".css", ".html"];

/// Looks at every file.
pub(super) fn check(sources: &[Source], findings: &mut Vec<Finding>) {
    for source in sources {
        homes(source, findings);
        let is_code = CODE.iter().any(|kind| source.path.ends_with(kind));
        let lines = source.text.lines().count();
        if is_code && lines > LONGEST {
            findings
                .push(Finding::new(&source.path, format!("{lines} lines; split it, {LONGEST} are allowed")));
        }
        if source.path.ends_with(".rs") && !source.text.starts_with("//!") {
            findings
                .push(Finding::new(&source.path, "does not open with what it is for: a comment with //!"));
        }
    }
}

fn homes(source: &Source, findings: &mut Vec<Finding>) {
    for (number, line) in source.text.lines().enumerate() {
        let found = HOMES.iter().map(|(one, two)| format!("{one}{two}")).find(|home| line.contains(home));
        if let Some(home) = found {
            let place = format!("{}:{}", source.path, number + 1);
            findings.push(Finding::new(place, format!("names a place on somebody's machine: {home}…")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_breaks_a_rule_is_found() {
        let home = format!("//! See {}{}me.\n", HOMES[0].0, HOMES[0].1);
        let cases = [
            ("a.rs", "//! What it is for.\n".to_owned(), 0),
            ("a.rs", "use a;\n".to_owned(), 1),
            ("a.rs", home, 1),
            ("a.rs", "//! Long\n".repeat(LONGEST + 1), 1),
            ("a.md", "text\n".repeat(LONGEST + 1), 0),
        ];
        for (path, text, expected) in cases {
            let mut findings = Vec::new();
            check(&[Source { path: path.to_owned(), text }], &mut findings);
            assert_eq!(findings.len(), expected, "{:?}", findings.first().map(|finding| &finding.problem));
        }
    }
}
