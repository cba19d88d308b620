//! A connector that `cargo xtask new-connector` made: it builds by itself, passes the conformance kit, and serves,
//! signed, in a server that knows nothing of it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use handoff_tests::{
    built::{self, root},
    debut::Debut,
    web::Web,
};
use serde_json::Value;

use super::copies::{target, workspace};

/// Another program's cargo, with nothing of what ours was told about the package that it runs.
fn cargo(folder: &Path, arguments: &[&str]) -> Result<()> {
    let mut cargo = built::cargo();
    cargo.current_dir(folder).args(arguments).env("CARGO_TARGET_DIR", target()?);
    let done = cargo.output()?;
    let said = [done.stdout, done.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    ensure!(done.status.success(), "cargo {}: {}", arguments.join(" "), said.concat());
    Ok(())
}

/// The crate, in a workspace of its own.
fn made(folder: &Path) -> Result<()> {
    workspace(folder, "parcel_desk")?;
    let into = folder.display().to_string();
    let arguments = [
        "run",
        "--quiet",
        "--package",
        "xtask",
        "--",
        "new-connector",
        "parcel_desk",
        "--name",
        "Parcel Desk",
        "--into",
        &into,
    ];
    cargo(&root(), &arguments)?;
    let text = fs::read_to_string(folder.join("parcel_desk/src/lib.rs"))?;
    ensure!(text.contains("pub struct ParcelDesk") && !text.to_lowercase().contains("acme"), "{text}");
    Ok(())
}

fn library() -> Result<PathBuf> {
    Ok(target()?.join("debug/libhandoff_parcel_desk.so"))
}

#[tokio::test]
async fn a_new_connector_builds_passes_the_kit_and_serves_signed_where_nothing_is_known_of_it() -> Result<()>
{
    let folder = tempfile::tempdir()?;
    made(folder.path())?;
    cargo(folder.path(), &["build", "--offline", "--quiet", "--lib", "--example", "desk"])?;
    cargo(folder.path(), &["test", "--offline", "--quiet", "--test", "conformance"])?;
    let mut debut = Debut::play("parcel_desk", &library()?, &target()?.join("debug/examples/desk")).await?;
    let ticket = debut.handoff.pointer("/receipt/ticket/chat").context("a ticket")?;
    assert_eq!(ticket, "chat1");
    assert_eq!(debut.handoff["connector"], "parcel_desk");
    let posted = Web::new("").post(&debut.agent("chat1"), &Value::Null).await?;
    ensure!(posted["status"] == 200, "{posted}");
    debut.person.until_told("Hi, Maria here").await?;
    let inspected = debut.server.cli(&["connector", "inspect", "plugins/parcel_desk.so"]).await?;
    assert!(inspected.out.contains("routes   bridge\n"), "{inspected:?}");
    let listed = debut.server.cli(&["connector", "list"]).await?;
    assert!(listed.out.contains("signed") && listed.out.contains("parcel_desk"), "{listed:?}");
    Ok(())
}
