//! A connector's file goes away and comes back; the program stays the same.

use std::fs;

use anyhow::{Context, Result};
use handoff_tests::{
    assistants::{ACCEPTED, BACK, DELAYED, WISH, answer_to},
    bitrix24::Bitrix24,
    server::Server,
    setup::Setup,
    visitor::Visitor,
    zendesk::Zendesk,
};
use serde_json::json;

use super::hands_over;

const FACTOR: u32 = 20;

async fn stage() -> Result<(Zendesk, Bitrix24, Server)> {
    let zendesk = Zendesk::start(&["--clock-factor", "20"]).await?;
    let bitrix24 = Bitrix24::start(&["--clock-factor", "20", "--rate-limit", "false"]).await?;
    let setup = Setup::new()?.with_zendesk(&zendesk).with_bitrix24(&bitrix24).with_clock_factor(FACTOR);
    let server = Server::start(setup).await?;
    zendesk.point_webhook(&server.base).await?;
    bitrix24.until_installed().await?;
    Ok((zendesk, bitrix24, server))
}

fn remove(server: &Server, id: &str) -> Result<()> {
    for entry in fs::read_dir(server.plugins())? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(id)) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

async fn line_hands_over(bitrix24: &Bitrix24, person: &str) -> Result<()> {
    let chat = bitrix24.says(person, "Hello").await?;
    bitrix24.until_chat(chat, "an answer", |chat| chat.count(&answer_to("Hello")) == 1).await?;
    bitrix24.says(person, WISH).await?;
    bitrix24.until_chat(chat, "the queue", |chat| chat.status == "queue").await.map(drop)
}

#[tokio::test]
async fn without_the_file_of_zendesk_bitrix24_still_serves_and_with_it_both_do() -> Result<()> {
    let (zendesk, bitrix24, mut server) = stage().await?;
    hands_over(&server).await?;
    line_hands_over(&bitrix24, "one").await?;
    server.stop().await?;

    remove(&server, "zendesk")?;
    server.restart().await?;
    line_hands_over(&bitrix24, "two").await?;
    let mut person = Visitor::open(&server).await?;
    person.says(WISH).await?;
    person.until_told(BACK).await?;
    let asked = zendesk.requests().await?.len();
    server.stop().await?;

    server.put_plugin("zendesk")?;
    server.restart().await?;
    hands_over(&server).await?;
    assert!(zendesk.requests().await?.len() > asked);
    line_hands_over(&bitrix24, "three").await
}

#[tokio::test]
async fn p7_a_transfer_whose_connector_went_away_goes_on_when_it_is_back() -> Result<()> {
    let (zendesk, _bitrix24, mut server) = stage().await?;
    let mut person = Visitor::open(&server).await?;
    zendesk.fault(json!({ "method": "POST", "path": "/messages", "kind": "hold_after" })).await?;
    person.says(WISH).await?;
    zendesk.until_held().await?;
    server.kill9().await?;
    zendesk.release().await?;
    remove(&server, "zendesk")?;
    server.restart().await?;
    person.until_told(DELAYED).await?;
    assert_eq!(person.says("Hello?").await?, "handoff");
    server.stop().await?;
    server.put_plugin("zendesk")?;
    server.restart().await?;
    person
        .until("an end", |thread| thread.iter().any(|line| line.text == ACCEPTED || line.text == BACK))
        .await?;
    let handoff = server.handoff_of(&person.conversation).await?;
    let key = handoff["id"].as_str().context("no id")?;
    assert!(zendesk.conversations_of(key).await?.len() <= 1);
    Ok(())
}

#[tokio::test]
async fn an_account_with_wrong_settings_or_secrets_is_named_and_the_others_serve() -> Result<()> {
    let (_zendesk, bitrix24, mut server) = stage().await?;
    server.stop().await?;
    let broken = [
        ("/connections/zendesk/settings", json!({ "base_url": "https://x.zendesk.com/sc" }), "app_id"),
        ("/connections/zendesk/secrets", json!({}), "key_secret"),
        ("/connections/zendesk/connector", json!("zendisk"), "zendisk"),
    ];
    for (n, (place, value, word)) in broken.into_iter().enumerate() {
        let mut before = json!(null);
        server.reconfigure(|config| {
            if let Some(member) = config.pointer_mut(place) {
                before = std::mem::replace(member, value);
            }
        })?;
        server.restart().await?;
        line_hands_over(&bitrix24, &format!("wrong-{n}")).await?;
        assert!(server.log().contains(word), "{word}: {}", server.log_tail());
        let told = server.cli(&["check"]).await?;
        assert_eq!(told.code, Some(1), "{told:?}");
        assert!(format!("{}{}", told.out, told.err).contains(word), "{word}: {told:?}");
        server.stop().await?;
        server.reconfigure(|config| {
            if let Some(member) = config.pointer_mut(place) {
                *member = before;
            }
        })?;
    }
    Ok(())
}
