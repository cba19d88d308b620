//! The recipe of the bridge to Zendesk.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use handoff_tests::{
    PATIENCE,
    assistants::{ACCEPTED, ASKED, MOMENT, WISH, answer_to, support, with_handoff},
    server::Server,
    setup::Setup,
    visitor::Visitor,
    zendesk::Zendesk,
};
use serde_json::json;

use super::{BUDGET, Death, FACTOR, FASTER, Story, Victim};

/// Fewer would mean that the count is wrong.
const LEAST_REQUESTS: usize = 8;

async fn stage() -> Result<(Zendesk, Server)> {
    let zendesk = Zendesk::start(&FASTER).await?;
    let patient = with_handoff(support("zendesk"), |handoff| handoff["budget_seconds"] = json!(BUDGET));
    let setup = Setup::new()?.with_zendesk(&zendesk).with_assistant(patient).with_clock_factor(FACTOR);
    let server = Server::start(setup).await?;
    zendesk.point_webhook(&server.base).await?;
    Ok((zendesk, server))
}

/// A person whose chat has a history.
async fn chatting(server: &Server) -> Result<Visitor> {
    let mut person = Visitor::open(server).await?;
    person.says("My card is lost").await?;
    person.until_told(&answer_to("My card is lost")).await?;
    Ok(person)
}

/// Requests of a handoff in which nothing goes wrong.
async fn count(zendesk: &Zendesk, server: &Server) -> Result<usize> {
    let mut person = chatting(server).await?;
    let before = zendesk.requests().await?.len();
    person.says(WISH).await?;
    person.until_told(ACCEPTED).await?;
    Ok(zendesk.requests().await?.len() - before)
}

async fn dies_at(
    zendesk: &Zendesk,
    server: &mut Server,
    n: usize,
    victim: Victim,
    death: Death,
) -> Result<()> {
    let made = conversations(zendesk).await?;
    let mut person = chatting(server).await?;
    zendesk.fault(json!({ "skip": n, "kind": death.fault() })).await?;
    person.says(WISH).await?;
    zendesk.until_held().await?;
    person.says("during").await?;
    let asked = zendesk.requests().await?.len();
    victim.dies(server).await?;
    if death != Death::Late {
        zendesk.release().await?;
        zendesk.until_settled().await?;
    }
    server.ensure_running().await?;
    if death == Death::Late {
        zendesk.until("asked again", |seen| seen["revision"].as_u64().is_some()).await?;
        more_requests(zendesk, asked).await?;
        zendesk.release().await?;
        zendesk.until_settled().await?;
    }
    person.until_told(ACCEPTED).await?;
    person.says("after").await?;
    let handoff = server.until_state(&person.conversation, "carrying").await?;
    arrived(zendesk, &person, &handoff).await?;
    let now = conversations(zendesk).await?;
    ensure!(now == made + 1, "{} conversations on the whole account", now - made);
    let told = [MOMENT, ASKED, ACCEPTED].map(|text| person.times(text));
    ensure!(told == [1, 1, 1], "told {told:?} times: {:#?}", person.thread);
    Ok(())
}

/// One conversation, whole and in order, with the words from during and after the transfer.
async fn arrived(zendesk: &Zendesk, person: &Visitor, handoff: &serde_json::Value) -> Result<()> {
    let key = handoff["id"].as_str().context("no id")?;
    let ticket = handoff["receipt"]["ticket"]["chat"].as_str().context("no ticket")?;
    let ends = |chat: &handoff_tests::chat::Chat| chat.id == ticket && chat.count("after") > 0;
    let chats = zendesk.until_chats("the last word", |chats| chats.iter().any(ends)).await?;
    let chat = chats.iter().find(|chat| ends(chat)).context("no chat")?;
    let left: Vec<_> = person.texts().into_iter().filter(|text| *text != ACCEPTED).collect();
    ensure!(chat.said() == left, "{:?} instead of {left:?}: {:#}", chat.said(), handoff["receipt"]);
    let made = zendesk.conversations_of(key).await?.len();
    ensure!(made == 1, "{made} conversations of this handoff");
    Ok(())
}

async fn conversations(zendesk: &Zendesk) -> Result<usize> {
    let seen = zendesk.look("inspect").await?;
    Ok(seen["conversations"].as_array().map_or(0, Vec::len))
}

/// Waits until the platform was asked something more than so many times.
async fn more_requests(zendesk: &Zendesk, than: usize) -> Result<()> {
    let (mut revision, end) = (0, Instant::now() + PATIENCE);
    while zendesk.requests().await?.len() <= than {
        ensure!(Instant::now() < end, "nobody asked again");
        let seen = zendesk.look(&format!("inspect?after={revision}&timeout_ms=2000")).await?;
        revision = seen["revision"].as_u64().unwrap_or(0);
    }
    Ok(())
}

