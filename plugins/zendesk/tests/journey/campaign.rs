//! Many handoffs by each route, with faults drawn from a seed at every step.
//!
//! A few run with every test. For a campaign, name how many and the first seed:
//! `HANDOFF_CAMPAIGN=1000 HANDOFF_SEED=1 cargo nextest run -p handoff-zendesk campaign --no-capture`.

use std::{env, time::Duration};

use handoff_sdk::{
    Connector, ConnectorError,
    model::{
        Content, Route,
        connector::{Forward, Transfer, Transferred},
    },
};
use serde_json::{Value, json};

use crate::{
    native,
    stage::{Node, SAID, Stage, person, texts, transfer},
};

/// Long enough for an undisturbed answer on a busy machine, short enough to wait for one that never comes.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// A generator that needs nothing (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }
}

/// What came of the handoffs of one route.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    handoffs: usize,
    faults: usize,
    lost: usize,
    doubled: usize,
    wrongly_announced: usize,
}

fn number(name: &str, unless_set: u64) -> u64 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(unless_set)
}

/// Every way in which a request goes wrong; the two that cost waiting are drawn seldom.
fn kind(random: &mut Random) -> Value {
    match random.below(40) {
        0 => json!("hang_after"),
        1 => json!("hold"),
        2..=5 => json!({ "status": 500 }),
        6..=9 => json!({ "status": 503 }),
        10..=13 => json!({ "status": 429, "retry_after": 1 }),
        14..=17 => json!("html"),
        18..=21 => json!("html_ok"),
        22..=26 => json!("reset_before"),
        27..=31 => json!("reset_after"),
        32..=35 => json!("reset_mid"),
        _ => json!("truncate"),
    }
}

/// Lets up to four of the next requests go wrong.
async fn spoil(stage: &Stage, random: &mut Random, requests: usize, tally: &mut Tally) {
    for _ in 0..random.below(5) {
        stage.fault(random.below(requests), kind(random)).await;
        tally.faults += 1;
    }
}

/// The end of a handoff: nothing goes wrong any more, and what is late lands.
async fn calm(stage: &Stage) {
    stage.heal().await;
    stage.settle().await;
}

async fn words(node: &Node, stage: &Stage, chat: &Transfer, done: &Transferred, seq: u64) {
    let mut words = Forward {
        handoff: chat.key.clone(),
        ticket: done.ticket.clone(),
        checkpoint: node.left(),
        person: person(),
        seq,
        content: Content::text(format!("word {seq}")),
        maybe_sent: false,
    };
    for _ in 0..12 {
        match node.zendesk.forward(&node.host.cx(), words.clone()).await {
            Ok(_) => return,
            Err(ConnectorError::Lost { .. }) => {
                words.maybe_sent = true;
                // The look waits for as long as Zendesk may still work; a call that is held has landed by then.
                stage.settle().await;
            }
            Err(ConnectorError::Refused { detail }) => panic!("refused: {detail}"),
            Err(_) => {}
        }
    }
    panic!("word {seq} was never taken");
}

/// Counts what live agents see of one handoff against what was said.
fn count(seen: &Value, id: &str, expected: &[String], tally: &mut Tally) {
    let chats = seen["live_agent"]["chats"].as_array().unwrap();
    let ours: Vec<_> = chats.iter().filter(|chat| chat["id"] == id).collect();
    tally.wrongly_announced += usize::from(ours.is_empty());
    tally.doubled += chats.len().saturating_sub(1);
    let Some(chat) = ours.first() else { return };
    let said = texts(&chat["messages"]);
    for text in expected {
        let times = said.iter().filter(|said| *said == text).count();
        tally.lost += usize::from(times == 0);
        tally.doubled += times.saturating_sub(1);
    }
    let order: Vec<_> = said.iter().filter(|said| expected.contains(said)).collect();
    tally.lost += usize::from(order != expected.iter().collect::<Vec<_>>());
}

