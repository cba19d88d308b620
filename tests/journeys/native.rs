//! A chat in an open channel of Bitrix24 leaves for its operators.

use anyhow::Result;
use handoff_tests::{
    assistants::{ASKED, HELLO, MOMENT, WISH, answer_to},
    bitrix24::Bitrix24,
    chat::Chat,
    server::Server,
};
use serde_json::json;

use super::{on_bitrix24, plain};

/// Ways in which a portal may treat the bot after it passed a chat on.
const PORTALS: [&[&str]; 3] = [
    &["--rate-limit", "false"],
    // The bot stays in the chat and hears everything.
    &["--rate-limit", "false", "--welcome-bot-left", "close", "--chat-leave", "false"],
    &["--rate-limit", "false", "--welcome-bot-left", "close", "--join-order", "message-first"],
];

async fn only_conversation(server: &Server) -> Result<String> {
    let all = server.conversations().await?;
    assert_eq!(all.len(), 1, "{all:#?}");
    Ok(all[0]["id"].as_str().unwrap_or_default().to_owned())
}

/// A customer whose chat the operators have.
async fn passed_on(bitrix24: &Bitrix24, server: &Server) -> Result<(i64, String)> {
    let chat = bitrix24.says("anna", "Hello").await?;
    bitrix24.until_chat(chat, "an answer", |chat| chat.count(&answer_to("Hello")) == 1).await?;
    bitrix24.says("anna", WISH).await?;
    bitrix24.until_chat(chat, "the queue", |chat| chat.status == "queue").await?;
    let conversation = only_conversation(server).await?;
    server.until_state(&conversation, "accepted").await?;
    Ok((chat, conversation))
}

fn spoken_by(chat: &Chat, author: &str) -> Vec<String> {
    chat.lines.iter().filter(|line| line.author == author).map(|line| line.text.clone()).collect()
}

#[tokio::test]
async fn p1_p2_p3_operators_get_the_chat_once_with_every_word() -> Result<()> {
    for flags in PORTALS {
        let (bitrix24, server) = on_bitrix24(flags, plain).await?;
        let chat = bitrix24.says("anna", "Hello").await?;
        bitrix24.until_chat(chat, "an answer", |chat| chat.count(&answer_to("Hello")) == 1).await?;
        bitrix24.fault(json!({ "path": "bot.session.operator", "kind": "hold" })).await?;
        bitrix24.says("anna", WISH).await?;
        bitrix24.until_held().await?;
        bitrix24.says("anna", "Anybody?").await?;
        bitrix24.until_told().await?;
        let conversation = only_conversation(&server).await?;
        server.until_state(&conversation, "transferring").await?;
        bitrix24.release().await?;
        server.until_state(&conversation, "accepted").await?;
        let seen = bitrix24.until_chat(chat, "the queue", |chat| chat.status == "queue").await?;
        assert_eq!(seen.raw["handoff_calls"], 1, "{flags:?}");
        assert_eq!(seen.raw["sessions"].as_array().map(Vec::len), Some(1), "{flags:?}");
        assert_eq!(spoken_by(&seen, "customer"), ["Hello", WISH, "Anybody?"], "{flags:?}");
        let spoken = spoken_by(&seen, "assistant");
        assert_eq!(spoken, [HELLO, &answer_to("Hello"), MOMENT, ASKED], "{flags:?}");
    }
    Ok(())
}

#[tokio::test]
async fn p6_the_bot_is_mute_after_the_transfer_even_where_it_hears_everything() -> Result<()> {
    for flags in PORTALS {
        let (bitrix24, server) = on_bitrix24(flags, plain).await?;
        let (chat, conversation) = passed_on(&bitrix24, &server).await?;
        let before = spoken_by(&bitrix24.chat(chat).await?, "assistant");
        bitrix24.says("anna", WISH).await?;
        bitrix24.accepts(chat).await?;
        bitrix24.replies(chat, "Good day").await?;
        bitrix24.says("anna", "Hello").await?;
        bitrix24.says("anna", WISH).await?;
        bitrix24.until_told().await?;
        // The next session's greeting comes after anything that was still to be said.
        bitrix24.closes(chat).await?;
        bitrix24.says("anna", "me again").await?;
        let again = answer_to("me again");
        let seen = bitrix24.until_chat(chat, "a new session", |chat| chat.count(&again) == 1).await?;
        let spoken = spoken_by(&seen, "assistant");
        assert_eq!(spoken[..before.len()], before, "{flags:?}");
        assert_eq!(spoken[before.len()..], [HELLO.to_owned(), again], "{flags:?}");
        let shown = server.conversation(&conversation).await?.to_string();
        assert!(!shown.contains("Good day"), "{shown}");
    }
    Ok(())
}

#[tokio::test]
async fn p4_the_person_is_told_what_is_asked_and_never_what_the_bot_cannot_know() -> Result<()> {
    let (bitrix24, server) = on_bitrix24(PORTALS[0], plain).await?;
    let (_, conversation) = passed_on(&bitrix24, &server).await?;
    let handoff = server.handoff_of(&conversation).await?;
    assert_eq!(handoff["route"], "native");
    let seen = bitrix24.seen_by("anna").await?;
    let told = |text: &str| seen.iter().filter(|(_, line)| line == text).count();
    assert_eq!(told(ASKED), 1, "{seen:?}");
    assert!(told(handoff_tests::assistants::ACCEPTED) <= 1, "{seen:?}");
    Ok(())
}

#[tokio::test]
async fn what_the_platform_takes_by_itself_silences_the_bot() -> Result<()> {
    let (bitrix24, server) = on_bitrix24(PORTALS[1], plain).await?;
    let chat = bitrix24.says("anna", "Hello").await?;
    bitrix24.until_chat(chat, "an answer", |chat| chat.count(&answer_to("Hello")) == 1).await?;
    let operator = handoff_tests::bitrix24::OPERATOR;
    bitrix24.control("operator/intercept", json!({ "chat_id": chat, "operator": operator })).await?;
    bitrix24.replies(chat, "I take it").await?;
    bitrix24.says("anna", "Thank you").await?;
    bitrix24.until_told().await?;
    bitrix24.closes(chat).await?;
    bitrix24.says("anna", "me again").await?;
    let again = answer_to("me again");
    let seen = bitrix24.until_chat(chat, "a new session", |chat| chat.count(&again) == 1).await?;
    assert_eq!(seen.count(&answer_to("Thank you")), 0, "the bot spoke into an operator's chat");
    assert_eq!(server.handoffs().await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn operators_of_a_chosen_line_get_the_chat() -> Result<()> {
    let to_sales = handoff_tests::assistants::with_handoff(handoff_tests::assistants::line(), |handoff| {
        handoff["options"] = json!({ "line": 30 });
    });
    let lines = [super::sales()];
    let (bitrix24, server) =
        super::on_bitrix24_with(PORTALS[0], &lines, |setup| setup.with_assistant(to_sales)).await?;
    let (chat, _) = passed_on(&bitrix24, &server).await?;
    assert_eq!(bitrix24.chat(chat).await?.raw["fields"]["line"], 30);
    Ok(())
}
