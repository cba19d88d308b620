//! Operators and makers of connectors ask whether a plugin file keeps what the server promises.

use anyhow::{Context, Result};
use handoff_tests::{built::built, server::Server, setup::Setup, zendesk::Zendesk};
use serde_json::json;

use super::complains;

/// No server, and no configuration that matters.
fn nowhere() -> Result<Server> {
    Server::prepare(Setup::new()?.with_plugins(&[]))
}

#[tokio::test]
async fn a_file_alone_is_tried_as_far_as_it_goes_and_what_was_left_out_is_said() -> Result<()> {
    let server = nowhere()?;
    for (id, file) in &built()?.plugins {
        let file = file.display().to_string();
        let told = server.long_cli(&["connector", "conformance", &file]).await?;
        assert_eq!(told.code, Some(0), "{id}: {told:?}");
        // Settings can be made up for two of them.
        let made = if id == "bitrix24" { "left out  made" } else { "passed    memory" };
        for words in ["passed    opens", "left out  whole-handoff", made] {
            assert!(told.out.contains(words), "{id}: {words}: {}", told.out);
        }
    }
    let loopback = built()?.plugin("loopback")?.display().to_string();
    let told = server.long_cli(&["connector", "conformance", &loopback, "--report", "junit"]).await?;
    for words in ["<testsuite name=", "failures=\"0\"", "name=\"unknown-verb\"", "<skipped message="] {
        assert!(told.out.contains(words), "{words}: {}", told.out);
    }
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_no_plugin_fails_with_the_reason() -> Result<()> {
    let server = nowhere()?;
    let file = server.write("text.so", b"this is text")?.display().to_string();
    let told = server.long_cli(&["connector", "conformance", &file]).await?;
    complains(&told, &["FAILED", "structure", "not a shared library", "P7 survives"], "a text");
    let told = server.long_cli(&["connector", "conformance", &file, "--report", "junit"]).await?;
    complains(&told, &["failures=\"1\"", "<failure type=\"P7 survives\""], "a text, for machines");
    complains(
        &server.long_cli(&["connector", "conformance", "nothing.so"]).await?,
        &["nothing.so"],
        "no file",
    );
    Ok(())
}

#[tokio::test]
async fn with_a_scenario_the_kit_stands_between_the_connector_and_a_platform() -> Result<()> {
    let (server, zendesk) = (nowhere()?, Zendesk::start(&[]).await?);
    let connection = zendesk.connection();
    let mut settings = connection["settings"].clone();
    settings["base_url"] = json!("{platform}/sc");
    let scenario = json!({
        "platform": zendesk.base,
        "settings": settings,
        "secrets": connection["secrets"],
        "reset": ["POST /_sim/reset {}", "POST /_sim/webhook {\"target\":\"http://127.0.0.1:9/\"}"],
        "chats": {
            "get": "/_sim/inspect", "list": "/conversations", "key": "/metadata/handoffId", "id": "/id",
            "state": ["/active", ["zd-agentWorkspace"]], "words": ["/messages", "/content/text"],
        },
    });
    let scenario = server.write("scenario.json", scenario.to_string().as_bytes())?.display().to_string();
    let file = built()?.plugin("zendesk")?.display().to_string();
    let told = server.long_cli(&["connector", "conformance", &file, "--scenario", &scenario]).await?;
    assert_eq!(told.code, Some(0), "{told:?}");
    for words in
        ["passed    whole-handoff", "passed    faults", "passed    worker-killed", "passed    words-once"]
    {
        assert!(told.out.contains(words), "{words}: {}", told.out);
    }
    let asked = zendesk.look("requests").await?;
    let asked = asked.as_array().or(asked["requests"].as_array()).context("a list of requests")?;
    assert!(!asked.is_empty(), "it was this platform that was asked");
    Ok(())
}
