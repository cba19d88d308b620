//! What goes wrong, drawn from the seed.

use std::time::Duration;

use anyhow::Result;
use handoff_tests::process::signal;
use rand::{RngExt, rngs::StdRng};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::stage::Stage;

/// Blows in an act.
const BLOWS: u64 = 16;
/// Longest calm between two, in milliseconds.
const CALM: u64 = 350;
/// Longest time that a killed server is down, in milliseconds.
const DOWN: u64 = 800;
/// How long a server is stopped, in milliseconds: longer than any claim on its work lasts in its own time.
const STOPPED: std::ops::Range<u64> = 500..9_000;
/// How far the server's clock is set, in its seconds: longer than claims and settle times, shorter than a budget.
const SET: std::ops::Range<i64> = -90..150;
/// How long the disk is full, in milliseconds.
const FULL: std::ops::Range<u64> = 200..2_000;
/// Most that fits on it before it is, in bytes.
const ROOM: u64 = 200 * 1024;

/// Lets it rage; gives how many things were done to the server and its platform.
pub(crate) async fn rage(stage: &mut Stage, random: &mut StdRng) -> Result<u64> {
    for _ in 0..BLOWS {
        pause(random.random_range(0..CALM)).await;
        match random.random_range(0..16) {
            0..=1 => {
                stage.server.kill9().await?;
                pause(random.random_range(0..DOWN)).await;
                stage.server.restart().await?;
            }
            2 => stop(stage, random.random_range(STOPPED)).await?,
            3 => set_clock(stage, random.random_range(SET)).await?,
            4 => fill_disk(stage, random.random_range(0..ROOM), random.random_range(FULL)).await?,
            5 => stage.desk.platform().delivers(delivery(random)).await?,
            _ => stage.desk.platform().fault(fault(random)).await?,
        }
    }
    Ok(BLOWS)
}

async fn pause(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

/// The server stands still, and wakes up with everything as it was.
async fn stop(stage: &Stage, milliseconds: u64) -> Result<()> {
    let Some(server) = stage.server.pid() else { return Ok(()) };
    signal(server, Signal::STOP)?;
    pause(milliseconds).await;
    signal(server, Signal::CONT)
}

/// The server dies, and finds another time when it is back. What it asked of the platform has had its effect by then:
/// a clock that is set ahead shortens the settle time of whatever is still under way, which no server can know.
async fn set_clock(stage: &mut Stage, seconds: i64) -> Result<()> {
    stage.server.kill9().await?;
    stage.desk.platform().until_idle().await?;
    stage.ahead += seconds;
    let ahead = stage.ahead;
    stage.server.reconfigure(|config| config["clock"]["ahead_seconds"] = json!(ahead))?;
    stage.server.restart().await
}

/// The disk of the server is full for a while, where it has one of its own.
async fn fill_disk(stage: &Stage, room: u64, milliseconds: u64) -> Result<()> {
    let Some(disk) = &stage.disk else { return Ok(()) };
    disk.leave(room)?;
    pause(milliseconds).await;
    disk.free()
}

/// Some of what the platform tells next comes twice, late, or in another order.
fn delivery(random: &mut StdRng) -> Value {
    json!({
        "duplicate": random.random_range(0..3), "reorder": random.random_bool(0.3),
        "delay_ms": random.random_range(1..600), "delay_times": random.random_range(0..3),
    })
}

/// Some of the next requests to the platform go wrong.
fn fault(random: &mut StdRng) -> Value {
    let kinds = [
        json!("html"),
        json!("html_ok"),
        json!("hang"),
        json!("hang_after"),
        json!("reset_before"),
        json!("reset_after"),
        json!("reset_mid"),
        json!("truncate"),
        json!({ "status": 500 }),
        json!({ "status": 503 }),
        json!({ "status": 429 }),
        json!({ "status": 429, "retry_after": 3 }),
        json!({ "status": 401 }),
        json!({ "delay_ms": 1_400 }),
    ];
    // Wrong credentials fail a handoff for good, so they come more rarely than what passes.
    let n = random.random_range(0..kinds.len() * 3);
    let kind = kinds[if n % kinds.len() == 12 && n > kinds.len() { 5 } else { n % kinds.len() }].clone();
    json!({ "skip": random.random_range(0..4), "times": random.random_range(1..4), "kind": kind })
}