async fn dies_at_every_request(victim: Victim, death: Death) -> Result<()> {
    let (zendesk, mut server) = stage().await?;
    let count = count(&zendesk, &server).await?;
    ensure!(count >= LEAST_REQUESTS, "only {count} requests");
    let mut story = Story::default();
    for n in 0..count {
        let died = dies_at(&zendesk, &mut server, n, victim, death).await;
        story.tell(&format!("{victim:?} killed at request {n} of {count}, {death:?}"), died);
        zendesk.heal().await?;
        server.ensure_running().await?;
    }
    story.end()
}

#[tokio::test]
async fn p7_survives_kill_9_before_every_request_of_the_bridge_to_zendesk() -> Result<()> {
    dies_at_every_request(Victim::Server, Death::Before).await
}

#[tokio::test]
async fn p7_survives_kill_9_after_every_request_of_the_bridge_to_zendesk() -> Result<()> {
    dies_at_every_request(Victim::Server, Death::After).await
}

#[tokio::test]
async fn p7_survives_kill_9_when_the_effect_of_any_request_comes_late_to_zendesk() -> Result<()> {
    dies_at_every_request(Victim::Server, Death::Late).await
}

#[tokio::test]
async fn p7_survives_the_end_of_the_worker_before_every_request_of_the_bridge_to_zendesk() -> Result<()> {
    dies_at_every_request(Victim::Worker, Death::Before).await
}

#[tokio::test]
async fn p7_survives_the_end_of_the_worker_after_every_request_of_the_bridge_to_zendesk() -> Result<()> {
    dies_at_every_request(Victim::Worker, Death::After).await
}

#[tokio::test]
async fn p3_the_end_of_the_worker_doubles_nothing_when_the_effect_of_any_request_comes_late() -> Result<()> {
    dies_at_every_request(Victim::Worker, Death::Late).await
}

#[tokio::test]
async fn p7_survives_kill_9_after_kill_9() -> Result<()> {
    let (zendesk, mut server) = stage().await?;
    let mut person = chatting(&server).await?;
    let made = conversations(&zendesk).await?;
    zendesk.fault(json!({ "times": 8, "kind": "hold_after" })).await?;
    person.says(WISH).await?;
    let mut deaths = 0;
    loop {
        zendesk.until_held().await?;
        server.kill9().await?;
        deaths += 1;
        zendesk.release().await?;
        zendesk.until_settled().await?;
        server.restart().await?;
        if zendesk.look("faults").await?["faults"] == json!([]) {
            break;
        }
    }
    assert!(deaths > 2, "{deaths}");
    person.until_told(ACCEPTED).await?;
    person.says("after").await?;
    let handoff = server.until_state(&person.conversation, "carrying").await?;
    arrived(&zendesk, &person, &handoff).await?;
    assert_eq!(conversations(&zendesk).await?, made + 1);
    assert_eq!(person.times(ACCEPTED), 1);
    Ok(())
}

/// The person's later words, each killed on its way; every one arrives once, in order.
#[tokio::test]
async fn p7_survives_kill_9_around_every_word_that_is_carried() -> Result<()> {
    let (zendesk, mut server) = stage().await?;
    let mut person = chatting(&server).await?;
    person.says(WISH).await?;
    person.until_told(ACCEPTED).await?;
    let mut expected = Vec::new();
    for death in [Death::Before, Death::After, Death::Late] {
        let asked = zendesk.requests().await?.len() + 1;
        let posts = json!({ "method": "POST", "path": "/messages", "kind": death.fault() });
        zendesk.fault(posts).await?;
        for part in ["first", "second"] {
            expected.push(format!("{part} {death:?}"));
            person.says(&format!("{part} {death:?}")).await?;
        }
        zendesk.until_held().await?;
        server.kill9().await?;
        if death != Death::Late {
            zendesk.release().await?;
            zendesk.until_settled().await?;
        }
        server.restart().await?;
        if death == Death::Late {
            more_requests(&zendesk, asked).await?;
            zendesk.release().await?;
            zendesk.until_settled().await?;
        }
        let last = format!("second {death:?}");
        let chats = zendesk.until_chats("the words", |chats| chats[0].count(&last) > 0).await?;
        let carried = chats[0].said();
        let carried = &carried[carried.len() - expected.len()..];
        assert_eq!(carried, expected, "{death:?}");
    }
    Ok(())
}
