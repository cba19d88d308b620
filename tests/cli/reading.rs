//! What operators read: handoffs and conversations, beside a running server and after it.

use anyhow::Result;
use handoff_tests::{
    assistants::{ACCEPTED, WISH},
    server::Server,
    setup::Setup,
    visitor::Visitor,
};
use serde_json::Value;

use super::complains;

#[tokio::test]
async fn handoffs_and_conversations_are_listed_and_shown_with_and_without_a_server() -> Result<()> {
    let setup = Setup::new()?.with_loopback(false).with_plugins(&["loopback"]);
    let mut server = Server::start(setup).await?;
    let mut person = Visitor::open(&server).await?;
    person.says("words before").await?;
    person.says(WISH).await?;
    person.until_told(ACCEPTED).await?;
    let handoff = server.until_state(&person.conversation, "carrying").await?;
    let id = handoff["id"].as_str().unwrap_or_default();
    for running in [true, false] {
        let listed = server.cli(&["handoff", "list"]).await?;
        assert!(listed.out.contains(id) && listed.out.contains("carrying"), "{running}: {listed:?}");
        let none = server.cli(&["handoff", "list", "--state", "failed"]).await?;
        assert!(none.code == Some(0) && !none.out.contains(id), "{none:?}");
        let shown = server.cli(&["--json", "handoff", "show", id]).await?;
        let shown: Value = serde_json::from_str(&shown.out)?;
        assert!(shown.to_string().contains("loopback"), "{shown}");
        let thread = server.cli(&["conversation", "show", &person.conversation]).await?;
        assert!(thread.out.contains("words before"), "{thread:?}");
        let listed = server.cli(&["conversation", "list"]).await?;
        assert!(listed.out.contains(&person.conversation), "{listed:?}");
        if running {
            server.stop().await?;
        }
    }
    complains(&server.cli(&["handoff", "show", "nothing"]).await?, &["nothing"], "unknown handoff");
    complains(&server.cli(&["conversation", "show", "nothing"]).await?, &["nothing"], "unknown conversation");
    let wrong = server.cli(&["handoff", "list", "--state", "gone"]).await?;
    assert!(matches!(wrong.code, Some(1 | 2)), "{wrong:?}");
    Ok(())
}

/// A reader may have heard enough; what was not said is then no success, and no crash either.
#[tokio::test]
async fn a_command_whose_reader_leaves_ends_quietly_and_not_as_a_success() -> Result<()> {
    let server = super::quiet()?;
    let (reader, writer) = std::io::pipe()?;
    drop(reader);
    let mut command = server.command(&["connector", "list"]);
    let ended =
        command.stdout(writer).stderr(std::process::Stdio::piped()).spawn()?.wait_with_output().await?;
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(141), ""));
    Ok(())
}
