//! The recipe of the native route on Bitrix24, from the first reply to the bot's leaving.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use handoff_tests::{
    PATIENCE,
    assistants::{ACCEPTED, ASKED, HELLO, MOMENT, QUEUED, WISH, answer_to, line, with_handoff},
    bitrix24::Bitrix24,
    chat::Chat,
    server::{Server, state},
    setup::Setup,
};
use serde_json::json;

use super::{BUDGET, Death, FACTOR, FASTER, Story};

/// Fewer would mean that the count is wrong.
const LEAST_REQUESTS: usize = 4;

async fn stage() -> Result<(Bitrix24, Server)> {
    let bitrix24 = Bitrix24::start(&[&FASTER[..], &["--rate-limit", "false"]].concat()).await?;
    let patient = with_handoff(line(), |handoff| handoff["budget_seconds"] = json!(BUDGET));
    let setup = Setup::new()?.with_bitrix24(&bitrix24).with_assistant(patient).with_clock_factor(FACTOR);
    let server = Server::start(setup).await?;
    bitrix24.until_installed().await?;
    Ok((bitrix24, server))
}

/// A customer whose chat has a history; gives the chat and the server's name for it.
async fn chatting(bitrix24: &Bitrix24, server: &Server, person: &str) -> Result<(i64, String)> {
    let chat = bitrix24.says(person, "Hello").await?;
    bitrix24.until_chat(chat, "an answer", |chat| chat.count(&answer_to("Hello")) == 1).await?;
    bitrix24.until_told().await?;
    let latest = server.conversations().await?.remove(0);
    Ok((chat, latest["id"].as_str().context("no id")?.to_owned()))
}

/// Requests of a handoff in which nothing goes wrong.
async fn count(bitrix24: &Bitrix24, server: &Server) -> Result<usize> {
    let (chat, conversation) = chatting(bitrix24, server, "undisturbed").await?;
    let before = bitrix24.requests().await?.len();
    bitrix24.says("undisturbed", WISH).await?;
    bitrix24.until_chat(chat, "the queue", |chat| chat.status == "queue").await?;
    server.until_state(&conversation, "accepted").await?;
    Ok(bitrix24.requests().await?.len() - before)
}

async fn dies_at(bitrix24: &Bitrix24, server: &mut Server, n: usize, death: Death) -> Result<()> {
    let person = format!("person-{n}");
    let (chat, conversation) = chatting(bitrix24, server, &person).await?;
    bitrix24.fault(json!({ "skip": n, "kind": death.fault() })).await?;
    bitrix24.says(&person, WISH).await?;
    bitrix24.until_held().await?;
    bitrix24.says(&person, "during").await?;
    bitrix24.until_told().await?;
    server.kill9().await?;
    if death != Death::Late {
        bitrix24.release().await?;
        bitrix24.until_settled().await?;
    }
    let asked = looks(bitrix24).await?;
    server.restart().await?;
    if death == Death::Late {
        until_looked(bitrix24, asked, server, &conversation).await?;
        bitrix24.release().await?;
        bitrix24.until_settled().await?;
    }
    server.until_state(&conversation, "accepted").await?;
    let seen = bitrix24.until_chat(chat, "the queue", |chat| chat.status == "queue").await?;
    passed_on_once(&seen)?;
    bitrix24.heal().await
}

/// One session, one way out of it, every word of the customer in order, and no line of the bot twice.
fn passed_on_once(chat: &Chat) -> Result<()> {
    ensure!(chat.raw["handoff_calls"] == 1, "passed on {} times", chat.raw["handoff_calls"]);
    ensure!(chat.raw["sessions"].as_array().map(Vec::len) == Some(1), "sessions: {}", chat.raw["sessions"]);
    let words = by(chat, "customer");
    ensure!(words == ["Hello", WISH, "during"], "the customer's words: {words:?}");
    let spoken = by(chat, "assistant");
    ensure!(spoken[..2] == [HELLO, &answer_to("Hello")], "the bot's words: {spoken:?}");
    for text in [MOMENT, ASKED, ACCEPTED, QUEUED] {
        ensure!(chat.count(text) <= 1, "{text:?} was told {} times: {spoken:?}", chat.count(text));
    }
    let own = [HELLO, &*answer_to("Hello"), MOMENT, ASKED, ACCEPTED, QUEUED];
    ensure!(spoken.iter().all(|text| own.contains(text)), "not mute: {spoken:?}");
    Ok(())
}

fn by<'a>(chat: &'a Chat, author: &str) -> Vec<&'a str> {
    chat.lines.iter().filter(|line| line.author == author).map(|line| line.text.as_str()).collect()
}

/// How often a chat was looked at so far. What a starting server asks of the portal is no look.
async fn looks(bitrix24: &Bitrix24) -> Result<usize> {
    let requests = bitrix24.requests().await?;
    let looks = |path: &str| path.contains("dialog") || path.contains("Chat.");
    Ok(requests.iter().filter(|request| request["path"].as_str().is_some_and(looks)).count())
}

/// Waits until the server has looked, or needs no look: the last step changes nothing any more.
async fn until_looked(bitrix24: &Bitrix24, before: usize, server: &Server, conversation: &str) -> Result<()> {
    let (mut revision, end) = (0, Instant::now() + PATIENCE);
    while looks(bitrix24).await? <= before && state(&server.handoff_of(conversation).await?) != "accepted" {
        ensure!(Instant::now() < end, "nobody looked: {:#?}", bitrix24.requests().await?.last());
        let seen = bitrix24.look(&format!("inspect?after={revision}&timeout_ms=2000")).await?;
        revision = seen["revision"].as_u64().unwrap_or(0);
    }
    Ok(())
}

async fn dies_at_every_request(death: Death) -> Result<()> {
    let (bitrix24, mut server) = stage().await?;
    let count = count(&bitrix24, &server).await?;
    ensure!(count >= LEAST_REQUESTS, "only {count} requests");
    let mut story = Story::default();
    for n in 0..count {
        let died = dies_at(&bitrix24, &mut server, n, death).await;
        story.tell(&format!("killed at request {n} of {count}, {death:?}"), died);
        bitrix24.heal().await?;
        server.ensure_running().await?;
    }
    story.end()
}

#[tokio::test]
async fn p7_survives_kill_9_before_every_request_of_the_native_route_on_bitrix24() -> Result<()> {
    dies_at_every_request(Death::Before).await
}

#[tokio::test]
async fn p7_survives_kill_9_after_every_request_of_the_native_route_on_bitrix24() -> Result<()> {
    dies_at_every_request(Death::After).await
}

#[tokio::test]
async fn p7_survives_kill_9_when_the_effect_of_any_request_comes_late_to_bitrix24() -> Result<()> {
    dies_at_every_request(Death::Late).await
}
