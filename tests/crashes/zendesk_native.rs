//! The one step by which a chat of Zendesk's own channel is passed to live agents.

use anyhow::{Context, Result, ensure};
use handoff_tests::{
    assistants::{WISH, support, with_handoff},
    server::Server,
    setup::Setup,
    zendesk::Zendesk,
};
use serde_json::{Value, json};

use super::{BUDGET, Death, FACTOR, FASTER, Story, Victim};

/// Where control is looked at, where the history is, and the pass.
const REQUESTS: [(&str, &str); 3] =
    [("GET", "/conversations/[^/]+$"), ("GET", "/messages"), ("POST", "/passControl")];

async fn stage() -> Result<(Zendesk, Server)> {
    let flags: Vec<&str> = FASTER.iter().chain(&["--channel-responder", "handoff"]).copied().collect();
    let zendesk = Zendesk::start(&flags).await?;
    let patient = with_handoff(support("zendesk"), |handoff| {
        handoff["budget_seconds"] = json!(BUDGET);
        // Nothing is said before the pass, so that its requests are the only ones.
        handoff["texts"]["asked"] = json!(false);
    });
    let mut setup = Setup::new()?.with_zendesk(&zendesk).with_assistant(patient).with_clock_factor(FACTOR);
    setup.config["connections"]["zendesk"]["assistant"] = json!("support");
    let server = Server::start(setup).await?;
    zendesk.point_webhook(&server.base).await?;
    Ok((zendesk, server))
}

fn conversation<'a>(seen: &'a Value, chat: &str) -> Option<&'a Value> {
    seen["conversations"].as_array()?.iter().find(|one| one["id"] == chat)
}

async fn dies_at(
    zendesk: &Zendesk,
    server: &mut Server,
    (method, path): (&str, &str),
    victim: Victim,
    death: Death,
) -> Result<()> {
    let begun = zendesk.control("user_message", json!({ "text": "Hello" })).await?;
    let chat = begun["conversation"].as_str().context("no conversation")?.to_owned();
    let answered = |seen: &Value| {
        conversation(seen, &chat).is_some_and(|one| one["messages"].to_string().contains("You said: Hello"))
    };
    zendesk.until("answered", answered).await?;
    zendesk.fault(json!({ "method": method, "path": path, "kind": death.fault() })).await?;
    zendesk.control("user_message", json!({ "conversation": chat, "text": WISH })).await?;
    zendesk.until_held().await?;
    victim.dies(server).await?;
    zendesk.control("user_message", json!({ "conversation": chat, "text": "during" })).await?;
    if death != Death::Late {
        zendesk.release().await?;
        zendesk.until_settled().await?;
    }
    server.ensure_running().await?;
    if death == Death::Late {
        zendesk.release().await?;
        zendesk.until_settled().await?;
    }
    let with_team =
        |seen: &Value| conversation(seen, &chat).is_some_and(|one| one["active"] == "zd-agentWorkspace");
    zendesk.until("control with live agents", with_team).await?;
    let ours = |all: Vec<Value>| all.into_iter().find(|one| one["chat"] == chat.as_str());
    let handoff = ours(server.handoffs().await?);
    if let Some(handoff) = handoff {
        server.until_state(handoff["conversation"].as_str().unwrap_or_default(), "accepted").await?;
    }
    zendesk.until_told().await?;
    let chats = zendesk.chats().await?;
    let tickets = chats.iter().filter(|one| one.id == chat).count();
    ensure!(tickets == 1, "{tickets} tickets");
    let ticket = chats.iter().find(|one| one.id == chat).context("no ticket")?;
    ensure!(ticket.count("during") == 1 && ticket.count(WISH) == 1, "{:?}", ticket.said());
    ensure!(ticket.count("You said: during") == 0, "the assistant spoke: {:?}", ticket.said());
    Ok(())
}

async fn dies_at_every_request(victim: Victim, death: Death) -> Result<()> {
    let (zendesk, mut server) = stage().await?;
    let mut story = Story::default();
    for request in REQUESTS {
        let died = dies_at(&zendesk, &mut server, request, victim, death).await;
        story.tell(&format!("{victim:?} killed at {request:?}, {death:?}"), died);
        zendesk.heal().await?;
        server.ensure_running().await?;
    }
    story.end()
}

#[tokio::test]
async fn p7_survives_kill_9_before_every_request_of_a_pass() -> Result<()> {
    dies_at_every_request(Victim::Server, Death::Before).await
}

#[tokio::test]
async fn p7_survives_kill_9_after_every_request_of_a_pass() -> Result<()> {
    dies_at_every_request(Victim::Server, Death::After).await
}

#[tokio::test]
async fn p7_survives_kill_9_when_the_effect_of_a_pass_comes_late() -> Result<()> {
    dies_at_every_request(Victim::Server, Death::Late).await
}

#[tokio::test]
async fn p7_survives_the_end_of_the_worker_around_every_request_of_a_pass() -> Result<()> {
    dies_at_every_request(Victim::Worker, Death::Before).await?;
    dies_at_every_request(Victim::Worker, Death::After).await
}
