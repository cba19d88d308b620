//! A connector that was written after the program: a copy of the example under another name, built
//! by itself, loads into the program as it is.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use handoff_tests::{
    assistants::support,
    built::{self, built, root},
    server::Server,
    setup::Setup,
};
use serde_json::json;

use super::{hands_over, report};

/// A workspace of its own, with a member `plugin` and the crates of this one.
pub(crate) fn workspace(folder: &Path, plugin: &str) -> Result<()> {
    let manifest = fs::read_to_string(root().join("Cargo.toml"))?;
    let members = manifest.lines().find(|line| line.starts_with("members")).context("no members")?;
    let crates = format!("path = \"{}/crates/", root().display());
    let manifest = manifest.replace(members, &format!("members = [\"{plugin}\"]"));
    fs::write(folder.join("Cargo.toml"), manifest.replace("path = \"crates/", &crates))?;
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    Ok(())
}

/// Copies the example into a workspace of its own and gives it another name.
fn copy(folder: &Path, id: &str) -> Result<()> {
    workspace(folder, "plugin")?;
    copy_renamed(&root().join("plugins/loopback"), &folder.join("plugin"), id)
}

/// Copies a crate and gives it another name.
pub(crate) fn copy_renamed(from: &Path, to: &Path, id: &str) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_renamed(&path, &target, id)?;
        } else {
            fs::write(
                &target,
                fs::read_to_string(&path)?.replace("loopback", id).replace("misbehaving", id),
            )?;
        }
    }
    Ok(())
}

/// Where cargo builds.
pub(crate) fn target() -> Result<PathBuf> {
    let profile = built()?.dist.parent().context("no profile")?;
    Ok(profile.parent().context("no target")?.to_owned())
}

/// Builds it beside everything else, so that what both need is there already.
fn build(folder: &Path, id: &str) -> Result<Vec<u8>> {
    let target = target()?;
    let mut cargo = built::cargo();
    cargo.current_dir(folder).args(["build", "--offline", "--quiet"]).env("CARGO_TARGET_DIR", &target);
    ensure!(cargo.status()?.success(), "the copy cannot be built");
    Ok(fs::read(target.join("debug").join(format!("libhandoff_{id}.so")))?)
}

#[tokio::test]
async fn a_copy_of_the_example_under_another_name_loads_into_the_unchanged_program() -> Result<()> {
    let program = fs::read(&built()?.handoff)?;
    let folder = tempfile::tempdir()?;
    copy(folder.path(), "parrot")?;
    let plugin = build(folder.path(), "parrot")?;

    let mut setup = Setup::new()?.with_loopback(false).with_assistant(support("parrot"));
    setup.config["connections"]["parrot"] = json!({ "connector": "parrot", "settings": { "echo": true } });
    let mut server = Server::prepare(setup.clone())?;
    server.write("plugins/parrot-0.1.0.so", &plugin)?;
    server.publish(&setup.assistants[0]).await?;
    server.restart().await?;
    let person = hands_over(&server).await?;
    let handoff = server.until_state(&person.conversation, "carrying").await?;
    assert_eq!(handoff["connector"], "parrot");
    let shown = report(&server).await?.to_string();
    assert!(shown.contains("parrot") && shown.contains("loopback"), "{shown}");
    assert!(program == fs::read(&built()?.handoff)?, "the program was changed meanwhile");
    Ok(())
}
