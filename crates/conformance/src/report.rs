//! What came of every case: for people, and for machines that read JUnit.

use std::{fmt, time::Duration};

use handoff_core::plugins::Mode;

use crate::Promise;

/// Why a connector does not pass.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The promise that cannot be kept with it.
    pub promise: Promise,
    /// What happened, and what was expected.
    pub text: String,
    /// What was said between host, connector and platform, in order, without secrets.
    pub exchange: Vec<String>,
}

impl Failure {
    pub(crate) fn new(promise: Promise, text: impl Into<String>) -> Self {
        Self { promise, text: text.into(), exchange: Vec::new() }
    }
}

/// What came of a case.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// As it should be.
    Passed,
    /// Not as it should be.
    Failed(Failure),
    /// Not tried, and why.
    LeftOut(String),
}

/// A case and what came of it.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Name of the case.
    pub case: &'static str,
    /// Where the connector ran; none for what is seen on the file alone.
    pub mode: Option<Mode>,
    /// What came of it.
    pub verdict: Verdict,
    /// How long it took.
    pub took: Duration,
}

/// What came of everything.
#[derive(Debug, Clone)]
pub struct Report {
    /// What was looked at.
    pub file: String,
    /// The cases, in the order in which they were tried.
    pub outcomes: Vec<Outcome>,
}

impl Report {
    /// Whether no case failed.
    pub fn passed(&self) -> bool {
        self.failures().next().is_none()
    }

    /// The cases that failed.
    pub fn failures(&self) -> impl Iterator<Item = (&Outcome, &Failure)> {
        self.outcomes.iter().filter_map(|outcome| match &outcome.verdict {
            Verdict::Failed(failure) => Some((outcome, failure)),
            Verdict::Passed | Verdict::LeftOut(_) => None,
        })
    }

    /// Names of the cases that failed, each once.
    pub fn failed(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.failures().map(|(outcome, _)| outcome.case).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The report as JUnit XML, one test case for each case and mode.
    pub fn junit(&self) -> String {
        let left_out = self.outcomes.iter().filter(|one| matches!(one.verdict, Verdict::LeftOut(_))).count();
        let head = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{left_out}\">\n",
            escaped(&self.file),
            self.outcomes.len(),
            self.failures().count(),
        );
        let cases: String = self.outcomes.iter().map(test_case).collect();
        format!("{head}{cases}  </testsuite>\n</testsuites>\n")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Outcome { case, mode, verdict, took } in &self.outcomes {
            let place = place(*mode);
            match verdict {
                Verdict::Passed => writeln!(f, "passed    {case:<24} {place}{}", long(*took))?,
                Verdict::LeftOut(why) => writeln!(f, "left out  {case:<24} {place}: {why}")?,
                Verdict::Failed(failure) => {
                    writeln!(f, "FAILED    {case:<24} {place}: {}", failure.promise)?;
                    writeln!(f, "          {}", failure.text)?;
                    failure.exchange.iter().try_for_each(|line| writeln!(f, "            {line}"))?;
                }
            }
        }
        let failed = self.failures().count();
        let left_out = self.outcomes.iter().filter(|one| matches!(one.verdict, Verdict::LeftOut(_))).count();
        let passed = self.outcomes.len() - failed - left_out;
        write!(f, "{}: {passed} passed, {failed} failed, {left_out} left out", self.file)
    }
}

/// How long something took, when it took long.
fn long(took: Duration) -> String {
    if took.as_secs() == 0 { String::new() } else { format!(", {} s", took.as_secs()) }
}

fn place(mode: Option<Mode>) -> &'static str {
    mode.map_or("on the file", Mode::name)
}

fn test_case(outcome: &Outcome) -> String {
    let open = format!(
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\"",
        place(outcome.mode),
        outcome.case,
        outcome.took.as_secs_f64()
    );
    match &outcome.verdict {
        Verdict::Passed => format!("{open}/>\n"),
        Verdict::LeftOut(why) => {
            format!("{open}>\n      <skipped message=\"{}\"/>\n    </testcase>\n", escaped(why))
        }
        Verdict::Failed(failure) => format!(
            "{open}>\n      <failure type=\"{}\" message=\"{}\">{}</failure>\n    </testcase>\n",
            failure.promise,
            escaped(&failure.text),
            escaped(&failure.exchange.join("\n")),
        ),
    }
}

/// The text as it may stand in XML: also without characters that no XML may hold.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut text, letter| {
        match letter {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\n' | '\t' => text.push(letter),
            letter if letter.is_control() => text.push('\u{fffd}'),
            letter => text.push(letter),
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_for_people_and_machines_which_promise_is_broken_and_shows_the_exchange() {
        let failure =
            Failure { exchange: vec!["POST /x <a&b>".into()], ..Failure::new(Promise::P3, "two \"chats\"") };
        let outcome =
            |case, verdict| Outcome { case, mode: Some(Mode::Worker), verdict, took: Duration::ZERO };
        let report = Report {
            file: "acme.so".into(),
            outcomes: vec![
                outcome("one", Verdict::Passed),
                outcome("two", Verdict::Failed(failure)),
                outcome("three", Verdict::LeftOut("no scenario".into())),
            ],
        };
        let text = report.to_string();
        for expected in ["P3 nothing doubled", "POST /x <a&b>", "1 passed, 1 failed, 1 left out"] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        let junit = report.junit();
        for expected in
            ["tests=\"3\" failures=\"1\" skipped=\"1\"", "two &quot;chats&quot;", "POST /x &lt;a&amp;b&gt;"]
        {
            assert!(junit.contains(expected), "{expected}: {junit}");
        }
        assert!(!report.passed() && report.failed() == ["two"]);
    }
}
