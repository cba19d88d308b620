//! What an author may write, what is refused and in which words, and what the engine makes of it.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod engine;
mod leaving;

use handoff_core::{
    assistant::{Compiled, Finding, compile, read, validate},
    engine::{Effect, Input, Memory, step},
    handoff::{Target, Targets},
};
use handoff_model::{ConnectionId, ConnectorId, Plan, Route};
use serde_json::{Map, Value, json};

fn targets(plan: Plan) -> Targets {
    let target = Target {
        connection: ConnectionId::new("zendesk"),
        connector: ConnectorId::new("zendesk"),
        name: "Zendesk".to_owned(),
        routes: vec![Route::Bridge],
        settle_ms: 0,
        speaks_after_transfer: false,
    };
    let lowest = [(ConnectorId::new("zendesk"), Plan::Total)].into();
    Targets { plan: Some(plan), lowest, targets: vec![target], missing: Vec::new() }
}

/// An assistant whose Fallback does this.
fn assistant(actions: Value) -> Value {
    json!({ "format": 1, "id": "a", "name": "A", "triggers": [
        { "id": "other", "on": { "event": "fallback" }, "actions": actions } ] })
}

fn findings(assistant: &Value) -> Vec<Finding> {
    match read(&assistant.to_string()) {
        Ok(definition) => validate(&definition, &targets(Plan::Total)),
        Err(findings) => findings,
    }
}

/// Whether a finding at this node says this.
fn check(assistant: &Value, node: Option<&str>, says: &str) {
    let found = findings(assistant);
    let fits = |finding: &Finding| {
        finding.node.as_ref().map(|node| node.as_str()) == node && finding.problem.contains(says)
    };
    assert!(found.iter().any(fits), "no finding at {node:?} says {says:?}: {found:#?}");
}

#[test]
fn every_mistake_is_found_at_its_node_in_plain_words() {
    let say = |id: &str| json!({ "id": id, "action": "send_message", "texts": ["hi"] });
    let jump = |id: &str, to: &str| json!({ "id": id, "action": "jump", "to": to });
    check(&assistant(json!([{ "id": "x", "action": "dance" }])), Some("x"), "unknown action \"dance\"");
    check(&assistant(json!([jump("x", "nowhere")])), Some("x"), "there is no such node");
    check(&assistant(json!([jump("x", "other")])), Some("x"), "circle in which nothing is said");
    check(
        &assistant(json!([{ "id": "x", "action": "external_handoff", "platform": "genesys" }])),
        Some("x"),
        "no connection to the platform \"genesys\"",
    );
    check(&assistant(json!([{ "id": "x", "action": "external_handoff" }])), Some("x"), "choose the platform");
    check(&assistant(json!([say("x"), say("x")])), Some("x"), "two nodes have this id");
    check(&assistant(json!([{ "id": "x", "action": "send_message", "texts": ["{ 1 + }"] }])), Some("x"), "");
    check(
        &assistant(json!([{ "id": "x", "action": "set_variable", "name": "_lang", "value": "1" }])),
        Some("x"),
        "belong to the system",
    );
    check(
        &assistant(json!([{ "id": "x", "action": "set_variable", "name": "len", "value": "1" }])),
        Some("x"),
        "meaning of its own",
    );
    check(
        &assistant(json!([{ "id": "x", "action": "if_else", "branches": [] }])),
        Some("x"),
        "1 to 10 conditions",
    );
    check(
        &assistant(json!([{ "id": "x", "action": "send_message", "texts": ["a"], "txets": 1 }])),
        Some("x"),
        "has no \"txets\"",
    );
    check(&json!({ "format": 2, "id": "a", "name": "A", "triggers": [] }), None, "\"format\" must be 1");
    check(&json!({ "format": 1, "id": "../a b", "name": "A", "triggers": [] }), None, "letters, digits");
    check(&json!([]), None, "must be a JSON object");
    let long = "x".repeat(5000);
    check(
        &assistant(json!([{ "id": "x", "action": "send_message", "texts": [long] }])),
        Some("x"),
        "more than 4000",
    );
}

