//! One file after another for the same connector: upgrades, failures, ways back, and files that are not opened.

use std::{fs, os::unix::fs::PermissionsExt};

use handoff_model::connector::Manifest;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::{
    plugins::{
        keeper::Keeper,
        load::Image,
        tests::{fake, files::loopback},
    },
    world::{CallError, Connectors},
};

fn version(version: &str) -> Image {
    let image = fake::image(&[]);
    let manifest = Manifest { version: version.to_owned(), ..(*image.manifest).clone() };
    image.relinked(manifest)
}

struct Play {
    place: TempDir,
    keeper: Keeper,
    registry: Registry,
}

impl Play {
    fn new(outside: &Outside, settings: Value) -> Self {
        let place = tempfile::tempdir().unwrap();
        let options = options(place.path());
        let mut keeper = Keeper::new(&options, vec![connection("f0", "fake", settings)], outside.world());
        keeper.publish_linked(vec![version("1.0.0")]);
        let registry = Registry::of(&keeper, &options, outside.world());
        fs::create_dir(place.path().join("plugins")).unwrap();
        Self { place, keeper, registry }
    }

    async fn asks(&self, verb: &'static str, request: Value) -> Result<Value, CallError> {
        self.registry.call(&ConnectionId::new("f0"), call(verb, request)).await
    }

    fn serves(&self) -> (String, u64) {
        let status = self.registry.status().remove(0);
        (status.version, status.generation)
    }

    fn quarantine(&self) -> Quarantine {
        Quarantine::of(&self.place.path().join("vault"))
    }
}

#[tokio::test]
async fn calls_under_way_end_where_they_began_and_new_ones_go_to_the_new_generation() {
    let outside = Outside::new();
    let mut stage = Play::new(&outside, json!({}));
    let registry = Arc::new(Registry::of(&stage.keeper, &options(stage.place.path()), outside.world()));
    let waiting = {
        let registry = registry.clone();
        tokio::spawn(async move { registry.call(&ConnectionId::new("f0"), call("never", json!({}))).await })
    };
    outside.memory.until_kept("f0/begun").await;
    stage.keeper.publish_linked(vec![version("1.1.0")]);
    assert_eq!(stage.serves(), ("1.1.0".to_owned(), 2));
    assert_eq!(stage.asks("echo", json!(1)).await, Ok(json!(1)));
    assert!(!waiting.is_finished(), "the old generation still has its call");
    outside.advance(Duration::from_secs(61));
    assert!(matches!(waiting.await.unwrap(), Err(CallError::Lost(_))), "by its own deadline");
    assert_eq!(stage.registry.status().len(), 1);
}

#[tokio::test]
async fn a_new_generation_that_panics_fails_its_probation_and_an_old_one_is_left_in_peace() {
    let mut stage = Play::new(&Outside::new(), json!({}));
    assert!(stage.asks("panic", json!("first of all")).await.is_err());
    assert!(stage.keeper.failed().is_empty(), "there is nothing to go back to");
    stage.keeper.publish_linked(vec![version("1.1.0")]);
    for _ in 0..30 {
        stage.asks("echo", json!(1)).await.unwrap();
    }
    assert!(stage.keeper.failed().is_empty());
    assert!(stage.asks("panic", json!("boom")).await.is_err());
    assert!(stage.keeper.failed().is_empty(), "one of thirty is better than one of one");
    stage.keeper.publish_linked(vec![version("1.2.0")]);
    assert!(stage.asks("panic", json!("boom")).await.is_err());
    let (id, sha256, reason) = stage.keeper.failed().remove(0);
    assert!(reason.contains("1 of its 1 calls"), "{reason}");
    stage.keeper.set_back(&id, &sha256, &reason);
    let record = stage.quarantine().list().remove(0);
    assert_eq!((record.version.as_str(), record.stage), ("1.2.0", Stage::Probation));
}

#[tokio::test]
async fn a_new_generation_whose_calls_fail_much_more_often_fails_its_probation() {
    let mut stage = Play::new(&Outside::new(), json!({}));
    for _ in 0..30 {
        stage.asks("echo", json!(1)).await.unwrap();
    }
    stage.keeper.publish_linked(vec![version("1.1.0")]);
    let refused = json!({ "code": 422, "body": ConnectorError::Refused { detail: "no".into() } });
    for n in 0..20 {
        assert!(stage.keeper.failed().is_empty(), "{n} calls say nothing yet");
        stage.asks("fail", refused.clone()).await.unwrap_err();
    }
    let reason = stage.keeper.failed().remove(0).2;
    assert!(reason.contains("100 % of its 20 calls failed"), "{reason}");
}

#[tokio::test]
async fn a_new_generation_that_cannot_serve_what_the_old_one_serves_never_begins() {
    let mut stage = Play::new(&Outside::new(), json!({ "base_url": "https://example.com" }));
    let image = version("1.1.0");
    let settings = json!({ "type": "object", "required": ["region"] });
    let manifest = Manifest { settings, ..(*image.manifest).clone() };
    stage.keeper.publish_linked(vec![image.relinked(manifest)]);
    assert_eq!(stage.serves(), ("1.0.0".to_owned(), 1));
    assert_eq!(stage.asks("echo", json!(1)).await, Ok(json!(1)));
    let record = stage.quarantine().list().remove(0);
    assert!(record.reason.contains("connection f0") && record.reason.contains("region"), "{record:?}");
}