async fn bridge(stage: &Stage, random: &mut Random, tally: &mut Tally) {
    let (node, chat) = (stage.node_with(stage.settings(), PATIENCE), transfer("h1"));
    spoil(stage, random, 22, tally).await;
    let done = node.hand_over(stage, &chat).await;
    spoil(stage, random, 6, tally).await;
    for seq in 6..9 {
        words(&node, stage, &chat, &done, seq).await;
    }
    calm(stage).await;
    let said = SAID.iter().map(|text| (*text).to_owned()).chain((6..9).map(|seq| format!("word {seq}")));
    count(&stage.inspect().await, &done.ticket.chat, &said.collect::<Vec<_>>(), tally);
    tally.doubled += stage.conversations("h1").await.len().saturating_sub(1);
}

async fn native_route(stage: &Stage, random: &mut Random, tally: &mut Tally) {
    let said = "Where is my parcel?";
    let chat = native::begins(stage, said).await;
    let node = stage.node_with(stage.settings(), PATIENCE);
    spoil(stage, random, 8, tally).await;
    let done = node.hand_over(stage, &native::leaving("h1", &chat)).await;
    calm(stage).await;
    stage.control("user_message", json!({ "conversation": chat, "text": "one more" })).await;
    count(&stage.inspect().await, &done.ticket.chat, &[said.to_owned(), "one more".to_owned()], tally);
}

async fn ticket(stage: &Stage, random: &mut Random, tally: &mut Tally) {
    let mut settings = stage.settings();
    settings["support_user"] = json!("admin@example.org");
    let node = stage.node_with(settings, PATIENCE);
    let chat = Transfer { route: Route::Ticket, ..transfer("h1") };
    spoil(stage, random, 4, tally).await;
    let done = node.hand_over(stage, &chat).await;
    spoil(stage, random, 4, tally).await;
    for seq in 6..8 {
        words(&node, stage, &chat, &done, seq).await;
    }
    calm(stage).await;
    let seen = stage.inspect().await;
    let tickets = seen["live_agent"]["chats"].as_array().unwrap();
    let comments: Vec<String> = texts(&tickets[0]["messages"]);
    tally.wrongly_announced += usize::from(tickets[0]["id"] != done.ticket.chat.as_str());
    tally.doubled += tickets.len().saturating_sub(1) + comments.len().saturating_sub(3);
    tally.lost += SAID.iter().filter(|text| !comments[0].contains(*text)).count();
    let ends =
        |seq: usize| comments.get(seq).is_some_and(|text| text.ends_with(&format!("word {}", seq + 5)));
    tally.lost += (1..3).filter(|seq| !ends(*seq)).count();
}

#[expect(clippy::print_stdout, reason = "a campaign tells its figures")]
fn clean(route: &str, seed: u64, tally: &Tally) {
    println!("{route}, seed {seed}: {tally:?}");
    let wrong = [tally.lost, tally.doubled, tally.wrongly_announced];
    assert_eq!(wrong, [0, 0, 0], "{route}, seed {seed}: {tally:?}");
}

#[tokio::test]
async fn a_campaign_of_bridges_loses_and_doubles_nothing() {
    let (many, seed) = (number("HANDOFF_CAMPAIGN", 15), number("HANDOFF_SEED", 1));
    let (stage, mut tally) = (Stage::start(&[]).await, Tally::default());
    for n in 0..many {
        bridge(&stage, &mut Random(seed.wrapping_add(n)), &mut tally).await;
        tally.handoffs += 1;
        stage.reset().await;
    }
    clean("bridge", seed, &tally);
}

#[tokio::test]
async fn a_campaign_of_native_handoffs_loses_and_doubles_nothing() {
    let (many, seed) = (number("HANDOFF_CAMPAIGN", 15), number("HANDOFF_SEED", 1));
    let (stage, mut tally) = (native::channel().await, Tally::default());
    for n in 0..many {
        native_route(&stage, &mut Random(seed.wrapping_add(n)), &mut tally).await;
        tally.handoffs += 1;
        stage.reset().await;
    }
    clean("native", seed, &tally);
}

#[tokio::test]
async fn a_campaign_of_tickets_loses_and_doubles_nothing() {
    let (many, seed) = (number("HANDOFF_CAMPAIGN", 15), number("HANDOFF_SEED", 1));
    let (stage, mut tally) = (Stage::start(&["--support-rate-limit", "1000000"]).await, Tally::default());
    for n in 0..many {
        ticket(&stage, &mut Random(seed.wrapping_add(n)), &mut tally).await;
        tally.handoffs += 1;
        stage.reset().await;
    }
    clean("ticket", seed, &tally);
}
