//! What goes wrong, drawn from the seed.

use std::time::Duration;

use anyhow::Result;
use handoff_tests::process::signal;
use rand::{RngExt, rngs::StdRng};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::stage::Stage;

/// Blows in an act.
const BLOWS: u32 = 14;
/// Longest calm between two, in milliseconds.
const CALM: u64 = 350;
/// How long a server is stopped, in milliseconds: longer than any claim on its work lasts in its own time.
const STOPPED: std::ops::Range<u64> = 500..7_000;

/// Lets it rage; gives how many things were done to the server and its platform.
pub(crate) async fn rage(stage: &mut Stage, random: &mut StdRng) -> Result<u64> {
    for _ in 0..BLOWS {
        tokio::time::sleep(Duration::from_millis(random.random_range(0..CALM))).await;
        match random.random_range(0..12) {
            0..=1 => {
                stage.server.kill9().await?;
                stage.server.restart().await?;
            }
            2 => stop(stage, random.random_range(STOPPED)).await?,
            _ => stage.desk.platform().fault(fault(random)).await?,
        }
    }
    Ok(u64::from(BLOWS))
}

/// The server stands still, and wakes up with everything as it was.
async fn stop(stage: &Stage, milliseconds: u64) -> Result<()> {
    let Some(server) = stage.server.pid() else { return Ok(()) };
    signal(server, Signal::STOP)?;
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    signal(server, Signal::CONT)
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
        json!({ "delay_ms": 700 }),
    ];
    // Wrong credentials fail a handoff for good, so they come more rarely than what passes.
    let n = random.random_range(0..kinds.len() * 3);
    let kind = kinds[if n % kinds.len() == 12 && n > kinds.len() { 5 } else { n % kinds.len() }].clone();
    json!({ "skip": random.random_range(0..4), "times": random.random_range(1..4), "kind": kind })
}