#[test]
fn a_file_that_ends_the_process_that_tries_it_is_never_opened_here() {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("plugins")).unwrap();
    fs::write(place.path().join("plugins/a.so"), loopback()).unwrap();
    let script = |text: &str| {
        let path = place.path().join("try");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        Options { program: Some(path), ..options(place.path()) }
    };
    for (text, words) in
        [("kill -SEGV $$", "signal 11"), ("exit 3", "exit status: 3"), ("echo hello", "exit status: 0")]
    {
        let registry = Registry::open(&script(text), Vec::new(), Outside::new().world());
        let line = registry.report().remove(0);
        assert!(line.to_string().contains("refused at probe") && line.to_string().contains(words), "{line}");
        assert!(registry.status().is_empty());
    }
    // Once it was found good it is not tried again, however the trial goes.
    for text in ["printf '\"good\"'", "exit 3"] {
        let registry = Registry::open(&script(text), Vec::new(), Outside::new().world());
        assert_eq!(registry.report().remove(0).state, FileState::Loaded);
    }
}

#[test]
fn what_ended_the_server_while_it_was_opened_is_not_opened_again_until_it_is_released() {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("plugins")).unwrap();
    fs::write(place.path().join("plugins/a.so"), loopback()).unwrap();
    let open = || Registry::open(&options(place.path()), Vec::new(), Outside::new().world());
    let line = open().report().remove(0);
    let sha256 = line.sha256.clone().unwrap();
    // What a server leaves that dies while it opens the file: no process has this number.
    let record = Record {
        sha256: sha256.clone(),
        id: ConnectorId::new("loopback"),
        version: "0.1.0".to_owned(),
        file: "a.so".to_owned(),
        stage: Stage::Open,
        reason: "the server ended while it opened this file".to_owned(),
        remedy: "release it".to_owned(),
        at: Timestamp(0),
    };
    let opening = place.path().join("vault/opening");
    fs::create_dir_all(&opening).unwrap();
    fs::write(opening.join(format!("4194999.{sha256}")), serde_json::to_vec(&record).unwrap()).unwrap();
    let line = open().report().remove(0);
    assert!(line.to_string().contains("in quarantine") && line.to_string().contains("ended"), "{line}");
    let vault = place.path().join("vault");
    assert!(release(&vault, "zendesk").unwrap_err().contains("nothing of"));
    assert_eq!(release(&vault, "loopback").unwrap().len(), 1);
    assert_eq!(open().report().remove(0).state, FileState::Loaded);
}

#[test]
fn only_files_that_the_operator_trusts_are_opened() {
    use minisign::KeyPair;
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("plugins");
    fs::create_dir(&folder).unwrap();
    let bytes = loopback();
    fs::write(folder.join("a.so"), &bytes).unwrap();
    let (ours, theirs) =
        (KeyPair::generate_unencrypted_keypair().unwrap(), KeyPair::generate_unencrypted_keypair().unwrap());
    let sign = |pair: &KeyPair, bytes: &[u8]| {
        let signed = minisign::sign(Some(&pair.pk), &pair.sk, bytes, Some("x"), None).unwrap();
        fs::write(folder.join("a.so.minisig"), signed.into_string()).unwrap();
    };
    let lock = place.path().join("connectors.lock");
    let verdict = |policy: Policy, allowed: &[&str]| {
        let trust = Trust {
            policy,
            keys: vec![ours.pk.to_base64()],
            allowed: allowed.iter().map(|id| ConnectorId::new(*id)).collect(),
            lock: Some(lock.clone()),
            ..Trust::default()
        };
        let registry =
            Registry::open(&Options { trust, ..options(place.path()) }, Vec::new(), Outside::new().world());
        let line = registry.report().into_iter().find(|line| line.file == "a.so").unwrap();
        match line.state {
            FileState::Loaded => line.trust.unwrap().name().to_owned(),
            _ => line.to_string(),
        }
    };
    let refused = |policy, allowed: &[&str]| {
        let told = verdict(policy, allowed);
        assert!(told.contains("refused at trust"), "{told}");
        told
    };
    assert_eq!(verdict(Policy::Any, &[]), "unsigned");
    assert_eq!(verdict(Policy::AllowListed, &["loopback"]), "allow-listed");
    refused(Policy::AllowListed, &["zendesk"]);
    assert!(refused(Policy::Signed, &[]).contains("plugins.keys"));
    sign(&theirs, &bytes);
    refused(Policy::Signed, &[]);
    sign(&ours, &bytes[1..]);
    for policy in [Policy::Signed, Policy::Any] {
        assert!(refused(policy, &["loopback"]).contains("not for these bytes"));
    }
    sign(&ours, &bytes);
    assert_eq!(verdict(Policy::Signed, &[]), "signed");
    refused(Policy::Locked, &[]);
    let sha256 = inspect(&folder.join("a.so")).unwrap().sha256;
    let line =
        |sha256: &str| format!("[[plugin]]\nid = \"loopback\"\nversion = \"0.1.0\"\nsha256 = \"{sha256}\"\n");
    fs::write(&lock, line(&sha256)).unwrap();
    assert_eq!(verdict(Policy::Locked, &[]), "locked");
    fs::write(&lock, line("00")).unwrap();
    for policy in [Policy::Locked, Policy::Signed, Policy::Any] {
        assert!(refused(policy, &[]).contains("another SHA-256"), "a lock counts under every policy");
    }
    fs::write(&lock, "[[plugins]]").unwrap();
    assert!(refused(Policy::Any, &[]).contains("cannot be read"));
}
