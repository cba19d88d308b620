//! Connectors in processes of their own.

use std::{fs, time::Duration};

use anyhow::{Context, Result, ensure};
use handoff_tests::{
    PATIENCE,
    assistants::{ACCEPTED, WISH},
    process::signal,
    server::Server,
    setup::Setup,
    visitor::Visitor,
    zendesk::Zendesk,
};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::hands_over;

async fn started(change: impl FnOnce(&mut Value)) -> Result<Server> {
    let mut server = Server::start(Setup::new()?.with_loopback(false).with_plugins(&["loopback"])).await?;
    server.stop().await?;
    server.reconfigure(change)?;
    server.restart().await?;
    Ok(server)
}

/// What the server says of the one file that serves.
async fn serving(server: &Server) -> Result<Value> {
    let listed = server.admin().get("/v1/connectors").await?;
    let files = listed["files"].as_array().context("no list")?;
    files.iter().find(|file| file["generation"].as_u64() > Some(0)).cloned().context("nothing serves")
}

async fn runs(server: &Server) -> Result<(String, bool)> {
    let file = serving(server).await?;
    let confined = file["confined"].as_bool().context("nothing about confinement")?;
    Ok((file["mode"].as_str().context("no mode")?.to_owned(), confined))
}

/// Waits until the server has a worker other than these.
async fn until_worker(server: &Server, before: &[u32]) -> Result<u32> {
    let end = std::time::Instant::now() + PATIENCE;
    loop {
        if let Some(worker) = server.workers()?.into_iter().find(|worker| !before.contains(worker)) {
            return Ok(worker);
        }
        ensure!(std::time::Instant::now() < end, "there is no new worker: {}", server.log_tail());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_file_that_nobody_vouches_for_runs_in_a_process_that_can_do_nothing_but_its_work() -> Result<()> {
    let server = started(|_| ()).await?;
    hands_over(&server).await?;
    let workers = server.workers()?;
    assert_eq!(workers.len(), 1);
    let about = |what: &str| fs::read(format!("/proc/{}/{what}", workers[0]));
    let status = String::from_utf8_lossy(&about("status")?).into_owned();
    for line in ["Seccomp:\t2", "NoNewPrivs:\t1"] {
        assert!(status.lines().any(|found| found == line), "{line}: {status}");
    }
    assert_eq!(about("environ")?, b"", "the environment holds secrets");
    let limits = String::from_utf8_lossy(&about("limits")?).into_owned();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).context("no limit")?;
    assert!(core.split_whitespace().nth(4) == Some("0"), "{core}");
    assert_eq!(runs(&server).await?, ("worker".to_owned(), true));
    let listed = server.cli(&["connector", "list"]).await?;
    for word in ["worker", "generation 1", "unsigned", " calls"] {
        assert!(listed.out.contains(word), "{word}: {listed:?}");
    }
    Ok(())
}

#[tokio::test]
async fn where_a_connector_runs_is_the_operators_to_say() -> Result<()> {
    let mut server = started(|config| config["plugins"]["mode"] = json!("in_process")).await?;
    hands_over(&server).await?;
    assert_eq!(server.workers()?, [] as [u32; 0]);
    assert_eq!(runs(&server).await?, ("in_process".to_owned(), false));
    server.stop().await?;
    server.reconfigure(|config| config["plugins"]["modes"] = json!({ "loopback": "worker" }))?;
    server.restart().await?;
    hands_over(&server).await?;
    assert_eq!(server.workers()?.len(), 1);
    server.stop().await?;
    // Whoever locks a file vouches for it.
    server.reconfigure(|config| {
        let plugins = config["plugins"].as_object_mut();
        drop(plugins.map(|plugins| (plugins.remove("mode"), plugins.remove("modes"))));
    })?;
    let locked = server.cli(&["connector", "lock"]).await?;
    assert_eq!(locked.code, Some(0), "{locked:?}");
    server.restart().await?;
    hands_over(&server).await?;
    assert_eq!(runs(&server).await?.0, "in_process");
    Ok(())
}

#[tokio::test]
async fn a_worker_that_ends_is_replaced_at_once_and_the_server_does_not_notice() -> Result<()> {
    let server = started(|_| ()).await?;
    hands_over(&server).await?;
    let mut seen = server.workers()?;
    for _ in 0..3 {
        server.kill9_workers()?;
        seen.push(until_worker(&server, &seen).await?);
        hands_over(&server).await?;
    }
    assert_eq!(serving(&server).await?["ends"], 3);
    assert!(server.log().contains("lost its process"), "{}", server.log_tail());
    Ok(())
}

#[tokio::test]
async fn the_process_that_stands_by_takes_over_from_one_that_ends_and_another_one_stands_by() -> Result<()> {
    let mut server = started(|_| ()).await?;
    hands_over(&server).await?;
    let mut before = until_standby(&server, 0).await?;
    for _ in 0..2 {
        server.kill9_workers()?;
        hands_over(&server).await?;
        assert_eq!(server.workers()?, [before], "the one that stood by is not the one at work");
        before = until_standby(&server, before).await?;
    }
    // That nobody stands by any more is nobody's loss.
    signal(before, Signal::KILL)?;
    server.kill9_workers()?;
    hands_over(&server).await?;
    let status = fs::read_to_string(format!("/proc/{}/status", until_standby(&server, before).await?))?;
    assert!(status.contains("Seccomp:\t2"), "{status}");
    server.stop().await?;
    server.reconfigure(|config| config["plugins"]["standby"] = json!(false))?;
    server.restart().await?;
    server.kill9_workers()?;
    hands_over(&server).await?;
    assert_eq!(server.standbys()?, [] as [u32; 0]);
    Ok(())
}

/// Waits until one stands by that is not this one, ready to take over.
async fn until_standby(server: &Server, not: u32) -> Result<u32> {
    let end = std::time::Instant::now() + PATIENCE;
    loop {
        let ready = |process: &u32| {
            fs::read_to_string(format!("/proc/{process}/status"))
                .is_ok_and(|status| status.contains("State:\tS"))
        };
        if let Some(process) =
            server.standbys()?.into_iter().find(|process| *process != not && ready(process))
        {
            return Ok(process);
        }
        ensure!(std::time::Instant::now() < end, "nobody stands by: {}", server.log_tail());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn p3_a_worker_that_stands_still_is_ended_and_what_became_of_its_call_is_looked_up() -> Result<()> {
    let zendesk = Zendesk::start(&[]).await?;
    let server = Server::start(Setup::new()?.with_zendesk(&zendesk).with_plugins(&["zendesk"])).await?;
    zendesk.point_webhook(&server.base).await?;
    let mut person = Visitor::open(&server).await?;
    zendesk.fault(json!({ "method": "POST", "path": "/messages", "kind": "hold_after" })).await?;
    person.says(WISH).await?;
    zendesk.until_held().await?;
    let workers = server.workers()?;
    signal(workers[0], Signal::STOP)?;
    zendesk.release().await?;
    until_worker(&server, &workers).await?;
    person.until_told(ACCEPTED).await?;
    let handoff = server.handoff_of(&person.conversation).await?;
    assert_eq!(zendesk.conversations_of(handoff["id"].as_str().context("no id")?).await?.len(), 1);
    assert_eq!(person.times(ACCEPTED), 1);
    assert!(server.log().contains("it hung, and its process was ended"), "{}", server.log_tail());
    Ok(())
}
