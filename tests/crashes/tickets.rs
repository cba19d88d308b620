//! The one request that makes a ticket on Zendesk, and the remarks that follow it.

use anyhow::{Context, Result, ensure};
use handoff_tests::{
    assistants::{ACCEPTED, ASKED, MOMENT, WISH, answer_to, support, with_handoff},
    server::Server,
    setup::Setup,
    visitor::Visitor,
    zendesk::Zendesk,
};
use serde_json::json;

use super::{BUDGET, Death, FACTOR, FASTER, Story, Victim};

/// Making the ticket, and adding a remark with what was typed meanwhile.
const REQUESTS: [&str; 2] = ["POST", "PUT"];

async fn stage() -> Result<(Zendesk, Server)> {
    let zendesk = Zendesk::start(&FASTER).await?;
    let by_ticket = with_handoff(support("zendesk"), |handoff| {
        handoff["budget_seconds"] = json!(BUDGET);
        handoff["route"] = json!("ticket");
    });
    let setup = Setup::new()?.with_zendesk(&zendesk).with_assistant(by_ticket).with_clock_factor(FACTOR);
    let server = Server::start(setup).await?;
    Ok((zendesk, server))
}

async fn dies_at(
    zendesk: &Zendesk,
    server: &mut Server,
    method: &str,
    victim: Victim,
    death: Death,
) -> Result<()> {
    let mut person = Visitor::open(server).await?;
    person.says("My card is lost").await?;
    person.until_told(&answer_to("My card is lost")).await?;
    let waits = if method == "POST" { death } else { Death::Before };
    // The ticket waits, so that something can be typed while it is made.
    zendesk.fault(json!({ "method": "POST", "path": "/tickets", "kind": waits.fault() })).await?;
    person.says(WISH).await?;
    zendesk.until_held().await?;
    person.says("during").await?;
    if method == "PUT" {
        zendesk.fault(json!({ "method": "PUT", "path": "/tickets", "kind": death.fault() })).await?;
        zendesk.release().await?;
        zendesk.until("a held remark", |seen| seen["control"]["held"] == json!(1)).await?;
    }
    victim.dies(server).await?;
    if death != Death::Late {
        zendesk.release().await?;
        zendesk.until_settled().await?;
    }
    server.ensure_running().await?;
    if death == Death::Late {
        zendesk.release().await?;
        zendesk.until_settled().await?;
    }
    person.until_told(ACCEPTED).await?;
    let handoff = server.until_state(&person.conversation, "accepted").await?;
    let key = handoff["id"].as_str().context("no id")?.to_owned();
    let wanted = format!("handoff:{key}");
    let whole =
        |chat: &handoff_tests::chat::Chat| chat.raw["external_id"] == wanted.as_str() && chat.lines.len() > 1;
    zendesk.until_chats("the remark", |chats| chats.iter().any(whole)).await?;
    server.until_carried(&person.conversation, 1).await?;
    let tickets = zendesk.tickets_of(&key).await?;
    ensure!(tickets.len() == 1, "{} tickets", tickets.len());
    ensure!(tickets[0].lines.len() == 2, "{:#?}", tickets[0].lines);
    ensure!(tickets[0].lines[1].text.ends_with("during"), "{:#?}", tickets[0].lines);
    let told = [MOMENT, ASKED, ACCEPTED].map(|text| person.times(text));
    ensure!(told == [1, 1, 1], "told {told:?} times: {:#?}", person.thread);
    Ok(())
}

async fn dies_at_every_request(victim: Victim, death: Death) -> Result<()> {
    let (zendesk, mut server) = stage().await?;
    let mut story = Story::default();
    for method in REQUESTS {
        let died = dies_at(&zendesk, &mut server, method, victim, death).await;
        story.tell(&format!("{victim:?} killed at {method}, {death:?}"), died);
        zendesk.heal().await?;
        server.ensure_running().await?;
    }
    story.end()
}

#[tokio::test]
async fn p7_survives_kill_9_before_every_request_of_a_ticket() -> Result<()> {
    dies_at_every_request(Victim::Server, Death::Before).await
}

#[tokio::test]
async fn p7_survives_kill_9_after_every_request_of_a_ticket() -> Result<()> {
    dies_at_every_request(Victim::Server, Death::After).await
}

#[tokio::test]
async fn p7_survives_kill_9_when_the_effect_of_a_ticket_comes_late() -> Result<()> {
    dies_at_every_request(Victim::Server, Death::Late).await
}

#[tokio::test]
async fn p7_survives_the_end_of_the_worker_around_every_request_of_a_ticket() -> Result<()> {
    dies_at_every_request(Victim::Worker, Death::Before).await?;
    dies_at_every_request(Victim::Worker, Death::After).await
}
