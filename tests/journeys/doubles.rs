//! Webhooks that come twice, late, out of order, from a forger, or from another life.

use anyhow::{Context, Result};
use handoff_tests::{
    assistants::{ACCEPTED, CLOSED, HELLO, WISH, answer_to},
    server::Server,
    visitor::Visitor,
    web::{Answer, send},
    zendesk::{WEBHOOK_SECRET, Zendesk},
};
use serde_json::{Value, json};

use super::{on_bitrix24, on_zendesk, plain};

/// A person whose chat is with live agents, and the chat's id.
async fn handed_over(server: &Server) -> Result<(Visitor, String)> {
    let mut person = Visitor::open(server).await?;
    person.says(WISH).await?;
    person.until_told(ACCEPTED).await?;
    let handoff = server.until_state(&person.conversation, "carrying").await?;
    let chat = handoff["receipt"]["ticket"]["chat"].as_str().context("no chat")?.to_owned();
    Ok((person, chat))
}

async fn replays(zendesk: &Zendesk, n: &Value) -> Result<()> {
    zendesk.control(&format!("deliveries/{n}/redeliver"), json!({})).await?;
    zendesk.until_told().await
}

async fn forged(server: &Server, secret: Option<&str>, body: &Value) -> Result<Answer> {
    let mut request = server.web().request("POST", "/webhooks/zendesk").json(body);
    if let Some(secret) = secret {
        request = request.header("x-api-key", secret);
    }
    send(request).await
}

#[tokio::test]
async fn p3_a_delivery_made_twice_is_shown_once() -> Result<()> {
    let (zendesk, server) = on_zendesk(plain).await?;
    let (mut person, chat) = handed_over(&server).await?;
    zendesk.control("deliveries/faults", json!({ "duplicate": 3 })).await?;
    for n in 0..3 {
        zendesk.replies(&chat, &format!("reply {n}")).await?;
    }
    zendesk.until_told().await?;
    person.until_shown("reply 2").await?;
    for delivery in zendesk.deliveries().await? {
        replays(&zendesk, &delivery["n"]).await?;
    }
    zendesk.replies(&chat, "the end").await?;
    person.until_shown("the end").await?;
    let said: Vec<_> = person.thread.iter().filter(|line| line.author == "live_agent").collect();
    let texts: Vec<_> = said.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts, ["reply 0", "reply 1", "reply 2", "the end"]);
    Ok(())
}

#[tokio::test]
async fn p3_replayed_events_of_a_closed_chat_change_nothing() -> Result<()> {
    let (zendesk, server) = on_zendesk(plain).await?;
    let (mut person, chat) = handed_over(&server).await?;
    zendesk.replies(&chat, "once").await?;
    person.until_shown("once").await?;
    zendesk.closes(&chat).await?;
    person.until_told(CLOSED).await?;
    person.says("Hello again").await?;
    person.until_told(&answer_to("Hello again")).await?;
    for delivery in zendesk.deliveries().await? {
        replays(&zendesk, &delivery["n"]).await?;
    }
    // An answer proves that whatever the replays made is shown.
    assert_eq!(person.says("Still you?").await?, "session");
    person.until_told(&answer_to("Still you?")).await?;
    let times = [("once", 1), (CLOSED, 1), (ACCEPTED, 1), (HELLO, 2)];
    for (text, expected) in times {
        assert_eq!(person.times(text), expected, "{text}: {:#?}", person.thread);
    }
    assert_eq!(server.handoff_of(&person.conversation).await?["receipt"]["carried_in"], 1);
    Ok(())
}

#[tokio::test]
async fn what_arrives_late_or_out_of_order_is_still_shown_once() -> Result<()> {
    let (zendesk, server) = on_zendesk(plain).await?;
    let (mut person, chat) = handed_over(&server).await?;
    zendesk.control("deliveries/hold", json!({})).await?;
    zendesk.replies(&chat, "one").await?;
    zendesk.closes(&chat).await?;
    zendesk.control("deliveries/faults", json!({ "reorder": true })).await?;
    zendesk.control("deliveries/release", json!({})).await?;
    zendesk.until_told().await?;
    person.until_told(CLOSED).await?;
    person.until_shown("one").await?;
    assert_eq!((person.times("one"), person.times(CLOSED)), (1, 1), "{:#?}", person.thread);
    Ok(())
}

