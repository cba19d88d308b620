//! Files that are no plugins.

use std::{fs, path::Path, process::Command};

use anyhow::{Result, ensure};
use handoff_tests::{
    assistants::{BACK, WISH},
    built::built,
    server::Server,
    setup::Setup,
    visitor::Visitor,
};

use super::{hands_over, report};

/// A server whose connector `loopback` works.
async fn stage() -> Result<Server> {
    let setup = Setup::new()?.with_loopback(false).with_plugins(&["loopback"]);
    let server = Server::prepare(setup.clone())?;
    for assistant in &setup.assistants {
        server.publish(assistant).await?;
    }
    Ok(server)
}

/// A library that is sound and no plugin.
fn library(folder: &Path) -> Result<Vec<u8>> {
    let (source, made) = (folder.join("plain.rs"), folder.join("libplain.so"));
    fs::write(&source, "#[unsafe(no_mangle)]\npub extern \"C\" fn nothing() {}\n")?;
    let mut rustc = Command::new("rustc");
    rustc.args(["--edition", "2024", "--crate-type", "cdylib", "-o"]).arg(&made).arg(&source);
    ensure!(rustc.status()?.success(), "rustc cannot make a library");
    Ok(fs::read(&made)?)
}

#[tokio::test]
async fn a_file_that_is_no_plugin_is_named_with_what_to_do_and_the_others_serve() -> Result<()> {
    let whole = fs::read(built()?.plugin("zendesk")?)?;
    let other = tempfile::tempdir()?;
    let half = whole.len() / 2;
    let cases: [(&str, Vec<u8>, &str); 6] = [
        ("notes.txt", b"remember to update".to_vec(), ".so"),
        ("text.so", b"this is text".to_vec(), "text.so"),
        ("empty.so", Vec::new(), "empty.so"),
        ("truncated.so", whole[..half].to_vec(), "truncated.so"),
        ("short.so", whole[..100].to_vec(), "short.so"),
        ("plain.so", library(other.path())?, "plain.so"),
    ];
    let mut server = stage().await?;
    for (name, bytes, _) in &cases {
        fs::write(server.plugins().join(name), bytes)?;
    }
    server.restart().await?;
    hands_over(&server).await?;
    let shown = report(&server).await?.to_string();
    let told = server.cli(&["connector", "list"]).await?;
    let log = server.log();
    for (name, _, word) in &cases {
        assert!(shown.contains(name) && shown.contains(word), "{name}: {shown}");
        assert!(told.out.contains(name), "{name}: {told:?}");
        assert!(log.contains(name), "{name} is not in the log: {log}");
    }
    let inspected = server.cli(&["connector", "inspect", "plugins/truncated.so"]).await?;
    let said = format!("{}{}", inspected.out, inspected.err);
    assert!(inspected.code == Some(1) && said.contains("incomplete"), "{inspected:?}");
    Ok(())
}

#[tokio::test]
async fn without_a_folder_or_a_file_the_server_serves_and_says_what_is_missing() -> Result<()> {
    for missing in [true, false] {
        let mut server = stage().await?;
        fs::remove_dir_all(server.plugins())?;
        if !missing {
            fs::create_dir(server.plugins())?;
        }
        server.restart().await?;
        let mut person = Visitor::open(&server).await?;
        person.says(WISH).await?;
        person.until_told(BACK).await?;
        let word = if missing { "does not exist" } else { "is empty" };
        assert!(server.log().contains(word), "{}", server.log());
        assert!(report(&server).await?.to_string().contains(word));
        let handoff = server.until_state(&person.conversation, "failed").await?;
        assert!(handoff.to_string().contains("loopback"), "{handoff:#}");
        // The file is back, and nothing else was needed.
        server.stop().await?;
        fs::create_dir_all(server.plugins())?;
        server.put_plugin("loopback")?;
        server.restart().await?;
        hands_over(&server).await?;
    }
    Ok(())
}

#[tokio::test]
async fn inspecting_a_plugin_file_tells_what_it_brings() -> Result<()> {
    let server = stage().await?;
    for (id, file) in &built()?.plugins {
        let file = file.display().to_string();
        let told = server.cli(&["connector", "inspect", &file]).await?;
        assert!(told.code == Some(0) && told.out.contains(id.as_str()), "{told:?}");
        let told = server.cli(&["--json", "connector", "inspect", &file]).await?;
        let shown: serde_json::Value = serde_json::from_str(&told.out)?;
        assert!(shown.to_string().contains(&format!("\"{id}\"")), "{shown:#}");
    }
    Ok(())
}
