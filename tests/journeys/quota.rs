//! Many chats leave at once for portals that take two requests a second each.
//!
//! A few do with every test. For a campaign, name how many and the first seed:
//! `HANDOFF_CAMPAIGN=1000 HANDOFF_SEED=1 cargo nextest run -p handoff-tests --test journeys rate --no-capture`.

use std::env;

use anyhow::{Context, Result};
use handoff_tests::{
    assistants::{QUEUED, WISH, line, support, with_handoff},
    bitrix24::Bitrix24,
    chat::Chat,
    note,
    server::Server,
    setup::Setup,
    visitor::Visitor,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// How much faster time runs on both sides.
const FACTOR: u32 = 4;
/// Chats that leave at once. They need far more requests than a portal takes at once.
const CHATS: usize = 20;
/// Chats of one portal in a campaign, at least.
const PORTION: usize = 250;
/// What a portal's bucket holds.
const BUCKET: f64 = 50.0;

/// A way out of the two that lead to a portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Bridge,
    Native,
}

/// A portal and its server, which keeps the manifest's quota unless it is told another one.
async fn open(route: Route, seed: u64, quota: Option<Value>) -> Result<(Bitrix24, Server)> {
    let (factor, seed) = (FACTOR.to_string(), seed.to_string());
    let flags = ["--clock-factor", &factor, "--seed", &seed, "--welcome-bot-time", "0"];
    let bitrix24 = Bitrix24::start(&flags).await?;
    let patient = |assistant| with_handoff(assistant, |handoff| handoff["budget_seconds"] = json!(3600));
    let (assistant, mut connection) = match route {
        Route::Bridge => (support("bitrix24"), bitrix24.application()),
        Route::Native => (line(), bitrix24.connection()),
    };
    let mut setup = Setup::new()?.with_assistant(patient(assistant)).with_clock_factor(FACTOR);
    let members = connection.as_object_mut().context("a connection is an object")?;
    members.remove("quota");
    members.extend(quota.map(|quota| ("quota".to_owned(), quota)));
    setup.config["connections"]["bitrix24"] = connection;
    bitrix24.control("line", json!({ "id": 30, "fields": { "LINE_NAME": "Sales" }, "queue": [27] })).await?;
    let server = Server::start(setup).await?;
    if route == Route::Native {
        bitrix24.until_installed().await?;
    } else {
        let handler = json!({ "handler": format!("{}/webhooks/bitrix24", server.base) });
        bitrix24.control("app/install", handler).await?;
        let on = |seen: &Value| !seen["connectors"]["handoff"]["lines"]["30"].is_null();
        bitrix24.until("a connector on line 30", on).await?;
    }
    Ok((bitrix24, server))
}

/// Lets so many chats of ours leave at once, and waits until the persons know.
async fn leave_over_the_bridge(server: &Server, chats: usize) -> Result<()> {
    let mut persons = JoinSet::new();
    for _ in 0..chats {
        let mut person = Visitor::open(server).await?;
        persons.spawn(async move {
            person.says(WISH).await?;
            person.until_told(QUEUED).await?;
            anyhow::Ok(person.times(QUEUED))
        });
    }
    while let Some(told) = persons.join_next().await {
        assert_eq!(told??, 1);
    }
    Ok(())
}

/// Lets so many customers of the portal's own chat ask for a human at once, and waits until all are in the queue.
async fn leave_the_bot(bitrix24: &Bitrix24, before: usize, chats: usize) -> Result<()> {
    for n in before..before + chats {
        bitrix24.says(&format!("person{n}"), WISH).await?;
    }
    let waits = |chat: &Chat| chat.status == "queue" && chat.raw["handoff_calls"] == 1;
    let all = |chats: &[Chat]| chats.iter().all(waits);
    bitrix24.until_chats("everybody in the queue", all).await.map(drop)
}

/// Calls go wrong from time to time; none of them leaves a doubt that only a person can end.
async fn spoil(bitrix24: &Bitrix24) -> Result<()> {
    let reads = "dialog.get|history.get|User.list|rest/batch|Event.get";
    let faults = [
        (reads, json!("reset_before")),
        (reads, json!("html")),
        ("bot.session|Chat.leave", json!("reset_after")),
        ("bot.session|Chat.leave", json!({ "status": 500 })),
        ("send.messages|Message.send", json!({ "status": 503 })),
    ];
    for (path, kind) in faults {
        bitrix24.fault(json!({ "path": path, "kind": kind, "chance": 0.03, "times": 1_000_000 })).await?;
    }
    Ok(())
}

/// Lets chats leave one portal in waves; gives how near its rate came what it was asked.
async fn keeps_the_rate(route: Route, seed: u64, chats: usize) -> Result<Value> {
    let (bitrix24, server) = open(route, seed, None).await?;
    spoil(&bitrix24).await?;
    let mut gone = 0;
    while gone < chats {
        let wave = CHATS.min(chats - gone);
        match route {
            Route::Bridge => leave_over_the_bridge(&server, wave).await?,
            Route::Native => leave_the_bot(&bitrix24, gone, wave).await?,
        }
        gone += wave;
    }
    let there = bitrix24.chats().await?;
    let wished = |chat: &Chat| chat.lines.iter().filter(|line| line.text.contains(WISH)).count();
    let sessions = |chat: &Chat| chat.raw["sessions"].as_array().map_or(0, Vec::len);
    assert_eq!(there.len(), chats, "{route:?}: each chat arrives once");
    assert!(there.iter().all(|chat| (wished(chat), sessions(chat)) == (1, 1)), "{route:?}: lost or doubled");
    let faults = bitrix24.requests().await?.iter().filter(|request| !request["fault"].is_null()).count();
    let rate = bitrix24.rate().await?;
    note(&format!("{route:?}, seed {seed}: {chats} chats, {faults} faults, rate {rate}"));
    Ok(rate)
}

fn number(name: &str, unless_set: usize) -> usize {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(unless_set)
}

#[tokio::test]
async fn no_call_comes_above_a_portals_rate_because_the_server_keeps_it() -> Result<()> {
    let (chats, seed) = (number("HANDOFF_CAMPAIGN", CHATS), number("HANDOFF_SEED", 1) as u64);
    for route in [Route::Bridge, Route::Native] {
        let portals = chats.div_ceil(PORTION);
        let mut played = JoinSet::new();
        for n in 0..portals {
            let portion = chats / portals + usize::from(n < chats % portals);
            played.spawn(keeps_the_rate(route, seed + n as u64, portion));
        }
        while let Some(rate) = played.join_next().await {
            let rate = rate??;
            assert_eq!(rate["above"], 0, "{route:?}: {rate}");
            let highest = rate["highest"].as_f64().unwrap_or_default();
            assert!((40.0..=BUCKET).contains(&highest), "{route:?}: the limit was not reached: {rate}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn p3_without_the_rate_requests_are_refused_and_still_every_chat_arrives_once() -> Result<()> {
    let limitless = json!({ "per_second": 10_000, "burst": 10_000, "at_once": 1_000 });
    let (bitrix24, server) = open(Route::Bridge, 1, Some(limitless)).await?;
    leave_over_the_bridge(&server, CHATS).await?;
    assert_eq!(bitrix24.chats().await?.len(), CHATS, "each chat arrives once");
    let rate = bitrix24.rate().await?;
    assert!(
        rate["above"].as_u64() > Some(0),
        "the portal's limit was not reached, so nothing is proved: {rate}"
    );
    Ok(())
}