#[test]
fn a_plan_that_does_not_allow_the_platform_is_named() {
    let wanted = assistant(json!([{ "id": "x", "action": "external_handoff", "platform": "zendesk" }]));
    let definition = read(&wanted.to_string()).unwrap();
    assert_eq!(validate(&definition, &targets(Plan::Total)), []);
    let refused = validate(&definition, &targets(Plan::Pro));
    assert_eq!(refused[0].problem, "Zendesk needs the Total plan; this workspace has Pro");
}

#[test]
fn a_file_of_ten_thousand_levels_is_refused_and_not_followed() {
    let mut deep = json!([]);
    for n in 0..26 {
        deep = json!([{ "id": format!("n{n}"), "action": "if_else", "branches": [{ "if": "True", "actions": deep }] }]);
    }
    assert!(findings(&assistant(deep)).iter().any(|finding| finding.problem.contains("deep")));
    let brackets = "[".repeat(10_000);
    assert!(read(&brackets).unwrap_err()[0].problem.contains("far deeper"));
}

#[test]
fn what_is_written_out_reads_back_the_same() {
    let original = assistant(
        json!([{ "id": "x", "action": "external_handoff", "platform": "zendesk", "budget_seconds": 30,
        "texts": { "asked": "One moment", "accepted": false }, "options": { "tags": "vip", "n": 3 },
        "when_handoff_fails": [{ "id": "y", "action": "send_message", "texts": ["sorry"] }] }]),
    );
    let definition = read(&original.to_string()).unwrap();
    let written = serde_json::to_string(&definition).unwrap();
    assert_eq!(read(&written).unwrap(), definition);
    assert!(written.contains("\"accepted\":false"));
}

fn run(compiled: &Compiled, memory: Memory, said: &str) -> (Memory, Vec<Effect>) {
    step(compiled, memory, Map::new(), Input::Message(said), 1)
}

fn texts(effects: &[Effect]) -> Vec<String> {
    let text = |effect: &Effect| match effect {
        Effect::Say(content) => content.text.clone(),
        Effect::HandOff { node, .. } => format!("handoff at {node}"),
        Effect::Note(note) => format!("note: {note}"),
        Effect::Consented { answer, given, .. } => format!("answered {answer:?}: {given}"),
    };
    effects.iter().map(text).collect()
}

#[test]
fn a_handoff_that_asks_waits_for_its_answer_and_asks_once_more() {
    let tree = assistant(json!([{ "id": "away", "action": "external_handoff", "platform": "zendesk",
        "consent": { "question": "May I?", "no": "Never" },
        "when_consent_is_refused": [{ "id": "stays", "action": "send_message", "texts": ["Fine."] }],
        "when_handoff_fails": [{ "id": "sorry", "action": "send_message", "texts": ["Sorry."] }] }]));
    let compiled = compile(read(&tree.to_string()).unwrap()).unwrap();
    let (asked, said) = run(&compiled, Memory::default(), "a human");
    assert_eq!(texts(&said), ["May I?"]);
    assert!(matches!(&said[0], Effect::Say(content) if content.quick_replies == ["Yes", "Never"]));
    let (open, said) = run(&compiled, asked.clone(), " yes! ");
    assert_eq!(texts(&said), ["answered Some(\"Yes\"): true", "handoff at away"]);
    assert_eq!(open.asked, None);
    let (open, said) = run(&compiled, asked.clone(), "never");
    assert_eq!(
        (texts(&said), open.asked),
        (vec!["answered Some(\"Never\"): false".into(), "Fine.".into()], None)
    );
    let (again, said) = run(&compiled, asked.clone(), "yes, but not to everybody");
    assert_eq!(texts(&said), ["May I?"]);
    let (open, said) = run(&compiled, again.clone(), "");
    assert_eq!((texts(&said), open.asked), (vec!["answered None: false".into(), "Fine.".into()], None));
    let (_, said) = run(&compiled, again, "Yes");
    assert_eq!(texts(&said), ["answered Some(\"Yes\"): true", "handoff at away"]);
    // What was written before the question is a message like any other.
    let (open, said) = step(&compiled, asked.clone(), Map::new(), Input::Earlier("Yes"), 1);
    assert_eq!((texts(&said), open.asked), (vec!["May I?".to_owned()], asked.asked));
}