#[tokio::test]
async fn a_delivery_to_a_server_that_is_down_is_shown_when_it_is_back() -> Result<()> {
    let (zendesk, mut server) = on_zendesk(plain).await?;
    let (mut person, chat) = handed_over(&server).await?;
    server.kill9().await?;
    zendesk.replies(&chat, "while you were away").await?;
    let failed = |seen: &Value| seen["revision"].as_u64() > Some(0);
    zendesk.until("tried", failed).await?;
    server.restart().await?;
    person.until_shown("while you were away").await?;
    assert_eq!(person.times("while you were away"), 1);
    Ok(())
}

#[tokio::test]
async fn a_forged_or_broken_webhook_is_refused_and_changes_nothing() -> Result<()> {
    let (zendesk, server) = on_zendesk(plain).await?;
    let (mut person, chat) = handed_over(&server).await?;
    zendesk.replies(&chat, "true words").await?;
    person.until_shown("true words").await?;
    let delivered = zendesk.deliveries().await?;
    let words = delivered.iter().rev().find(|one| one["body"].to_string().contains("true words"));
    let genuine = words.context("a delivery")?["body"].clone();
    let mut forgery: Value = serde_json::from_str(&genuine.to_string().replace("true words", "false words"))?;
    forgery["events"][0]["id"] = json!("another-id");
    for (secret, status) in
        [(None, 403), (Some("wrong"), 403), (Some(""), 403), (Some(&*format!("{WEBHOOK_SECRET}x")), 403)]
    {
        let answer = forged(&server, secret, &forgery).await?;
        assert_eq!(answer.status, status, "{secret:?}: {}", answer.text());
        assert!(!answer.text().contains(WEBHOOK_SECRET));
    }
    let broken = |body: Vec<u8>| {
        let request = server.web().request("POST", "/webhooks/zendesk").header("x-api-key", WEBHOOK_SECRET);
        send(request.header("content-type", "application/json").body(body))
    };
    assert_eq!(broken(b"{\"events\": [".to_vec()).await?.status, 400);
    assert_eq!(broken(b"[]".to_vec()).await?.status, 400);
    assert_eq!(broken(vec![0xff, 0xfe]).await?.status, 400);
    assert_eq!(broken(vec![b' '; 3 << 20]).await?.status, 413);
    let unknown = send(server.web().request("POST", "/webhooks/nobody").body("{}")).await?;
    assert_eq!((unknown.status, unknown.media_type.as_str()), (404, "application/problem+json"));
    zendesk.replies(&chat, "the end").await?;
    person.until_shown("the end").await?;
    assert_eq!(person.times("false words"), 0);
    Ok(())
}

#[tokio::test]
async fn forged_broken_and_replayed_events_of_a_portal_change_nothing() -> Result<()> {
    let (bitrix24, server) =
        on_bitrix24(&["--rate-limit", "false", "--join-order", "join-first"], plain).await?;
    let chat = bitrix24.says("anna", "Hello").await?;
    bitrix24.until_chat(chat, "an answer", |chat| chat.count(&answer_to("Hello")) == 1).await?;
    bitrix24.control("settings", json!({ "forge_events": true })).await?;
    bitrix24.says("anna", "forged").await?;
    bitrix24.until_told().await?;
    let refused = bitrix24.deliveries().await?.pop().context("a delivery")?;
    assert_eq!(refused["attempts"][0]["status"], 403, "{refused:#}");
    bitrix24.control("settings", json!({ "forge_events": false })).await?;
    let genuine = bitrix24.deliveries().await?;
    for delivery in &genuine[..genuine.len() - 1] {
        bitrix24.control(&format!("deliveries/{}/redeliver", delivery["n"]), json!({})).await?;
    }
    bitrix24.until_told().await?;
    let target = refused["target"].as_str().context("a target")?.to_owned();
    let path = target.strip_prefix(&server.base).context("our address")?;
    let form = "application/x-www-form-urlencoded";
    for (body, status) in
        [("event=%ZZ&&&=", 400..=403), ("", 400..=403), ("auth[application_token]=x", 403..=403)]
    {
        let request = server.web().request("POST", path).header("content-type", form).body(body);
        let answer = send(request).await?;
        assert!(status.contains(&answer.status), "{body:?}: {} {}", answer.status, answer.text());
    }
    bitrix24.says("anna", "honest").await?;
    let honest = answer_to("honest");
    let seen = bitrix24.until_chat(chat, "an answer", |chat| chat.count(&honest) == 1).await?;
    assert_eq!(seen.count(&answer_to("forged")), 0, "a forged event was answered");
    assert_eq!((seen.count(HELLO), seen.count(&answer_to("Hello"))), (1, 1), "a replay was answered");
    Ok(())
}
