//! The acceptance scenarios of an open channel's bot, by their numbers; 9 to 11 are in `open_channel` and
//! `open_channel_traps`. Which trap is tested where stands in `docs/reference/bitrix24-traps.md`.

use anyhow::Result;
use handoff_tests::{
    assistants::{self, HELLO, WISH, answer_to, with_handoff},
    bitrix24::Bitrix24,
    chat::Chat,
    server::Server,
};
use serde_json::{Value, json};

use super::{on_bitrix24, plain};

pub(super) const QUIET: &[&str] = &["--rate-limit", "false"];

/// A portal whose bot passes chats on with these choices of the author's.
pub(super) async fn passing_on(flags: &[&str], options: Value) -> Result<(Bitrix24, Server)> {
    let line = with_handoff(assistants::line(), |handoff| handoff["options"] = options);
    super::on_bitrix24_with(flags, &[super::sales()], |setup| setup.with_assistant(line)).await
}

/// What the bot said so far.
pub(super) fn spoken(chat: &Chat) -> usize {
    chat.lines.iter().filter(|line| line.author == "assistant").count()
}

/// Anna asks for a human, and her chat waits for one.
pub(super) async fn in_queue(bitrix24: &Bitrix24) -> Result<i64> {
    let chat = bitrix24.says("anna", WISH).await?;
    bitrix24.until_chat(chat, "the queue", |chat| chat.status == "queue").await?;
    Ok(chat)
}

pub(super) async fn accepted(server: &Server) -> Result<Value> {
    let conversation = server.conversations().await?[0]["id"].as_str().unwrap_or_default().to_owned();
    server.until_state(&conversation, "accepted").await
}

#[tokio::test]
async fn scenarios_1_and_2_the_bot_is_silent_once_operators_have_the_chat() -> Result<()> {
    for left in ["queue", "close"] {
        let (bitrix24, server) = on_bitrix24(&[QUIET, &["--welcome-bot-left", left]].concat(), plain).await?;
        let chat = in_queue(&bitrix24).await?;
        accepted(&server).await?;
        let before = spoken(&bitrix24.chat(chat).await?);
        bitrix24.says("anna", "Hello?").await?;
        bitrix24.accepts(chat).await?;
        bitrix24.replies(chat, "Good day").await?;
        bitrix24.says("anna", WISH).await?;
        bitrix24.until_told().await?;
        let seen = bitrix24.chat(chat).await?;
        assert_eq!((spoken(&seen), seen.status.as_str()), (before, "live_agent"), "{left}");
        assert_eq!(seen.raw["handoff_calls"], 1, "{left}");
    }
    Ok(())
}

#[tokio::test]
async fn a_bot_of_the_older_methods_talks_passes_on_and_leaves_who_comes_back_to_the_operators() -> Result<()>
{
    for order in ["join-first", "message-first"] {
        let flags = [QUIET, &["--join-order", order]].concat();
        let options = json!({ "when_person_comes_back": "operators" });
        let line = with_handoff(assistants::line(), |handoff| handoff["options"] = options);
        let (bitrix24, server) = on_bitrix24(&flags, |setup| {
            let mut setup = setup.with_assistant(line);
            setup.config["connections"]["bitrix24"]["settings"]["bot_api"] = json!("v1");
            setup
        })
        .await?;
        let chat = bitrix24.says("anna", "Hello").await?;
        bitrix24.until_chat(chat, "an answer", |chat| chat.count(&answer_to("Hello")) == 1).await?;
        bitrix24.until_told().await?;
        assert_eq!(bitrix24.chat(chat).await?.count(HELLO), 1, "{order}");
        assert_eq!(in_queue(&bitrix24).await?, chat);
        accepted(&server).await?;
        let before = spoken(&bitrix24.chat(chat).await?);
        bitrix24.says("anna", "Hello?").await?;
        bitrix24.accepts(chat).await?;
        bitrix24.closes(chat).await?;
        bitrix24.says("anna", "Me again").await?;
        let again =
            |chat: &Chat| chat.status == "queue" && chat.raw["sessions"].as_array().map(Vec::len) == Some(2);
        bitrix24.until_chat(chat, "the queue again", again).await?;
        bitrix24.says("anna", WISH).await?;
        bitrix24.until_told().await?;
        let seen = bitrix24.chat(chat).await?;
        assert_eq!((spoken(&seen), &seen.raw["handoff_calls"]), (before, &json!(2)), "{order}");
    }
    Ok(())
}

#[tokio::test]
async fn scenario_3_a_person_who_is_away_is_offered_the_chat_and_then_the_queue() -> Result<()> {
    let (bitrix24, server) = passing_on(QUIET, json!({ "user": 27 })).await?;
    bitrix24.control("operator/set", json!({ "operator": 27, "online": false })).await?;
    let chat = in_queue(&bitrix24).await?;
    accepted(&server).await?;
    let offered = |chat: &Chat, to: i64| chat.raw["fields"]["offered_to"] == json!([to]);
    bitrix24.until_chat(chat, "the queue's turn", |chat| offered(chat, 103)).await?;
    assert_eq!(bitrix24.chat(chat).await?.raw["handoff_calls"], 1);
    Ok(())
}

