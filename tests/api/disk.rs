//! A full disk: nothing is accepted that is not kept, and it goes on when there is room again.

use std::fs;

use anyhow::{Context, Result, ensure};
use handoff_tests::{
    assistants::answer_to,
    caller::Caller,
    server::Server,
    setup::{CHAT_KEY, Setup},
    web::{Answer, send},
};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::json;

use super::problem;

/// Room for the log and for some more messages, beyond what the files have already.
const ROOM: u64 = 400 * 1024;

/// Room for nothing: every write beyond the beginning of a file fails.
const NOTHING: u64 = 4096;

/// A server whose files may not grow for ever: its system tells it so instead of ending it.
async fn serving() -> Result<Server> {
    let mut setup = Setup::new()?.with_loopback(false).with_plugins(&["loopback"]);
    setup.config["log"]["level"] = json!("warn");
    setup.through = ["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"].map(str::to_owned).to_vec();
    Server::start(setup).await
}

/// From now on no file of the server grows beyond this; none takes the limit away.
fn limit(server: &Server, bytes: Option<u64>) -> Result<()> {
    let pid = server.pid().and_then(|pid| Pid::from_raw(pid.cast_signed())).context("no process")?;
    prlimit(Some(pid), Resource::Fsize, Rlimit { current: bytes, maximum: None })?;
    Ok(())
}

fn largest(server: &Server) -> Result<u64> {
    let sizes = fs::read_dir(server.dir().join("data"))?.map(|entry| Ok(entry?.metadata()?.len()));
    let sizes: Result<Vec<u64>> = sizes.collect();
    sizes?.into_iter().max().context("no file")
}

async fn says(server: &Server, n: usize) -> Result<Answer> {
    let web = server.web().with_bearer(CHAT_KEY);
    let path = "/v1/channels/api/conversations/full/messages?wait=reply";
    let body = json!({ "text": format!("message {n} {}", "x".repeat(8_000)), "id": format!("id-{n}") });
    send(web.request("POST", path).json(&body)).await
}

#[tokio::test]
async fn on_a_full_disk_messages_are_refused_and_none_that_was_accepted_is_lost() -> Result<()> {
    let mut server = serving().await?;
    let mut accepted = Vec::new();
    for n in 0..3 {
        ensure!(says(&server, n).await?.status == 200, "message {n} was not accepted");
        accepted.push(n);
    }
    limit(&server, Some(largest(&server)? + ROOM))?;
    let mut refused = None;
    for n in 3..600 {
        let answer = says(&server, n).await?;
        match answer.status {
            200 => accepted.push(n),
            _ => {
                refused = Some((n, answer));
                break;
            }
        }
    }
    let (first_refused, answer) = refused.context("the disk never was full")?;
    problem(&answer, 503, "", "full disk");
    ensure!(answer.retry_after.is_some(), "no Retry-After");
    limit(&server, Some(NOTHING))?;
    problem(&says(&server, first_refused).await?, 503, "", "no room at all");
    let health = send(server.web().request("GET", "/health/ready")).await?;
    ensure!(health.status == 503, "it says that it is ready: {}", health.text());
    ensure!(send(server.web().request("GET", "/health/live")).await?.status == 200, "it does not live");

    // There is room again: the same message, sent again, is accepted, and nothing needed a restart.
    limit(&server, None)?;
    let again = says(&server, first_refused).await?;
    assert_eq!(again.status, 200, "{}\n{}", again.text(), server.log_tail());
    accepted.push(first_refused);
    all_kept(&server, &accepted).await?;
    server.kill9().await?;
    server.restart().await?;
    all_kept(&server, &accepted).await
}

/// Every accepted message is there once, in order.
async fn all_kept(server: &Server, accepted: &[usize]) -> Result<()> {
    let asked = Caller::new(server, "other");
    asked.asks("Hello").await?;
    assert_eq!(asked.asks("Are you there?").await?, [answer_to("Are you there?")]);
    let all = server.conversations().await?;
    let mut kept = Vec::new();
    for row in &all {
        let id = row["id"].as_str().context("no id")?;
        let (mut after, mut more) = (0, true);
        while more {
            let page = server.admin().get(&format!("/v1/conversations/{id}?after={after}")).await?;
            let said = page["messages"].as_array().cloned().unwrap_or_default();
            let texts = said.iter().filter(|message| message["author"] == "person");
            let texts = texts.filter_map(|message| message["content"]["text"].as_str());
            let numbers =
                texts.filter_map(|text| text.strip_prefix("message ")?.split(' ').next()?.parse().ok());
            kept.extend(numbers.collect::<Vec<usize>>());
            more = page["next"].as_u64().is_some_and(|next| {
                after = next;
                true
            });
        }
    }
    assert_eq!(kept, accepted);
    Ok(())
}
