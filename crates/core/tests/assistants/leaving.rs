//! What an author may write about a chat that leaves: the question before it, and the ways after the first.

use handoff_core::{
    assistant::read,
    handoff::{Fallback, consent},
};
use serde_json::{Value, json};

use super::{assistant, findings};

fn problems(consent: Value) -> Vec<String> {
    consent::problems(&serde_json::from_value(consent).unwrap())
}

#[test]
fn a_question_and_its_answers_are_neither_empty_nor_too_long_nor_alike() {
    let question = |length: usize| json!({ "question": "x".repeat(length) });
    let yes = |length: usize| json!({ "question": "May I?", "yes": "y".repeat(length) });
    let no = |answer: &str| json!({ "question": "May I?", "no": answer });
    for fits in [question(1), question(4_000), yes(80), no("Not yet")] {
        assert_eq!(problems(fits.clone()), [""; 0], "{fits}");
    }
    let refused = [
        (question(0), "the question has 1 to 4000"),
        (json!({ "question": " \n" }), "the question has 1 to 4000"),
        (question(4_001), "the question has 1 to 4000"),
        (yes(81), "at most 80"),
        (yes(0), "needs letters or digits"),
        (no("!?"), "the answer \"!?\" needs letters or digits"),
        (no("yes!"), "the answers \"Yes\" and \"yes!\" cannot be told apart"),
    ];
    for (written, reason) in refused {
        let found = problems(written.clone());
        assert!(found.len() == 1 && found[0].contains(reason), "{written}: {found:?}");
    }
}

#[test]
fn answers_that_an_author_leaves_out_are_yes_and_no() {
    let consent: consent::Consent = serde_json::from_value(json!({ "question": "May I?" })).unwrap();
    assert_eq!((consent.yes.as_str(), consent.no.as_str()), ("Yes", "No"));
}

#[test]
fn a_question_that_cannot_be_is_found_at_its_action() {
    let asks = json!([{ "id": "x", "action": "external_handoff", "platform": "zendesk",
        "consent": { "question": "May I?", "yes": "ok", "no": "OK" } }]);
    let found = findings(&assistant(asks));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].node.as_ref().map(|node| node.as_str()), Some("x"));
    assert!(found[0].problem.contains("cannot be told apart"));
}

/// A field that says nothing is left out, so that a file stays as short as its author wrote it.
#[test]
fn a_way_after_the_first_is_written_as_it_was_read() {
    let short = json!({ "platform": "other" });
    let long = json!({ "platform": "other", "connection": "b", "route": "ticket", "budget_seconds": 7,
        "options": { "tags": "vip" } });
    for way in [&short, &long] {
        let read: Fallback = serde_json::from_value(way.clone()).unwrap();
        assert_eq!(json!(read), *way);
    }
    let first =
        json!([{ "id": "x", "action": "external_handoff", "platform": "zendesk", "fallbacks": [short] }]);
    let definition = read(&assistant(first).to_string()).unwrap();
    let defaults: Fallback = serde_json::from_value(json!({ "platform": "other" })).unwrap();
    let handoff_core::assistant::Do::ExternalHandoff(handoff) = &definition.triggers[0].actions[0].does
    else {
        panic!("not an External Handoff")
    };
    assert_eq!(handoff.fallbacks, [defaults]);
    assert_eq!(handoff.fallbacks[0].budget_seconds, handoff.budget_seconds, "the same time as for the first");
}
