//! A connector that does wrong on request: the kit notices each way of it, under the right name.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod account;

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc, time::Duration};

use futures::future::{BoxFuture, ready};
use handoff_conformance::{Kit, Platform, Promise, Report, Scenario, beside_tests};
use object::{Object, ObjectSection};
use serde_json::{Value, json};

handoff_conformance::plays_workers!();

/// The connector with one fault, before the desk.
struct Wrong(&'static str);

impl Scenario for Wrong {
    fn settings(&self, base: &str) -> Value {
        json!({ "base_url": base, "fault": self.0, "region": "north" })
    }

    fn secrets(&self) -> BTreeMap<String, String> {
        account::secrets()
    }

    fn platform(&self) -> BoxFuture<'_, Arc<dyn Platform>> {
        Box::pin(ready(account::Account::fresh()))
    }

    fn fields(&self) -> Vec<String> {
        account::FIELDS.map(str::to_owned).into()
    }

    /// There were no regions at first.
    fn earlier_settings(&self, base: &str) -> Vec<Value> {
        vec![json!({ "base_url": base, "fault": self.0 })]
    }
}

fn file() -> PathBuf {
    beside_tests("handoff-misbehaving")
}

fn tried(file: PathBuf, scenario: &dyn Scenario) -> Report {
    let program = std::env::current_exe().unwrap();
    let kit = Kit::new(file, program).patience(Duration::from_secs(4), Duration::from_secs(1));
    kit.run(Some(scenario)).unwrap()
}

/// The kit fails in the case of this name, for the sake of this promise, and shows what was said.
fn is_noticed(fault: &'static str, case: &str, promise: Promise) {
    let report = tried(file(), &Wrong(fault));
    let found = report.failures().find(|(outcome, _)| outcome.case == case);
    let Some((_, failure)) = found else { panic!("{case} did not fail: {:?}\n{report}", report.failed()) };
    assert_eq!(failure.promise, promise, "{report}");
    let text = report.to_string();
    for secret in account::secrets().values() {
        assert!(!text.contains(secret.as_str()), "the report itself gives a secret away: {text}");
    }
}

macro_rules! faults {
    ($($fault:ident: $case:literal, $promise:ident;)*) => {
        $(
            #[test]
            fn $fault() {
                is_noticed(stringify!($fault), $case, Promise::$promise);
            }
        )*
    };
}

faults! {
    panics_in_the_future: "no-panic", P7;
    panics_before_the_future: "no-panic", P7;
    panics_when_cancelled: "no-panic", P7;
    panics_when_made: "made", P7;
    panics_when_dropped: "no-panic", P7;
    loops_for_ever: "gives-thread-back", P7;
    sleeps_for_ever: "gives-thread-back", P7;
    blocks_a_while: "gives-thread-back", P7;
    never_answers: "answers", P7;
    answers_junk: "whole-handoff", P2;
    answers_in_another_shape: "whole-handoff", P4;
    answers_unknown_verbs: "unknown-verb", P4;
    leaves_junk_open: "junk-requests", P3;
    leaks_a_secret: "secrets", P5;
    logs_words: "words-unsaid", P5;
    calls_another_host: "own-hosts", P5;
    starts_a_thread: "no-threads", P7;
    asks_twice: "faults", P3;
    doubles_words: "words-once", P3;
    forgets_the_key: "whole-handoff", P4;
    finds_what_is_not_there: "find", P4;
    finds_nothing: "find", P3;
    shares_state: "whole-handoff", P2;
    keeps_memory: "memory", P7;
    aborts: "stays-alive", P7;
    segfaults: "stays-alive", P7;
    exits: "stays-alive", P7;
    goes_on_when_superseded: "superseded", P1;
    does_not_wait: "asked-to-wait", P2;
    takes_wrong_credentials_for_a_refusal: "credentials", P4;
    takes_doubt_for_a_refusal: "faults", P2;
    believes_anyone: "webhook", P4;
    gives_events_new_keys: "webhook", P3;
    says_done_too_soon: "whole-handoff", P4;
    names_another_chat: "whole-handoff", P4;
    drops_words: "whole-handoff", P2;
    reorders_words: "whole-handoff", P2;
    takes_any_settings: "wrong-settings", P4;
    wants_more_settings: "earlier-settings", P7;
    installs_twice: "install", P3;
    doubles_replies: "replies-once", P3;
    says_somebody_is_there: "availability", P4;
    offers_a_choice_twice: "options", P4;
    offers_nothing_when_it_cannot_look: "options", P4;
    refuses_after_handing_over: "refused", P1;
    reads_only_its_own_checkpoints: "upgrade", P3;
}

/// Without a fault there is nothing to find but what it needs for its faults: it imports what ends processes
/// and starts threads.
#[test]
fn none() {
    let report = tried(file(), &Wrong("none"));
    assert_eq!(report.failed(), ["imports"], "{report}");
}

/// What it says when it runs is not what its file says.
#[test]
fn lies_about_itself() {
    let bytes = fs::read(file()).unwrap();
    let range = {
        let elf = object::File::parse(&*bytes).unwrap();
        let (start, size) = elf.section_by_name(".handoff.meta").unwrap().file_range().unwrap();
        start as usize..(start + size) as usize
    };
    let said = String::from_utf8(bytes[range.clone()].to_vec()).unwrap();
    let (folder, mut lying) = (tempfile::tempdir().unwrap(), bytes);
    lying[range].copy_from_slice(said.replace("\"0.1.0\"", "\"9.9.9\"").as_bytes());
    let file = folder.path().join("lying.so");
    fs::write(&file, lying).unwrap();
    let report = tried(file, &Wrong("none"));
    let (outcome, failure) = report.failures().find(|(outcome, _)| outcome.case == "opens").unwrap();
    assert_eq!((outcome.case, failure.promise), ("opens", Promise::P4), "{report}");
    assert!(failure.text.contains("describes itself otherwise"), "{}", failure.text);
}
