//! A chat of ours leaves for an open channel of Bitrix24, through the connector of the local application.

use anyhow::Result;
use handoff_tests::{
    assistants::{CLOSED, HELLO, QUEUED, WISH, answer_to, support},
    bitrix24::Bitrix24,
    server::Server,
    setup::Setup,
    visitor::Visitor,
};
use serde_json::{Value, json};

use super::{FACTOR, FASTER};

/// A server whose webchat leaves for line 30 of a portal on which the application is installed.
pub(super) async fn on_line_30(flags: &[&str]) -> Result<(Bitrix24, Server)> {
    on_line_30_as(flags, support("bitrix24")).await
}

/// The same with an assistant of the test's own.
pub(super) async fn on_line_30_as(flags: &[&str], assistant: Value) -> Result<(Bitrix24, Server)> {
    let flags: Vec<&str> = FASTER.iter().chain(flags).copied().collect();
    let bitrix24 = Bitrix24::start(&flags).await?;
    bitrix24.control("line", json!({ "id": 30, "fields": { "LINE_NAME": "Sales" }, "queue": [27] })).await?;
    let mut setup = Setup::new()?.with_assistant(assistant).with_clock_factor(FACTOR);
    setup.config["connections"]["bitrix24"] = bitrix24.application();
    let server = Server::start(setup).await?;
    let handler = format!("{}/webhooks/bitrix24", server.base);
    bitrix24.control("app/install", json!({ "handler": handler })).await?;
    let on = |seen: &Value| !seen["connectors"]["handoff"]["lines"]["30"].is_null();
    bitrix24.until("a connector on line 30", on).await?;
    Ok((bitrix24, server))
}

#[tokio::test]
async fn p1_p2_p3_p4_a_chat_of_ours_is_carried_both_ways_until_the_operator_finishes_it() -> Result<()> {
    let (bitrix24, server) = on_line_30(&["--rate-limit", "false"]).await?;
    let mut person = Visitor::open(&server).await?;
    person.says("Hello").await?;
    person.until_told(&answer_to("Hello")).await?;
    bitrix24.fault(json!({ "path": "send.messages", "kind": "hold" })).await?;
    person.says(WISH).await?;
    bitrix24.until_held().await?;
    assert_eq!(person.says("Anybody?").await?, "handoff");
    person.look(0).await?;
    assert_eq!(person.times(QUEUED), 0, "nothing is told before the portal has it");
    bitrix24.release().await?;
    person.until_told(QUEUED).await?;
    assert_eq!(person.says("Thanks").await?, "platform");
    let chats =
        bitrix24.until_chats("the words", |chats| chats.iter().any(|chat| chat.count("Thanks") == 1)).await?;
    assert_eq!(chats.len(), 1);
    let said: Vec<&str> = chats[0]
        .lines
        .iter()
        .filter(|line| line.author == "customer")
        .map(|line| line.text.as_str())
        .collect();
    assert!(said[1].contains("Hello") && said[1].contains(WISH) && said[1].contains(HELLO), "{said:#?}");
    assert_eq!(said[2..], ["Anybody?", "Thanks"]);

    let id: i64 = chats[0].id.parse()?;
    bitrix24.accepts(id).await?;
    bitrix24.replies(id, "[b]Good[/b] day").await?;
    person.until_shown("Good day").await?;
    bitrix24.until("an acknowledgement", |seen| seen.to_string().contains("\"delivered\":true")).await?;
    bitrix24.closes(id).await?;
    person.until_told(CLOSED).await?;
    assert_eq!(person.says("Again").await?, "session");
    person.until_told(&answer_to("Again")).await?;
    assert_eq!(person.times(HELLO), 2);
    Ok(())
}

