//! The receipt of a handoff: what left, to whom, what was told, and a signature that notices one changed byte.

use std::{fs, os::unix::fs::PermissionsExt};

use anyhow::{Context, Result};
use handoff_tests::{
    assistants::{ACCEPTED, WISH, support, with_handoff},
    server::Server,
    visitor::Visitor,
    web::{Answer, send},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{on_zendesk, plain};

async fn fetch(server: &Server, path: &str) -> Result<Answer> {
    send(server.admin().request("GET", path)).await
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A message of the Inbox as it is told to leave: the form that the docs give for hashes.
fn as_it_left(message: &Value) -> String {
    let (speaker, name) = match message["author"].as_str() {
        Some("person") => ("person", "Customer"),
        _ => ("assistant", "Ada"),
    };
    let text = message["content"]["text"]
        .as_str()
        .unwrap_or_default()
        .replace("4111111111111111", "[card number removed]");
    let (seq, text, at) = (&message["seq"], json!(text), &message["at"]);
    format!(r#"{{"seq":{seq},"speaker":"{speaker}","name":"{name}","content":{{"text":{text}}},"at":{at}}}"#)
}

#[tokio::test]
async fn a_receipt_tells_what_left_and_its_signature_notices_one_changed_byte() -> Result<()> {
    let careful = with_handoff(support("zendesk"), |handoff| handoff["redact"] = json!(["card_numbers"]));
    let (zendesk, mut server) = on_zendesk(|setup| setup.with_assistant(careful)).await?;
    let mut person = Visitor::open(&server).await?;
    person.says("My card: 4111111111111111").await?;
    zendesk.fault(json!({ "method": "POST", "path": "/passControl", "kind": "hold" })).await?;
    person.says(WISH).await?;
    zendesk.until_held().await?;
    person.says("Typed meanwhile").await?;
    zendesk.release().await?;
    person.until_told(ACCEPTED).await?;
    person.says("Said afterwards, 4111111111111111").await?;
    let handoff = server.until_carried(&person.conversation, 2).await?;
    let id = handoff["id"].as_str().context("no id")?;

    let given = fetch(&server, &format!("/v1/handoffs/{id}/receipt")).await?;
    let signature = fetch(&server, &format!("/v1/handoffs/{id}/receipt.minisig")).await?;
    let receipt = given.json();
    assert_eq!((&receipt["handoff"], &receipt["state"]), (&json!(id), &json!("carrying")), "{receipt:#}");
    let to = &receipt["to"];
    assert_eq!(
        (&to["connection"], &to["platform"], &to["route"]),
        (&json!("zendesk"), &json!("Zendesk"), &json!("bridge"))
    );
    assert_eq!((&to["idempotency_key"], &to["ticket"]), (&json!(id), &handoff["receipt"]["ticket"]));
    let inbox = server.conversation(&person.conversation).await?["messages"].clone();
    let inbox = inbox.as_array().context("no messages")?;
    let (left, each) = (&receipt["left"], receipt["left"]["each"].as_array().context("no hashes")?);
    assert_eq!(left["messages"], each.len());
    assert_eq!(left["redacted"], json!({ "card numbers": 2 }));
    let transcript: Vec<String> = inbox[..each.len()].iter().map(as_it_left).collect();
    for (hashed, message) in each.iter().zip(&transcript) {
        assert_eq!(hashed["sha256"], sha256(message.as_bytes()), "{message}");
    }
    assert_eq!(left["sha256"], sha256(format!("[{}]", transcript.join(",")).as_bytes()));
    let since = &receipt["since"];
    assert_eq!((&since["typed_during_the_transfer"], &since["carried_to_platform"]), (&json!(1), &json!(2)));
    assert_eq!(since["each"][0]["sha256"], sha256(br#"{"text":"Typed meanwhile"}"#), "{since:#}");
    assert_eq!(
        (since["each"].as_array().map(Vec::len), &since["redacted"]),
        (Some(1), &json!({ "card numbers": 1 }))
    );
    let told: Vec<_> = receipt["told"].as_array().into_iter().flatten().map(|one| &one["what"]).collect();
    assert_eq!(told, ["asked", "accepted"]);
    let times = [&receipt["fired_at"], &receipt["told"][0]["at"], &left["at"], &receipt["told"][1]["at"]];
    assert!(times.iter().all(|at| at.is_i64()) && times.is_sorted_by_key(|at| at.as_i64()), "{receipt:#}");
    for words in ["meanwhile\"", "afterwards", "4111", "My card"] {
        assert!(!given.text().contains(words), "{words}: {receipt:#}");
    }

    // Whoever has the files and the key needs no server.
    let key = server.web().get("/v1/receipt-key").await?["public_key"].clone();
    let key = key.as_str().context("no key")?.to_owned();
    server.stop().await?;
    let file = server.write("receipt.json", &given.body)?.display().to_string();
    server.write("receipt.json.minisig", &signature.body)?;
    server.write("key.pub", key.as_bytes())?;
    for key in [key.as_str(), "key.pub"] {
        let told = server.cli(&["handoff", "verify-receipt", &file, "--key", key]).await?;
        assert!(told.code == Some(0) && told.out.contains(id), "{told:?}");
    }
    for at in [0, given.body.len() / 2, given.body.len() - 1] {
        let mut changed = given.body.to_vec();
        changed[at] ^= 1;
        server.write("receipt.json", &changed)?;
        let told = server.cli(&["handoff", "verify-receipt", &file, "--key", &key]).await?;
        assert!(told.code != Some(0) && told.err.contains("is not what the owner"), "byte {at}: {told:?}");
    }
    Ok(())
}

#[tokio::test]
async fn the_key_of_receipts_is_kept_hidden_and_survives_a_restart() -> Result<()> {
    let (_zendesk, mut server) = on_zendesk(plain).await?;
    let mut person = Visitor::open(&server).await?;
    person.says(WISH).await?;
    person.until_told(ACCEPTED).await?;
    let handoff = server.handoff_of(&person.conversation).await?;
    let id = handoff["id"].as_str().context("no id")?;
    let before = server.web().get("/v1/receipt-key").await?;
    server.kill9().await?;
    let hidden = fs::metadata(server.dir().join("data/receipts.key"))?;
    assert_eq!(hidden.permissions().mode() & 0o777, 0o600);
    // The command reads what is kept, with or without a server.
    let file = server.dir().join("mine.json").display().to_string();
    let told = server.cli(&["handoff", "receipt", id, "--out", &file]).await?;
    assert_eq!(told.code, Some(0), "{told:?}");
    let printed = server.cli(&["handoff", "receipt", id]).await?;
    assert_eq!(printed.out, fs::read_to_string(&file)?);
    let key = server.cli(&["handoff", "receipt-key"]).await?.out.trim().to_owned();
    assert_eq!(before["public_key"], key.as_str());
    let told = server.cli(&["handoff", "verify-receipt", &file, "--key", &key]).await?;
    assert_eq!(told.code, Some(0), "{told:?}");
    server.restart().await?;
    assert_eq!(server.web().get("/v1/receipt-key").await?, before);
    // Another server's receipts are another's.
    let (_other, stranger) = on_zendesk(plain).await?;
    let theirs = stranger.web().get("/v1/receipt-key").await?["public_key"].clone();
    let told = server
        .cli(&["handoff", "verify-receipt", &file, "--key", theirs.as_str().unwrap_or_default()])
        .await?;
    assert!(told.code != Some(0), "{told:?}");
    let nobody = send(server.web().request("GET", &format!("/v1/handoffs/{id}/receipt"))).await?;
    assert_eq!(nobody.status, 401);
    Ok(())
}
