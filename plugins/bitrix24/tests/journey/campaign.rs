//! Many handoffs by each route, with faults drawn from a seed at every step.
//!
//! A few run with every test. For a campaign, name how many and the first seed:
//! `HANDOFF_CAMPAIGN=1000 HANDOFF_SEED=1 cargo nextest run -p handoff-bitrix24 campaign --no-capture`.
//! Each handoff has a portal of its own. Waiting takes no time here, so that the portal's rate limit is off: keeping
//! to it is the host's part.

use std::env;

use handoff_sdk::{
    Connector, ConnectorError,
    model::{
        Content,
        connector::{Find, Forward, Found, Transfer, Transferred},
    },
};
use serde_json::{Value, json};

use crate::{
    bridging::{connected, customer_said, leaving, take},
    world::{World, transfer, world},
};

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

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
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
    left_in_doubt: usize,
    repeated_first_lines: usize,
    unmarked_repetitions: usize,
    most_calls: usize,
}

fn number(name: &str, unless_set: u64) -> u64 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(unless_set)
}

fn kinds() -> Vec<Value> {
    let named =
        ["reset_before", "reset_after", "reset_mid", "truncate", "html", "html_ok"].map(|name| json!(name));
    let statuses = [500, 503, 429].map(|status| json!({ "status": status }));
    named.into_iter().chain(statuses).collect()
}

/// Lets up to three calls of these methods go wrong.
async fn spoil(world: &World, random: &mut Random, methods: &[&str], tally: &mut Tally) {
    for _ in 0..random.below(4) {
        let (method, mut kind, skip) = (*random.of(methods), random.of(&kinds()).clone(), random.below(3));
        // A renewal whose answer is lost ends the application's tokens where the old one counts no more: only a new
        // installation mends that, and no handoff is told otherwise.
        if method == "oauth/token" {
            kind = json!("reset_before");
        }
        let fault = json!({ "path": method, "kind": kind, "times": 1, "skip": skip });
        world.sim("faults", json!({ "faults": [fault] })).await;
        tally.faults += 1;
    }
}

/// How many calls a handoff took, its words included.
async fn count_calls(world: &World, tally: &mut Tally) {
    let requests = world.look("requests").await;
    tally.most_calls = tally.most_calls.max(requests.as_array().unwrap().len());
}

async fn native(random: &mut Random, tally: &mut Tally) {
    let flags = *random.of(&["", "--welcome-bot-left close", "--welcome-bot-left close --chat-leave false"]);
    let world = world(flags).await;
    world.says("hi").await;
    let chat = world.says("a human please").await;
    let (options, line) =
        [(json!({}), 22), (json!({ "line": 30 }), 30), (json!({ "user": 27 }), 22)][random.below(3)].clone();
    let methods = ["dialog.get", "Chat.User.list", "bot.session.", "Chat.leave", "history.get"];
    spoil(&world, random, &methods, tally).await;
    let (_, _story) = world.hand_over(transfer(chat, options)).await;
    let seen = world.chat().await;
    let sessions = seen["sessions"].as_array().map_or(0, Vec::len);
    let customer =
        seen["messages"].as_array().unwrap().iter().filter(|line| line["author"] == "customer").count();
    tally.wrongly_announced += usize::from(seen["status"] != "queue");
    tally.doubled += usize::from(seen["handoff_calls"] != 1 || sessions != 1);
    tally.lost += usize::from(customer != 2 || (seen["fields"]["line"] != line && seen["status"] != "queue"));
    count_calls(&world, tally).await;
}

async fn bridge(random: &mut Random, tally: &mut Tally) {
    let mut world = connected("").await;
    // Events get lost, too.
    let hears = random.below(3) > 0;
    spoil(&world, random, &["send.messages", "history.get", "dialog.get", "oauth/token"], tally).await;
    if random.below(3) == 0 {
        world.sim("tokens/expire", json!({})).await;
    }
    let Some((transfer, done)) = bridged(&mut world, hears).await else {
        tally.left_in_doubt += 1;
        // A person decides: nothing may be there, or one chat.
        let chats = world.look("inspect").await["live_agent"]["chats"].as_array().map_or(0, Vec::len);
        tally.doubled += usize::from(chats > 1);
        return;
    };
    spoil(&world, random, &["send.messages", "history.get", "dialog.get"], tally).await;
    for seq in 3..6 {
        carried(&world, &transfer, &done, seq).await;
    }
    let seen = customer_said(&world).await;
    let firsts = seen.iter().filter(|line| line.contains("comes from an assistant")).count();
    let marked = seen.iter().filter(|line| line.starts_with("(perhaps repeated)")).count();
    let reported = done.remarks.iter().any(|remark| remark.contains("twice"));
    tally.repeated_first_lines += firsts.saturating_sub(1);
    tally.unmarked_repetitions += usize::from(firsts > 1 && (marked != 1 || !reported));
    let wanted: Vec<String> = (3..6).map(|seq| format!("word {seq}")).collect();
    let count = |text: &str| seen.iter().filter(|line| line.contains(text)).count();
    for text in wanted.iter().map(String::as_str).chain(["Hello"]) {
        tally.lost += usize::from(count(text) == 0);
        tally.doubled += usize::from(count(text) > 1);
    }
    let order: Vec<&String> = seen.iter().filter(|line| line.starts_with("word ")).collect();
    tally.lost += usize::from(order != wanted.iter().collect::<Vec<_>>());
    let chat = world.chat().await;
    tally.doubled += usize::from(chat["sessions"].as_array().map(Vec::len) != Some(1));
    tally.wrongly_announced += usize::from(chat["status"] != "queue");
    count_calls(&world, tally).await;
}

