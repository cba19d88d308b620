//! What the engine does with a message: which trigger answers, what is said, and where variables end.

use handoff_core::{
    assistant::{Compiled, compile, read},
    engine::{Effect, Input, Memory, step},
};
use handoff_model::NodeId;
use serde_json::{Map, Value, json};

use super::{assistant, run, texts};

fn compiled(tree: &Value) -> Compiled {
    compile(read(&tree.to_string()).unwrap()).unwrap()
}

fn says(id: &str, text: &str) -> Value {
    json!({ "id": id, "action": "send_message", "texts": [text] })
}

/// Triggers at the top, each with its phrase, that say their own name.
fn triggers(phrases: &[(&str, &str)]) -> Compiled {
    let trigger = |(id, phrase): &(&str, &str)| {
        json!({ "id": id, "on": { "event": "message_received",
        "phrases": [phrase] }, "actions": [says(&format!("say-{id}"), id)] })
    };
    let triggers: Vec<_> = phrases.iter().map(trigger).collect();
    compiled(&json!({ "format": 1, "id": "a", "name": "A", "triggers": triggers }))
}

fn answer(compiled: &Compiled, said: &str) -> Vec<String> {
    texts(&run(compiled, Memory::default(), said).1)
}

#[test]
fn the_best_phrase_of_a_level_answers_and_of_equals_the_first() {
    let tree = triggers(&[("card", "card"), ("lost", "card is lost"), ("again", "card")]);
    assert_eq!(answer(&tree, "my card"), ["card"]);
    assert_eq!(answer(&tree, "my card is lost"), ["lost"]);
    assert_eq!(answer(&tree, "something else"), [""; 0]);
}

#[test]
fn a_chat_that_begins_is_greeted_once_by_the_trigger_for_it() {
    let started =
        json!({ "id": "start", "on": { "event": "chat_started" }, "actions": [says("hi", "Welcome")] });
    let other = json!({ "id": "other", "on": { "event": "fallback" }, "actions": [says("o", "Pardon?")] });
    let tree = compiled(&json!({ "format": 1, "id": "a", "name": "A", "triggers": [other, started] }));
    let (memory, effects) = step(&tree, Memory::default(), Map::new(), Input::ChatStarted, 1);
    assert_eq!((texts(&effects), memory.level), (vec!["Welcome".to_owned()], Some(NodeId::new("start"))));
}

#[test]
fn one_of_several_texts_is_said_with_the_answers_it_offers() {
    let tree = compiled(&assistant(json!([{ "id": "x", "action": "send_message",
        "texts": ["one", "two", "three"], "quick_replies": ["{ 1 + 1 }", "no"] }])));
    let mut said = std::collections::BTreeSet::new();
    for seed in 0..32 {
        let (_, effects) = step(&tree, Memory::default(), Map::new(), Input::Message("x"), seed);
        let [Effect::Say(content)] = &effects[..] else { panic!("{effects:?}") };
        assert_eq!(content.quick_replies, ["2", "no"]);
        said.insert(content.text.clone());
    }
    assert_eq!(said.into_iter().collect::<Vec<_>>(), ["one", "three", "two"]);
}

#[test]
fn a_text_that_comes_to_nothing_is_not_said() {
    let tree = compiled(&assistant(json!([says("x", "{ '' }"), says("y", "after it")])));
    assert_eq!(answer(&tree, "x"), ["after it"]);
}

/// The first number is what the variables take together, the second whether one more letter fits.
#[test]
fn the_variables_of_a_session_take_a_quarter_of_a_mebibyte_at_most() {
    let tree = compiled(&assistant(json!([
        { "id": "set", "action": "set_variable", "name": "n", "value": "7" }, says("x", "done") ])));
    // What was said counts as well, and so do the quotes of both.
    let quotes_and_said = 2 + 2 + "hi".len();
    for (bytes, fits) in [(256 * 1024 - 1, true), (256 * 1024, false)] {
        let large = Value::from("x".repeat(bytes - quotes_and_said));
        let memory =
            Memory { variables: [("large".to_owned(), large)].into_iter().collect(), ..Memory::default() };
        let (memory, effects) = run(&tree, memory, "hi");
        assert_eq!(memory.variables.get("n"), fits.then_some(&json!(7)));
        let noted = "note: set: the session's variables would become too large; this one was not set";
        let expected = if fits { vec!["done"] } else { vec![noted, "done"] };
        assert_eq!(texts(&effects), expected);
    }
}

#[test]
fn a_condition_that_fails_does_not_hold_and_is_noted() {
    let tree = compiled(&assistant(json!([{ "id": "if", "action": "if_else", "branches": [
        { "if": "1 / 0 > 0", "actions": [says("a", "first")] },
        { "if": "False", "actions": [says("b", "second")] },
        { "if": "True", "actions": [says("c", "third")] } ], "else": [says("d", "else")] }])));
    let said = answer(&tree, "x");
    assert!(said[0].starts_with("note: if:"), "{said:?}");
    assert_eq!(said[1..], ["third"]);
}

#[test]
fn what_comes_to_nothing_goes_on_at_the_branch_of_its_own_action_and_at_no_other() {
    let tree = compiled(&assistant(json!([
        { "id": "away", "action": "external_handoff", "platform": "zendesk",
          "when_handoff_fails": [says("f", "failed")], "when_nobody_is_there": [says("n", "nobody")] },
        says("x", "other") ])));
    let step = |input| texts(&step(&tree, Memory::default(), Map::new(), input, 1).1);
    let (away, other, none) = (NodeId::new("away"), NodeId::new("x"), NodeId::new("none"));
    assert_eq!(step(Input::HandoffFailed(&away)), ["failed"]);
    assert_eq!(step(Input::NobodyThere(&away)), ["nobody"]);
    for node in [&other, &none] {
        assert_eq!(step(Input::HandoffFailed(node)), [""; 0]);
    }
}

#[test]
fn a_jump_goes_on_at_an_action_or_a_trigger_and_takes_its_level_along() {
    let tree = compiled(&json!({ "format": 1, "id": "a", "name": "A", "triggers": [
        { "id": "go", "on": { "event": "message_received", "phrases": ["trigger"] },
          "actions": [{ "id": "j", "action": "jump", "to": "there" }, says("never", "never")] },
        { "id": "in", "on": { "event": "message_received", "phrases": ["action"] },
          "actions": [{ "id": "k", "action": "jump", "to": "second" }] },
        { "id": "there", "on": { "event": "message_received", "phrases": ["there"] },
          "actions": [says("first", "first"), says("second", "second")] } ] }));
    for (said, answers) in [("trigger", &["first", "second"][..]), ("action", &["second"][..])] {
        let (memory, effects) = run(&tree, Memory::default(), said);
        assert_eq!(
            (texts(&effects), memory.level),
            (answers.iter().map(|text| (*text).to_owned()).collect(), Some(NodeId::new("there")))
        );
    }
}