#[tokio::test]
async fn scenario_11_twenty_chats_that_find_the_token_expired_renew_it_once() -> Result<()> {
    let (bitrix24, server) = on_line_30(&["--rate-limit", "false"]).await?;
    let mut people = Vec::new();
    for _ in 0..20 {
        people.push(Visitor::open(&server).await?);
    }
    bitrix24.control("tokens/expire", json!({})).await?;
    for person in &mut people {
        person.says(WISH).await?;
    }
    for person in &mut people {
        person.until_told(QUEUED).await?;
    }
    let seen = bitrix24.look("inspect").await?;
    assert_eq!(seen["tokens"], json!({ "refreshes": 1, "refusals": 0 }));
    assert_eq!(bitrix24.chats().await?.len(), 20);
    Ok(())
}

#[tokio::test]
async fn p7_a_killed_server_finds_in_the_open_channel_what_it_had_sent() -> Result<()> {
    let (bitrix24, mut server) = on_line_30(&["--rate-limit", "false"]).await?;
    let mut person = Visitor::open(&server).await?;
    bitrix24.fault(json!({ "path": "send.messages", "kind": "hold_after", "skip": 1 })).await?;
    person.says(WISH).await?;
    bitrix24.until_held().await?;
    server.kill9().await?;
    bitrix24.release().await?;
    server.restart().await?;
    person.until_told(QUEUED).await?;
    let chats = bitrix24.chats().await?;
    assert_eq!((chats.len(), chats[0].lines.iter().filter(|line| line.text.contains(WISH)).count()), (1, 1));
    Ok(())
}

/// The next events that the portal sends are lost.
async fn loses(bitrix24: &Bitrix24, events: u32) -> Result<()> {
    bitrix24.control("deliveries/faults", json!({ "drop": events })).await.map(drop)
}

/// A person whose chat an operator of line 30 has.
pub(super) async fn with_an_operator(bitrix24: &Bitrix24, server: &Server) -> Result<(Visitor, i64)> {
    let mut person = Visitor::open(server).await?;
    person.says(WISH).await?;
    person.until_told(QUEUED).await?;
    let chats = bitrix24.until_chats("a chat", |chats| chats.len() == 1).await?;
    let id: i64 = chats[0].id.parse()?;
    bitrix24.accepts(id).await?;
    bitrix24.replies(id, "Good day").await?;
    person.until_shown("Good day").await?;
    Ok((person, id))
}

#[tokio::test]
async fn p2_p3_p5_what_the_portal_told_of_once_and_we_did_not_hear_is_shown_in_order_and_once() -> Result<()>
{
    let flags = ["--rate-limit", "false", "--closed-session-named", "false"];
    let (bitrix24, mut server) = on_line_30(&flags).await?;
    let (mut person, id) = with_an_operator(&bitrix24, &server).await?;

    loses(&bitrix24, 2).await?;
    bitrix24.replies(id, "What is [b]wrong[/b]?").await?;
    bitrix24.replies(id, "Which order?").await?;
    person.until_shown("Which order?").await?;

    // Nobody heard this because there was nobody.
    server.kill9().await?;
    bitrix24.control("operator/silent", json!({ "chat_id": id, "on": true })).await?;
    bitrix24.replies(id, "A difficult one.").await?;
    bitrix24.control("operator/silent", json!({ "chat_id": id, "on": false })).await?;
    bitrix24.replies(id, "It is on its way.").await?;
    server.restart().await?;
    person.until_shown("It is on its way.").await?;

    loses(&bitrix24, 2).await?;
    bitrix24.replies(id, "Good bye").await?;
    bitrix24.closes(id).await?;
    person.until_told(CLOSED).await?;
    person.look(0).await?;
    let told = ["Good day", "What is wrong?", "Which order?", "It is on its way.", "Good bye"];
    let by_team = person.thread.iter().filter(|line| line.author == "live_agent");
    assert_eq!(by_team.map(|line| line.text.as_str()).collect::<Vec<_>>(), told);
    assert_eq!(person.says("Again").await?, "session");
    for words in told {
        assert_eq!(server.files_with(words)?, Vec::<std::path::PathBuf>::new(), "{words}");
    }
    Ok(())
}