#[test]
fn the_level_below_is_offered_a_message_first_and_then_the_levels_above() {
    let tree = json!({ "format": 1, "id": "a", "name": "A", "triggers": [
        { "id": "card", "on": { "event": "message_received", "phrases": ["card"] },
          "actions": [{ "id": "which", "action": "send_message", "texts": ["Which one?"] }],
          "triggers": [
            { "id": "blue", "on": { "event": "message_received", "phrases": ["blue"] }, "actions": [{ "id": "b", "action": "send_message", "texts": ["The blue one."] }] },
            { "id": "again", "on": { "event": "fallback" }, "actions": [{ "id": "f", "action": "send_message", "texts": ["Blue or red?"] }] } ] },
        { "id": "blue-top", "on": { "event": "message_received", "phrases": ["blue"] }, "actions": [{ "id": "s", "action": "send_message", "texts": ["The sky."] }] },
        { "id": "other", "on": { "event": "fallback" }, "actions": [{ "id": "o", "action": "send_message", "texts": ["Pardon?"] }] } ] });
    let compiled = compile(read(&tree.to_string()).unwrap()).unwrap();
    let (memory, said) = run(&compiled, Memory::default(), "blue");
    assert_eq!(texts(&said), ["The sky."]);
    let (memory, said) = run(&compiled, memory, "my card");
    assert_eq!(texts(&said), ["Which one?"]);
    let (memory, said) = run(&compiled, memory, "green");
    assert_eq!(texts(&said), ["Blue or red?"]);
    let (_, said) =
        run(&compiled, Memory { level: Some(handoff_model::NodeId::new("card")), ..memory }, "blue");
    assert_eq!(texts(&said), ["The blue one."]);
}

#[test]
fn conditions_variables_and_jumps_do_what_they_say_and_nothing_runs_after_a_handoff() {
    let tree = assistant(json!([
        { "id": "set", "action": "set_variable", "name": "n", "value": "len(_user_input)" },
        { "id": "if", "action": "if_else", "branches": [
            { "if": "n > 5", "actions": [{ "id": "long", "action": "jump", "to": "away" }] } ],
          "else": [{ "id": "short", "action": "send_message", "texts": ["{ n } letters, {{ }}"] }] },
        { "id": "end", "action": "send_message", "texts": ["end"] },
        { "id": "away", "action": "external_handoff", "platform": "zendesk" },
        { "id": "never", "action": "send_message", "texts": ["never"] } ]));
    let compiled = compile(read(&tree.to_string()).unwrap()).unwrap();
    let (memory, said) = run(&compiled, Memory::default(), "four");
    assert_eq!(texts(&said), ["4 letters, { }", "end", "handoff at away"]);
    assert_eq!(memory.variables["n"], json!(4));
    assert!(!memory.variables.contains_key("_user_input"), "system variables are not kept");
    let (_, said) = run(&compiled, Memory::default(), "a long sentence");
    assert_eq!(texts(&said), ["handoff at away"]);
}

#[test]
fn a_circle_that_speaks_is_stopped_and_noted() {
    let tree = assistant(json!([
        { "id": "say", "action": "send_message", "texts": ["round"] }, { "id": "back", "action": "jump", "to": "other" } ]));
    let compiled = compile(read(&tree.to_string()).unwrap()).unwrap();
    let (_, said) = run(&compiled, Memory::default(), "hello");
    assert!(said.len() <= 201, "{}", said.len());
    assert!(texts(&said).iter().any(|text| text.contains("circle")));
}

#[test]
fn an_expression_that_fails_is_noted_and_the_session_goes_on() {
    let tree = assistant(json!([
        { "id": "bad", "action": "send_message", "texts": ["{ 1 / 0 }"] }, { "id": "ok", "action": "send_message", "texts": ["still here"] } ]));
    let compiled = compile(read(&tree.to_string()).unwrap()).unwrap();
    let (_, said) = run(&compiled, Memory::default(), "hello");
    assert!(texts(&said)[0].starts_with("note: bad:"), "{said:?}");
    assert_eq!(texts(&said).last().unwrap(), "still here");
}
