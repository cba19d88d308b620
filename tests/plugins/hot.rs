//! The folder while the server runs: files that come, go, replace each other, or are damaged.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use handoff_tests::{
    assistants::{BACK, WISH},
    built::built,
    caller::Caller,
    server::Server,
    setup::Setup,
    visitor::Visitor,
};
use serde_json::{Value, json};

use super::hands_over;

/// The example's file without what only a debugger reads.
fn stripped(folder: &Path) -> Result<Vec<u8>> {
    let copy = folder.join("stripped.so");
    fs::copy(built()?.plugin("loopback")?, &copy)?;
    ensure!(Command::new("strip").arg(&copy).status()?.success(), "the file cannot be stripped");
    Ok(fs::read(&copy)?)
}

/// The same file as another version, or with any other text of the same length.
fn with(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut changed = bytes.to_vec();
    let places: Vec<_> = bytes
        .windows(from.len())
        .enumerate()
        .filter(|(_, part)| *part == from.as_bytes())
        .map(|(n, _)| n)
        .collect();
    assert!(!places.is_empty(), "{from:?} is not in the file");
    for at in places {
        changed[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    changed
}

fn version(bytes: &[u8], version: &str) -> Vec<u8> {
    with(bytes, "\"version\": \"0.1.0\"", &format!("\"version\": \"{version}\""))
}

pub(crate) async fn started(change: impl FnOnce(&mut Value)) -> Result<Server> {
    let setup = Setup::new()?.with_loopback(false).with_plugins(&["loopback"]);
    let mut server = Server::prepare(setup.clone())?;
    for assistant in &setup.assistants {
        server.publish(assistant).await?;
    }
    server.reconfigure(change)?;
    for entry in fs::read_dir(server.plugins())? {
        fs::remove_file(entry?.path())?;
    }
    Ok(server)
}

/// What the running server says of its plugin files, once it fits.
pub(crate) async fn until(
    server: &Server,
    what: &str,
    fits: impl Fn(&[Value]) -> bool,
) -> Result<Vec<Value>> {
    let mut last = Vec::new();
    for _ in 0..400 {
        let listed = server.admin().get("/v1/connectors").await?;
        last = listed["files"].as_array().cloned().unwrap_or_default();
        if fits(&last) {
            return Ok(last);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("{what} never came: {last:#?}\n{}", server.log_tail())
}

fn serving(files: &[Value]) -> Option<(String, u64)> {
    let file = files.iter().find(|file| file["generation"].as_u64() > Some(0))?;
    Some((file["version"].as_str()?.to_owned(), file["generation"].as_u64()?))
}

fn serves(files: &[Value], version: &str) -> bool {
    serving(files).is_some_and(|(found, _)| found == version)
}

#[tokio::test]
async fn a_file_that_is_put_into_the_folder_serves_and_one_that_is_taken_away_leaves() -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let whole = stripped(scratch.path())?;
    let mut server = started(|_| ()).await?;
    server.restart().await?;
    let file = server.plugins().join("loopback.so");
    for way in ["copied", "renamed"] {
        match way {
            "copied" => fs::write(&file, &whole)?,
            _ => {
                let half = server.plugins().join("loopback.so.part");
                fs::write(&half, &whole)?;
                fs::rename(half, &file)?;
            }
        }
        until(&server, way, |files| serving(files).is_some()).await?;
        hands_over(&server).await?;
        fs::remove_file(&file)?;
        until(&server, "its leaving", |files| serving(files).is_none()).await?;
        let mut person = Visitor::open(&server).await?;
        person.says(WISH).await?;
        person.until_told(BACK).await?;
    }
    assert!(server.log().contains("Connector loopback leaves"), "{}", server.log_tail());
    Ok(())
}

/// People who hand over all the time, and how it went.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    people: Vec<tokio::task::JoinHandle<Result<()>>>,
}

impl Load {
    pub(crate) fn start(server: &Server, people: usize) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let people = (0..people).map(|person| {
            let (stop, done) = (stop.clone(), done.clone());
            let web = server.admin();
            let callers: Vec<_> =
                (0..2_000).map(|n| Caller::new(server, &format!("p{person}-{n}"))).collect();
            tokio::spawn(async move {
                for caller in callers {
                    if stop.load(Ordering::SeqCst) {
                        return Ok(());
                    }
                    let turned = caller.says(WISH).await?;
                    let conversation = turned["conversation"].as_str().context("a conversation")?.to_owned();
                    loop {
                        let now = web.get(&format!("/v1/conversations/{conversation}")).await?;
                        match now["held_by"].as_str() {
                            Some("platform") => break,
                            Some("handoff") => tokio::time::sleep(Duration::from_millis(5)).await,
                            other => anyhow::bail!("a handoff failed: {other:?} {now:#}"),
                        }
                    }
                    done.fetch_add(1, Ordering::SeqCst);
                }
                Ok(())
            })
        });
        Self { people: people.collect(), stop, done }
    }

    fn done(&self) -> u64 {
        self.done.load(Ordering::SeqCst)
    }

    /// Waits until so many more have handed over.
    pub(crate) async fn goes_on(&self, more: u64) -> Result<()> {
        let until = self.done() + more;
        while self.done() < until {
            ensure!(!self.people.iter().any(|person| person.is_finished()), "somebody's handoff failed");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    pub(crate) async fn ends(self) -> Result<u64> {
        self.stop.store(true, Ordering::SeqCst);
        for person in self.people {
            person.await??;
        }
        Ok(self.done.load(Ordering::SeqCst))
    }
}

#[tokio::test]
async fn p2_no_call_is_lost_while_one_version_after_another_takes_over_and_the_last_is_rolled_back()
-> Result<()> {
    let scratch = tempfile::tempdir()?;
    let whole = stripped(scratch.path())?;
    let mut server = started(|_| ()).await?;
    let file = server.plugins().join("loopback.so");
    fs::write(&file, &whole)?;
    server.restart().await?;
    let load = Load::start(&server, 8);
    load.goes_on(20).await?;
    for (n, next) in ["0.2.0", "0.3.0", "0.4.0"].into_iter().enumerate() {
        // Over the very file that serves, as `cp` does it.
        fs::write(&file, version(&whole, next))?;
        let files = until(&server, next, |files| serves(files, next)).await?;
        assert_eq!(serving(&files), Some((next.to_owned(), n as u64 + 2)));
        load.goes_on(20).await?;
    }
    let told = server.cli(&["connector", "rollback", "loopback"]).await?;
    assert_eq!(told.code, Some(0), "{told:?}");
    until(&server, "the way back", |files| serves(files, "0.3.0")).await?;
    load.goes_on(20).await?;
    let listed = server.admin().get("/v1/connectors").await?;
    assert_eq!(listed["quarantine"][0]["version"], "0.4.0", "{listed:#}");

    // The way back outlasts a restart, although the folder holds the newer file only.
    let done = load.ends().await?;
    assert!(done >= 100, "{done}");
    server.stop().await?;
    server.restart().await?;
    until(&server, "the kept copy", |files| serves(files, "0.3.0")).await?;
    hands_over(&server).await?;
    let told = server.cli(&["connector", "release", "loopback"]).await?;
    assert_eq!(told.code, Some(0), "{told:?}");
    until(&server, "the newest", |files| serves(files, "0.4.0")).await?;
    hands_over(&server).await.map(drop)
}

#[tokio::test]
async fn a_version_that_cannot_serve_what_the_old_one_serves_goes_into_quarantine_and_the_old_one_stays()
-> Result<()> {
    let scratch = tempfile::tempdir()?;
    let whole = stripped(scratch.path())?;
    let mut server = started(|_| ()).await?;
    let file = server.plugins().join("loopback.so");
    fs::write(&file, &whole)?;
    server.restart().await?;
    hands_over(&server).await?;
    // Its settings have another name now, so this connection's do not fit.
    fs::write(&file, with(&version(&whole, "0.2.0"), "\"echo\"", "\"ekko\""))?;
    let refused =
        |files: &[Value]| files.iter().any(|file| file["version"] == "0.2.0" && file["state"] == "refused");
    let files = until(&server, "the refusal", refused).await?;
    let reason =
        files.iter().find(|file| file["version"] == "0.2.0").context("a line")?["reason"].to_string();
    assert!(reason.contains("connection loopback") && reason.contains("echo"), "{reason}");
    hands_over(&server).await?;
    fs::write(&file, version(&whole, "0.3.0"))?;
    until(&server, "a mended one", |files| serves(files, "0.3.0")).await?;
    hands_over(&server).await.map(drop)
}

/// A generator of numbers that gives the same ones every time.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

/// How a file was damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    /// It ends too early.
    Cut,
    /// A page in the middle is another, which only its hash or its code at work can show.
    Page,
    /// It says of itself what is not so, and everybody can see it.
    Wrong,
}

/// Damaged files: cut at every 4 KiB, flipped and zeroed pages, another machine, no entry, lies. Each is a connector of
/// its own, so that none is passed over for the sake of a better one.
fn corpus(whole: &[u8], seed: u64) -> Vec<(Damage, Vec<u8>)> {
    let mut seeded = Seeded(seed);
    let mut corpus: Vec<_> =
        (0..whole.len()).step_by(4096).take(140).map(|end| (Damage::Cut, whole[..end].to_vec())).collect();
    for _ in 0..40 {
        let (mut flipped, mut zeroed) = (whole.to_vec(), whole.to_vec());
        let at = seeded.below(whole.len() / 4096) * 4096;
        let end = (at + 4096).min(whole.len());
        flipped[at..end].iter_mut().for_each(|byte| *byte ^= 0xff);
        zeroed[at..end].fill(0);
        // A page of zeroes is as it was.
        let pages = [flipped, zeroed].into_iter().filter(|bytes| bytes != whole);
        corpus.extend(pages.map(|bytes| (Damage::Page, bytes)));
    }
    let mut wrong: Vec<Vec<u8>> = [(4, 1), (5, 2), (16, 2), (18, 0x28), (0, 0)]
        .into_iter()
        .map(|(place, byte)| {
            let mut wrong = whole.to_vec();
            wrong[place] = byte;
            wrong
        })
        .collect();
    wrong.push(with(
        whole,
        "_1as_0lib_1header_0root_bmodule_bloader",
        "_1as_0lib_1header_0root_bmodule_bloadex",
    ));
    wrong.push(with(whole, "\"abi\": [1, 0]", "\"abi\": [7, 0]"));
    wrong.push(with(whole, "\"model\": 1", "\"model\": 9"));
    wrong.push(with(whole, ".handoff.meta", ".handoff.mexa"));
    wrong.push(b"a text".to_vec());
    wrong.push(Vec::new());
    corpus.extend(wrong.into_iter().map(|bytes| (Damage::Wrong, bytes)));
    corpus.iter().enumerate().map(|(n, (damage, bytes))| (*damage, renamed(bytes, n))).collect()
}

/// The same as another connector, where its name can still be read.
fn renamed(bytes: &[u8], n: usize) -> Vec<u8> {
    let (from, to) = ("\"id\": \"loopback\"", format!("\"id\": \"bad{n:05}\""));
    let mut changed = bytes.to_vec();
    let places = bytes.windows(from.len()).enumerate().filter(|(_, part)| *part == from.as_bytes());
    for (at, _) in places {
        changed[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    changed
}

/// Puts the whole corpus into the folder of a server under load, and gives what the server says of each file.
async fn dropped(server: &Server, corpus: &[(Damage, Vec<u8>)]) -> Result<Vec<(Damage, Value)>> {
    let load = Load::start(server, 4);
    load.goes_on(10).await?;
    for (n, (_, bytes)) in corpus.iter().enumerate() {
        fs::write(server.plugins().join(format!("bad-{n:03}.so")), bytes)?;
    }
    let bad = |files: &[Value]| -> Vec<Value> {
        let ours = |file: &&Value| file["file"].as_str().is_some_and(|name| name.starts_with("bad-"));
        files.iter().filter(ours).cloned().collect()
    };
    let mut told = Vec::new();
    // Each file that gets so far is tried in a process of its own.
    for _ in 0..20 {
        let all = until(server, "every file's line", |files| bad(files).len() == corpus.len()).await;
        if let Ok(files) = all {
            told = bad(&files);
            break;
        }
    }
    ensure!(told.len() == corpus.len(), "{} of {} files are told of", told.len(), corpus.len());
    load.goes_on(20).await?;
    let done = load.ends().await?;
    ensure!(done >= 30 && server.runs(), "{done}");
    let listed = server.admin().get("/v1/connectors").await?;
    let good = listed["files"].as_array().into_iter().flatten().find(|file| file["file"] == "loopback.so");
    assert_eq!(good.map(|file| &file["generation"]), Some(&json!(1)), "it was disturbed: {good:?}");
    hands_over(server).await?;
    let of = |n: usize| told.iter().find(|file| file["file"] == format!("bad-{n:03}.so").as_str());
    corpus
        .iter()
        .enumerate()
        .map(|(n, (damage, _))| Ok((*damage, of(n).context("a line")?.clone())))
        .collect()
}

/// The reason in plain words, with what to do.
fn reason(file: &Value) -> Result<&str> {
    let (reason, remedy) = (file["reason"].as_str().context("a reason")?, file["remedy"].as_str());
    assert!(reason.len() > 15 && remedy.is_some_and(|remedy| remedy.len() > 10), "{file:#}");
    assert!(!reason.contains("Error(") && !reason.contains("panicked"), "{file:#}");
    Ok(reason)
}

#[tokio::test]
async fn two_hundred_damaged_files_in_a_running_server_are_each_explained_and_nobody_misses_a_call()
-> Result<()> {
    let scratch = tempfile::tempdir()?;
    let whole = stripped(scratch.path())?;
    let mut server = started(|config| config["plugins"]["policy"] = json!("locked")).await?;
    fs::write(server.plugins().join("loopback.so"), &whole)?;
    let told = server.cli(&["connector", "lock"]).await?;
    assert_eq!(told.code, Some(0), "{told:?}");
    server.restart().await?;
    let corpus = corpus(&whole, 20);
    assert!(corpus.len() >= 200, "{}", corpus.len());
    for (_, file) in dropped(&server, &corpus).await? {
        assert_eq!(file["state"], "refused", "{file:#}");
        reason(&file)?;
    }
    Ok(())
}

/// Where nobody asks whose a file is, the checks have to find what is wrong with it. What they cannot see, a page that
/// no code has reached yet, runs in a process of its own and harms nobody.
#[tokio::test]
async fn damaged_files_that_nobody_vouches_for_are_each_refused_for_what_is_wrong_with_them() -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let whole = stripped(scratch.path())?;
    let mut server = started(|config| {
        config["plugins"]["policy"] = json!("any");
        config["plugins"]["standby"] = json!(false);
    })
    .await?;
    fs::write(server.plugins().join("loopback.so"), &whole)?;
    server.restart().await?;
    let corpus = corpus(&whole, 20);
    let (mut stages, mut unseen) = (BTreeMap::<String, usize>::new(), 0);
    for (damage, file) in dropped(&server, &corpus).await? {
        if file["state"] != "refused" {
            assert_eq!((damage, &file["mode"]), (Damage::Page, &json!("worker")), "{file:#}");
            unseen += 1;
            continue;
        }
        let stage = file["stage"].as_str().context("a stage")?.to_owned();
        assert!(!["trust", "choice"].contains(&stage.as_str()), "not what is wrong with it: {file:#}");
        if damage == Damage::Cut {
            assert_eq!(stage, "structure", "{file:#}");
        }
        reason(&file)?;
        *stages.entry(stage).or_default() += 1;
    }
    println!("refused by stage: {stages:?}; not to be seen: {unseen}");
    for stage in ["structure", "manifest", "probe"] {
        assert!(stages.contains_key(stage), "{stages:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_file_is_signed_by_its_maker_and_trusted_by_its_key() -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let whole = stripped(scratch.path())?;
    let mut server = started(|config| {
        config["plugins"]["policy"] = json!("signed");
        config["plugins"]["keys"] = json!(["acme.pub"]);
    })
    .await?;
    let told = server.cli(&["connector", "keygen", "acme"]).await?;
    assert_eq!(told.code, Some(0), "{told:?}");
    fs::write(server.plugins().join("loopback.so"), &whole)?;
    server.restart().await?;
    let refused = |files: &[Value]| files.iter().any(|file| file["state"] == "refused");
    let files = until(&server, "its refusal", refused).await?;
    assert!(
        files[0]["reason"].as_str().is_some_and(|reason| reason.contains("nobody signed it")),
        "{files:#?}"
    );
    let told = server.cli(&["connector", "sign", "plugins/loopback.so", "--key", "acme.key"]).await?;
    assert_eq!(told.code, Some(0), "{told:?}");
    let files = until(&server, "its serving", |files| serving(files).is_some()).await?;
    assert!(files.iter().any(|file| file["trust"] == "signed"), "{files:#?}");
    let told = server.cli(&["connector", "verify", "plugins/loopback.so"]).await?;
    assert!(told.code == Some(0) && told.out.contains("signed"), "{told:?}");
    hands_over(&server).await?;
    let told = server.cli(&["connector", "keygen", "acme"]).await?;
    assert!(told.code == Some(1) && told.err.contains("never overwritten"), "{told:?}");
    let told = server.cli(&["connector", "rollback", "loopback"]).await?;
    assert!(told.code == Some(1) && told.err.contains("nothing to go back to"), "{told:?}");
    Ok(())
}
