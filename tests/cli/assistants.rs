//! Assistants as files: what is wrong with one is said with its node, all at once.

use std::fs;

use anyhow::Result;
use handoff_tests::{
    assistants::{support, with_handoff, with_trigger},
    server::{Server, Told},
};
use serde_json::{Value, json};

use super::{complains, quiet};

async fn validates(server: &Server, text: &str) -> Result<Told> {
    let file = server.write("draft.json", text.as_bytes())?.display().to_string();
    server.cli(&["assistant", "validate", &file]).await
}

/// An assistant whose only wish leads here.
fn doing(actions: Value) -> Value {
    let on = json!({ "event": "message_received", "phrases": ["go"], "approximate": false });
    with_trigger(support("loopback"), json!({ "id": "extra", "on": on, "actions": actions }))
}

#[tokio::test]
async fn what_is_wrong_with_an_assistant_is_said_with_its_node() -> Result<()> {
    let jump = |id: &str, to: &str| json!({ "id": id, "action": "jump", "to": to });
    let set = |value: &str| json!([{ "id": "set", "action": "set_variable", "name": "x", "value": value }]);
    let say = |text: &str| json!([{ "id": "say", "action": "send_message", "texts": [text] }]);
    let cases: Vec<(&str, Value, Vec<&str>)> = vec![
        ("unknown action", doing(json!([{ "id": "odd", "action": "send_fax" }])), vec!["odd", "send_fax"]),
        ("jump to nowhere", doing(json!([jump("leap", "nowhere")])), vec!["leap", "nowhere"]),
        ("silent circle", doing(json!([jump("one", "extra")])), vec!["one", "circle"]),
        (
            "silent circle through a variable",
            doing(
                json!([{ "id": "set", "action": "set_variable", "name": "x", "value": "1" }, jump("one", "extra")]),
            ),
            vec!["one", "circle"],
        ),
        ("unknown platform", support("livechat9"), vec!["leave", "livechat9"]),
        (
            "unknown account",
            with_handoff(support("loopback"), |handoff| handoff["connection"] = json!("other")),
            vec!["leave"],
        ),
        (
            "no platform",
            with_handoff(support("loopback"), |handoff| handoff["platform"] = Value::Null),
            vec!["leave", "platform"],
        ),
        (
            "no time",
            with_handoff(support("loopback"), |handoff| handoff["budget_seconds"] = json!(0)),
            vec!["leave", "budget_seconds"],
        ),
        (
            "unknown member",
            doing(json!([{ "id": "odd", "action": "jump", "too": "x", "to": "extra" }])),
            vec!["odd", "too"],
        ),
        ("broken expression", doing(set("1 +")), vec!["set"]),
        ("repetition without bounds", doing(set("'a' * 300000000")), vec!["set"]),
        ("broken text", doing(say("Hello {")), vec!["say"]),
        (
            "system variable",
            doing(json!([{ "id": "set", "action": "set_variable", "name": "_x", "value": "1" }])),
            vec!["set", "_x"],
        ),
        (
            "two of one id",
            doing(json!([{ "id": "greet", "action": "send_message", "texts": ["x"] }])),
            vec!["greet"],
        ),
        ("empty text", doing(say(" ")), vec!["say"]),
        ("long text", doing(say(&"x".repeat(5000))), vec!["say", "4000"]),
    ];
    let server = quiet()?;
    for (name, assistant, words) in &cases {
        complains(&validates(&server, &assistant.to_string()).await?, words, name);
    }
    for (name, text, word) in [
        ("no JSON", "{\"format\": 1,", "JSON"),
        ("another format", "{\"format\": 2, \"id\": \"a\", \"name\": \"a\", \"triggers\": []}", "format"),
        ("no assistant", "[]", "object"),
        ("empty", "", "JSON"),
    ] {
        complains(&validates(&server, text).await?, &[word], name);
    }
    let deep = "[".repeat(100_000);
    complains(&validates(&server, &deep).await?, &[], "deep");
    Ok(())
}

#[tokio::test]
async fn all_findings_are_said_at_once() -> Result<()> {
    let server = quiet()?;
    let broken = doing(json!([
        { "id": "one", "action": "send_message", "texts": [""] },
        { "id": "two", "action": "jump", "to": "nowhere" },
    ]));
    let broken = with_handoff(broken, |handoff| handoff["platform"] = json!("livechat9"));
    complains(&validates(&server, &broken.to_string()).await?, &["one", "two", "leave"], "three findings");
    Ok(())
}

#[tokio::test]
async fn an_assistant_that_cannot_be_published_can_be_saved_and_is_not_published() -> Result<()> {
    let server = quiet()?;
    let file = server.write("draft.json", support("zendesk").to_string().as_bytes())?.display().to_string();
    complains(&server.cli(&["assistant", "import", &file, "--publish"]).await?, &["leave"], "publish");
    let listed: Value = serde_json::from_str(&server.cli(&["--json", "assistant", "list"]).await?.out)?;
    assert!(
        listed.as_array().is_none_or(|rows| rows.iter().all(|row| row["published"].is_null())),
        "{listed}"
    );
    Ok(())
}

#[tokio::test]
async fn what_is_imported_is_exported_unchanged() -> Result<()> {
    let server = quiet()?;
    let assistant = with_handoff(support("loopback"), |handoff| handoff["budget_seconds"] = json!(90));
    server.publish(&assistant).await?;
    let exported = server.cli(&["assistant", "export", "support"]).await?;
    assert_eq!(serde_json::from_str::<Value>(&exported.out)?, assistant);
    let changed = doing(json!([{ "id": "say", "action": "send_message", "texts": ["new"] }]));
    let changed = with_handoff(changed, |handoff| handoff["budget_seconds"] = json!(90));
    let file = server.write("draft.json", changed.to_string().as_bytes())?.display().to_string();
    assert_eq!(server.cli(&["assistant", "import", &file]).await?.code, Some(0));
    let published = server.cli(&["assistant", "export", "support", "--version", "1"]).await?;
    assert_eq!(serde_json::from_str::<Value>(&published.out)?, assistant, "a version never changes");
    assert_eq!(server.cli(&["assistant", "publish", "support"]).await?.code, Some(0));
    let published = server.cli(&["assistant", "export", "support", "--version", "2"]).await?;
    assert_eq!(serde_json::from_str::<Value>(&published.out)?, changed);
    complains(&server.cli(&["assistant", "export", "nobody"]).await?, &["nobody"], "unknown");
    complains(&server.cli(&["assistant", "publish", "nobody"]).await?, &["nobody"], "unknown");
    fs::remove_file(&file)?;
    complains(&server.cli(&["assistant", "import", &file]).await?, &["draft.json"], "no file");
    Ok(())
}