/// Does what the host does with a transfer; none when it stays in doubt, where a person decides.
async fn bridged(world: &mut World, hears: bool) -> Option<(Transfer, Transferred)> {
    let (mut transfer, mut last) = (leaving("h1", json!({})), String::new());
    for _ in 0..24 {
        match world.bitrix24.transfer(&world.host.cx(), transfer.clone()).await {
            Ok(done) => {
                transfer.checkpoint = world.host.checkpoints().pop();
                return Some((transfer, done));
            }
            Err(ConnectorError::Refused { detail }) => panic!("refused: {detail}"),
            Err(error) => {
                last = error.to_string();
                transfer.checkpoint = world.host.checkpoints().pop().or(transfer.checkpoint);
            }
        }
        if transfer.checkpoint.as_ref().is_none_or(|mark| mark["asked"] != true) {
            continue;
        }
        for body in world.hear().await.into_iter().filter(|_| hears) {
            take(world, &body).await.unwrap();
        }
        match world.bitrix24.find(&world.host.cx(), Find { transfer: transfer.clone() }).await {
            Ok(Found::There(done)) => return Some((transfer, done)),
            Ok(Found::Partly { checkpoint, .. }) => transfer.checkpoint = Some(checkpoint),
            Ok(Found::Unknown { .. }) => return None,
            Ok(Found::Absent { .. }) | Err(_) => {}
        }
    }
    panic!("no end of a bridge: {last}");
}

/// Does what the host does with a person's words, until they are there.
async fn carried(world: &World, transfer: &Transfer, done: &Transferred, seq: u64) {
    let mut words = Forward {
        handoff: transfer.key.clone(),
        ticket: done.ticket.clone(),
        checkpoint: transfer.checkpoint.clone(),
        person: transfer.person.clone(),
        seq,
        content: Content::text(format!("word {seq}")),
        maybe_sent: false,
    };
    for _ in 0..12 {
        match world.bitrix24.forward(&world.host.cx(), words.clone()).await {
            Ok(_) => return,
            Err(ConnectorError::Lost { .. }) => words.maybe_sent = true,
            Err(ConnectorError::Refused { detail }) => panic!("refused: {detail}"),
            Err(_) => {}
        }
    }
    panic!("word {seq} was never taken");
}

fn clean(route: &str, seed: u64, tally: &Tally) {
    println!("{route}, seed {seed}: {tally:?}");
    let Tally { lost, doubled, wrongly_announced, unmarked_repetitions, .. } = tally;
    let faults = [lost, doubled, wrongly_announced, unmarked_repetitions];
    assert!(faults.iter().all(|count| **count == 0), "{route}, seed {seed}: {tally:?}");
}

#[tokio::test]
async fn a_campaign_of_native_handoffs_loses_and_doubles_nothing() {
    let (many, seed) = (number("HANDOFF_CAMPAIGN", 15), number("HANDOFF_SEED", 1));
    let mut tally = Tally::default();
    for n in 0..many {
        native(&mut Random(seed.wrapping_add(n)), &mut tally).await;
        tally.handoffs += 1;
    }
    clean("native", seed, &tally);
}

#[tokio::test]
async fn a_campaign_of_bridges_loses_and_doubles_nothing() {
    let (many, seed) = (number("HANDOFF_CAMPAIGN", 15), number("HANDOFF_SEED", 1));
    let mut tally = Tally::default();
    for n in 0..many {
        bridge(&mut Random(seed.wrapping_add(n)), &mut tally).await;
        tally.handoffs += 1;
    }
    clean("bridge", seed, &tally);
}
