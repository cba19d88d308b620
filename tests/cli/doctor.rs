//! `handoff doctor`: what is wrong, whether the server runs or not, and what to do next.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::{FileExt, PermissionsExt},
};

use anyhow::{Context, Result, ensure};
use handoff_tests::{
    caller::Caller,
    server::{Server, Told},
    setup::Setup,
};
use rusqlite::Connection;
use serde_json::Value;

use super::quiet;

/// Asserts that the doctor said this, and ended with this code.
fn said(told: &Told, code: i32, words: &[&str]) -> Result<()> {
    ensure!(told.code == Some(code), "{told:?}");
    for word in words {
        ensure!(told.out.contains(word), "{word:?} is missing in {}", told.out);
    }
    ensure!(!told.err.contains("panicked"), "{}", told.err);
    Ok(())
}

#[tokio::test]
async fn the_doctor_finds_nothing_wrong_with_a_server_that_runs_and_with_one_that_does_not() -> Result<()> {
    let mut server = Server::start(Setup::new()?.with_loopback(false).with_plugins(&["loopback"])).await?;
    Caller::new(&server, "one").asks("Hello").await?;
    let told = server.cli(&["doctor"]).await?;
    let well = [
        "server: runs",
        "takes messages",
        "every page is in order",
        "hold on every row",
        "connection loopback",
    ];
    said(&told, 0, &well)?;
    server.stop().await?;
    let told = server.cli(&["--json", "doctor"]).await?;
    ensure!(told.code == Some(0), "{told:?}");
    let lines: Value = serde_json::from_str(&told.out)?;
    let about = |name: &str| lines.as_array().into_iter().flatten().any(|line| line["about"] == name);
    for name in ["configuration", "server", "disk", "keys.json", "credentials.json", "database", "clock"] {
        ensure!(about(name), "{name} is missing in {lines:#}");
    }
    Ok(())
}

#[tokio::test]
async fn the_doctor_says_of_each_thing_that_is_wrong_what_to_do() -> Result<()> {
    let server = quiet()?;
    said(&server.cli(&["doctor"]).await?, 0, &["is not there yet"])?;
    let mut server = Server::start(Setup::new()?.with_loopback(false).with_plugins(&["loopback"])).await?;
    Caller::new(&server, "one").asks("Hello").await?;
    server.stop().await?;
    let data = server.dir().join("data");
    let (database, keys) = (data.join("handoff.sqlite3"), data.join("keys.json"));

    let right = fs::read(&keys)?;
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o644))?;
    said(&server.cli(&["doctor"]).await?, 0, &["can be read by others", "chmod 600"])?;
    fs::write(&keys, "[{")?;
    said(&server.cli(&["doctor"]).await?, 1, &["keys.json", "is damaged", "What to do: put it back"])?;
    fs::write(&keys, right)?;

    let later = "UPDATE conversations SET updated = updated + 3600000";
    Connection::open(&database)?.execute(later, [])?;
    said(&server.cli(&["doctor"]).await?, 1, &["clock", "minutes ahead", "set the clock"])?;

    let size = database.metadata()?.len();
    let file = OpenOptions::new().write(true).open(&database)?;
    for page in 2..size / 4096 {
        file.write_all_at(&[0xa5; 64], page * 4096)?;
    }
    said(
        &server.cli(&["doctor"]).await?,
        1,
        &["database", "What to do: stop the server", "handoff restore"],
    )?;

    server.write("handoff.toml", b"nonsense = true\n")?;
    let told = server.cli(&["doctor"]).await?;
    said(&told, 1, &["problem", "configuration", "nonsense"]).context("a configuration that is wrong")
}
