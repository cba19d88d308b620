//! What a connector's calls take while another one misbehaves beside it: at most twice as long, at the slow end,
//! as in the same minute without it.

#![expect(clippy::unwrap_used, reason = "a test that measures says what it measured")]

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use futures::future::BoxFuture;
use handoff_conformance::beside_tests;
use handoff_core::{
    plugins::{ConnectionSetup, Limits, Mode, Modes, Options, Policy, Registry, Trust, World},
    world::{Blob, Blobs, Call, Clock, Connectors, Keep, NotKept, Pieces},
};
use handoff_model::{ConnectionId, ConnectorId, Timestamp};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    runtime::Runtime,
};

handoff_conformance::plays_workers!();

/// A platform's answer takes this long; real ones take ten times as long, and hide more.
const PLATFORM: Duration = Duration::from_millis(5);
/// Callers of the good connector, and calls of each in one measurement.
const CALLERS: usize = 8;
const CALLS: usize = 24;
/// Callers of the misbehaving one.
const ROGUES: usize = 4;
/// Turns of a measurement, one without and one with it by turns, so that both see the same machine.
const WINDOWS: usize = 3;
/// Measurements, of which the first good one counts: the machine has other things to do.
const TRIES: usize = 8;
/// How much longer a call may take.
const AT_MOST: f64 = 2.0;

/// The ways in which the misbehaving connector can go wrong, as its source lists them: none can be forgotten.
const SOURCE: &str = include_str!("../../../plugins/misbehaving/src/fault.rs");
/// Left out in the server's process: they end it, and this test with it. In a worker they are tried.
const END_THEIR_PROCESS: [&str; 3] = ["aborts", "segfaults", "exits"];
/// Keeps a core for good in the server's process, so that it comes last there. In a worker it is killed.
const KEEPS_A_CORE: &str = "loops_for_ever";
/// What is asked of it, so that each of them comes to pass.
const VERBS: [&str; 9] =
    ["check", "transfer", "find", "forward", "receive", "install", "send", "availability", "options"];

fn faults() -> Vec<String> {
    let after = SOURCE.split("enum Fault {").nth(1).unwrap();
    let list = after.split("\n}").next().unwrap();
    let names = list.lines().map(str::trim).filter_map(|line| line.strip_suffix(','));
    let snake = |name: &str| {
        name.chars().fold(String::new(), |mut snake, one| {
            if one.is_ascii_uppercase() && !snake.is_empty() {
                snake.push('_');
            }
            snake.push(one.to_ascii_lowercase());
            snake
        })
    };
    names.map(snake).filter(|name| name != "none").collect()
}

fn cases() -> Vec<(Mode, String)> {
    let in_workers = faults().into_iter().map(|fault| (Mode::Worker, fault));
    let survived = faults().into_iter().filter(|fault| !END_THEIR_PROCESS.contains(&fault.as_str()));
    let mut here: Vec<_> = survived.map(|fault| (Mode::InProcess, fault)).collect();
    here.sort_by_key(|(_, fault)| fault == KEEPS_A_CORE);
    in_workers.chain(here).collect()
}

#[test]
fn the_others_do_not_notice_a_connector_that_misbehaves() {
    let runtime = Runtime::new().unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let desk = runtime.block_on(desk());
    let cases = cases();
    assert!(cases.len() > 80, "{cases:?}");
    for (mode, fault) in cases {
        let place = tempfile::tempdir().unwrap();
        let registry = registry(place.path(), mode, &fault, &desk);
        let (mut best, mut told) = (f64::MAX, String::new());
        for _ in 0..TRIES {
            let (mut quiet, mut noisy) = (Vec::new(), Vec::new());
            for _ in 0..WINDOWS {
                quiet.extend(runtime.block_on(calls_of_all(&registry)));
                noisy.extend(runtime.block_on(beside(&registry)));
            }
            let (quiet, noisy) = (p99(quiet), p99(noisy));
            let ratio = noisy.as_secs_f64() / quiet.as_secs_f64();
            if ratio < best {
                (best, told) = (ratio, format!("{:.1} ms, {:.1} ms beside it", ms(quiet), ms(noisy)));
            }
            if best <= AT_MOST {
                break;
            }
        }
        println!("{:<10} {fault:<24} p99 {told}, ratio {best:.2}", mode.name());
        assert!(best <= AT_MOST, "{fault} in mode {}: {told}", mode.name());
    }
    runtime.shutdown_background();
}

/// What 99 of a hundred calls take at most.
fn p99(mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    took[took.len() * 99 / 100]
}

/// Calls of the good connector, several at once; how long each took.
async fn calls_of_all(registry: &Arc<Registry>) -> Vec<Duration> {
    let callers: Vec<_> = (0..CALLERS).map(|_| tokio::spawn(calls(registry.clone()))).collect();
    let mut took = Vec::new();
    for caller in callers {
        took.extend(caller.await.unwrap());
    }
    took
}

async fn calls(registry: Arc<Registry>) -> Vec<Duration> {
    let person = json!({ "id": "ann" });
    let transfer =
        json!({ "key": "h1", "route": "bridge", "chat": null, "person": person, "transcript": [] });
    let mut took = Vec::new();
    for _ in 0..CALLS {
        let began = Instant::now();
        let found = ask(&registry, "good", "find", json!({ "transfer": transfer })).await;
        assert!(found.is_ok(), "{found:?}");
        took.push(began.elapsed());
    }
    took
}