#[tokio::test]
async fn scenario_4_another_line_gets_the_chat() -> Result<()> {
    let (bitrix24, server) = passing_on(QUIET, json!({ "line": 30 })).await?;
    let chat = in_queue(&bitrix24).await?;
    accepted(&server).await?;
    let seen = bitrix24.chat(chat).await?;
    assert_eq!((&seen.raw["fields"]["line"], &seen.raw["fields"]["bots"]), (&json!(30), &json!([])));
    Ok(())
}

#[tokio::test]
async fn scenario_5_a_chat_that_an_operator_took_meanwhile_counts_as_passed_on() -> Result<()> {
    let (bitrix24, server) = on_bitrix24(QUIET, plain).await?;
    bitrix24.fault(json!({ "path": "bot.session.operator", "kind": "hold" })).await?;
    let chat = bitrix24.says("anna", WISH).await?;
    bitrix24.until_held().await?;
    bitrix24.control("operator/intercept", json!({ "chat_id": chat, "operator": 27 })).await?;
    bitrix24.release().await?;
    accepted(&server).await?;
    assert_eq!(bitrix24.chat(chat).await?.raw["handoff_calls"], 0, "the portal answered WRONG_CHAT");
    Ok(())
}

#[tokio::test]
async fn scenario_6_an_error_after_the_effect_leaves_one_line_of_the_system() -> Result<()> {
    let (bitrix24, server) = on_bitrix24(QUIET, plain).await?;
    bitrix24.control("method/fail_after", json!({ "method": "imopenlines.bot.session.operator" })).await?;
    let chat = in_queue(&bitrix24).await?;
    accepted(&server).await?;
    let seen = bitrix24.chat(chat).await?;
    assert_eq!((&seen.raw["handoff_calls"], &seen.raw["system_messages"]), (&json!(1), &json!(1)));
    Ok(())
}

#[tokio::test]
async fn scenario_7_who_comes_back_goes_to_the_operators_at_once_and_once() -> Result<()> {
    for order in ["join-first", "message-first"] {
        let flags = [QUIET, &["--join-order", order]].concat();
        let (bitrix24, server) = passing_on(&flags, json!({ "when_person_comes_back": "operators" })).await?;
        let chat = in_queue(&bitrix24).await?;
        accepted(&server).await?;
        let before = spoken(&bitrix24.chat(chat).await?);
        bitrix24.accepts(chat).await?;
        bitrix24.closes(chat).await?;
        bitrix24.says("anna", "Me again").await?;
        let again =
            |chat: &Chat| chat.status == "queue" && chat.raw["sessions"].as_array().map(Vec::len) == Some(2);
        bitrix24.until_chat(chat, "the queue again", again).await?;
        bitrix24.says("anna", "Hello?").await?;
        bitrix24.until_told().await?;
        let seen = bitrix24.chat(chat).await?;
        assert_eq!((spoken(&seen), &seen.raw["handoff_calls"]), (before, &json!(2)), "{order}");
        assert_eq!(server.handoffs().await?.len(), 1, "{order}");
    }
    Ok(())
}

#[tokio::test]
async fn scenario_8_a_session_begins_alike_whichever_event_comes_first() -> Result<()> {
    for order in ["join-first", "message-first"] {
        let (bitrix24, _server) = on_bitrix24(&[QUIET, &["--join-order", order]].concat(), plain).await?;
        let chat = bitrix24.says("anna", "Hello").await?;
        bitrix24.until_chat(chat, "an answer", |chat| chat.count(&answer_to("Hello")) == 1).await?;
        bitrix24.until_told().await?;
        bitrix24.says("anna", "More").await?;
        let seen = bitrix24.until_chat(chat, "another", |chat| chat.count(&answer_to("More")) == 1).await?;
        assert_eq!((seen.count(HELLO), spoken(&seen)), (1, 3), "{order}: {:#?}", seen.lines);
    }
    Ok(())
}

#[tokio::test]
async fn scenario_12_an_event_with_a_wrong_token_is_answered_403_and_has_no_effect() -> Result<()> {
    let (bitrix24, server) = on_bitrix24(QUIET, plain).await?;
    bitrix24.control("settings", json!({ "forge_events": true })).await?;
    let chat = bitrix24.says("anna", "Hello").await?;
    bitrix24.until_told().await?;
    let deliveries = bitrix24.deliveries().await?;
    assert!(!deliveries.is_empty());
    for delivery in deliveries {
        assert!(delivery.to_string().contains("403"), "{delivery}");
    }
    assert_eq!(spoken(&bitrix24.chat(chat).await?), 0);
    assert!(server.conversations().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn scenario_13_an_event_that_comes_twice_is_answered_once() -> Result<()> {
    let (bitrix24, _server) = on_bitrix24(QUIET, plain).await?;
    bitrix24.control("deliveries/faults", json!({ "duplicate": 4 })).await?;
    let chat = bitrix24.says("anna", "Hello").await?;
    bitrix24.until_chat(chat, "an answer", |chat| chat.count(&answer_to("Hello")) == 1).await?;
    bitrix24.until_told().await?;
    bitrix24.says("anna", "More").await?;
    let seen = bitrix24.until_chat(chat, "another", |chat| chat.count(&answer_to("More")) == 1).await?;
    assert_eq!((seen.count(&answer_to("Hello")), seen.count(HELLO)), (1, 1));
    Ok(())
}