/// The same while others call the misbehaving one, again and again.
async fn beside(registry: &Arc<Registry>) -> Vec<Duration> {
    let over = Arc::new(AtomicBool::new(false));
    let rogues: Vec<_> = (0..ROGUES).map(|_| tokio::spawn(rogue(registry.clone(), over.clone()))).collect();
    let measured = calls_of_all(registry).await;
    over.store(true, Ordering::SeqCst);
    for rogue in rogues {
        rogue.abort();
        // Aborted, or over by itself.
        drop(rogue.await);
    }
    measured
}

async fn rogue(registry: Arc<Registry>, over: Arc<AtomicBool>) {
    for verb in VERBS.into_iter().cycle() {
        if over.load(Ordering::SeqCst) {
            return;
        }
        // Whatever comes of it.
        drop(ask(&registry, "bad", verb, request(verb)).await);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn request(verb: &str) -> Value {
    let transfer =
        json!({ "key": "h1", "route": "bridge", "chat": null, "person": { "id": "ann" }, "transcript": [] });
    let content = json!({ "text": "Hello" });
    match verb {
        "transfer" => transfer,
        "find" => json!({ "transfer": transfer }),
        "forward" => json!({
            "handoff": "h1", "ticket": { "chat": "chat1" }, "person": { "id": "ann" }, "seq": 1, "content": content,
            "maybe_sent": false,
        }),
        "receive" => json!({
            "method": "POST", "path": "", "query": "", "headers": { "x-acme-secret": "not a secret" }, "at": 0,
            "body": "{\"id\":\"e1\",\"chat\":\"chat1\",\"type\":\"closed\"}",
        }),
        "install" => json!({ "webhook_url": "https://handoff.example/webhooks/bad" }),
        "send" => json!({ "chat": "talk1", "key": "k1", "content": content, "maybe_sent": false }),
        "options" => json!({ "field": "group" }),
        "availability" => json!({}),
        _ => Value::Null,
    }
}

/// A platform that answers everything with the same; its address.
async fn desk() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut asked = vec![0; 64 * 1024];
                // One read has all of these requests.
                drop(stream.read(&mut asked).await);
                let body = r#"{"id":"chat1","chats":[],"hooks":[],"groups":[],"online":0}"#;
                let head =
                    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
                drop(stream.write_all(format!("{head}{body}").as_bytes()).await);
            });
        }
    });
    base
}

async fn ask(
    registry: &Registry,
    connection: &str,
    verb: &'static str,
    request: Value,
) -> Result<Value, handoff_core::world::CallError> {
    let call = Call { verb, request, deadline: Duration::from_secs(10), checkpoints: None };
    registry.call(&ConnectionId::new(connection), call).await
}

/// Both connectors' files, read once: a build beside this test may put new ones in their place.
fn files() -> &'static [(&'static str, Vec<u8>)] {
    static FILES: OnceLock<Vec<(&str, Vec<u8>)>> = OnceLock::new();
    FILES.get_or_init(|| {
        let read = |package| (package, fs::read(beside_tests(package)).unwrap());
        ["handoff-loopback", "handoff-misbehaving"].map(read).to_vec()
    })
}

fn registry(place: &Path, mode: Mode, fault: &str, desk: &str) -> Arc<Registry> {
    let folder = place.join("plugins");
    fs::create_dir(&folder).unwrap();
    for (package, bytes) in files() {
        fs::write(folder.join(format!("{package}.so")), bytes).unwrap();
    }
    let setup = |id: &str, connector: &str, settings| {
        let secrets =
            ["token", "webhook_secret"].map(|name| (name.to_owned(), "not a secret".to_owned().into()));
        let (id, connector) = (ConnectionId::new(id), ConnectorId::new(connector));
        ConnectionSetup { id, connector, settings, secrets: secrets.into(), quota: None }
    };
    let bad = json!({ "base_url": desk, "fault": fault });
    let connections = vec![setup("good", "loopback", json!({})), setup("bad", "misbehaving", bad)];
    let options = Options {
        folder,
        vault: place.join("vault"),
        allow_loopback_http: true,
        limits: Limits::default(),
        trust: Trust { policy: Policy::Any, ..Trust::default() },
        program: Some(std::env::current_exe().unwrap()),
        modes: Modes { others: Some(mode), of: BTreeMap::new() },
        follow: false,
    };
    let outside = Arc::new(Outside);
    let world = World { clock: outside.clone(), keep: outside.clone(), blobs: outside };
    Arc::new(Registry::open(&options, connections, world))
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Time as it is, and a store that takes as long as a platform.
struct Outside;

impl Clock for Outside {
    fn now(&self) -> Timestamp {
        Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64)
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(wait))
    }
}

impl Keep for Outside {
    fn get(&self, _: &ConnectionId, _: &str) -> BoxFuture<'_, Result<Option<(Value, u64)>, String>> {
        Box::pin(async {
            tokio::time::sleep(PLATFORM).await;
            Ok(None)
        })
    }

    fn swap(&self, _: &ConnectionId, _: &str, _: u64, _: Value) -> BoxFuture<'_, Result<bool, String>> {
        Box::pin(async { Ok(true) })
    }
}

impl Blobs for Outside {
    fn write<'a>(&'a self, _: String, _: Pieces<'a>) -> BoxFuture<'a, Result<String, NotKept>> {
        Box::pin(async { Err(NotKept::Unavailable("no files are kept here".to_owned())) })
    }

    fn read(&self, _: &str) -> BoxFuture<'_, Result<Option<Blob>, String>> {
        Box::pin(async { Ok(None) })
    }
}
