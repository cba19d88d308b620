//! After acceptance nothing of what follows can be read anywhere but at its two ends.

use anyhow::Result;
use handoff_tests::{
    assistants::{ACCEPTED, WISH},
    chat::Chat,
    server::Server,
    visitor::Visitor,
};
use serde_json::json;

use super::{on_bitrix24, on_zendesk, plain};

/// Looks for words in every file, the log, and every answer of the API and the command line.
async fn places(server: &Server, conversation: &str, words: &str) -> Result<Vec<String>> {
    let files = server.files_with(words)?;
    let mut found: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
    for path in
        [format!("/v1/conversations/{conversation}"), "/v1/conversations".into(), "/v1/handoffs".into()]
    {
        if server.admin().get(&path).await?.to_string().contains(words) {
            found.push(path);
        }
    }
    for handoff in server.handoffs().await? {
        if handoff.to_string().contains(words) {
            found.push("/v1/handoffs/…".to_owned());
        }
    }
    for arguments in
        [&["conversation", "show", conversation][..], &["conversation", "list"], &["handoff", "list"]]
    {
        let told = server.cli(arguments).await?;
        if told.out.contains(words) || told.err.contains(words) {
            found.push(arguments.join(" "));
        }
    }
    Ok(found)
}

fn holds(chats: &[Chat], text: &str) -> bool {
    chats.iter().any(|chat| chat.count(text) > 0)
}

#[tokio::test]
async fn p5_a_canary_typed_after_acceptance_is_nowhere_and_one_from_before_is_in_the_inbox() -> Result<()> {
    let (zendesk, mut server) = on_zendesk(plain).await?;
    let mut person = Visitor::open(&server).await?;
    person.says("canary-0-before").await?;
    zendesk.fault(json!({ "method": "POST", "path": "/messages", "kind": "hold" })).await?;
    person.says(WISH).await?;
    zendesk.until_held().await?;
    person.says("canary-1-during").await?;
    zendesk.release().await?;
    person.until_told(ACCEPTED).await?;
    let conversation = person.conversation.clone();

    // One is carried, one waits because the platform does not answer.
    person.says("canary-2-after").await?;
    let chats = zendesk.until_chats("the canary", |chats| holds(chats, "canary-2-after")).await?;
    zendesk.replies(&chats[0].id, "canary-3-reply").await?;
    zendesk.attaches(&chats[0].id, "canary-4-name.txt", "text/plain", b"canary-5-file").await?;
    person.until("a file", |thread| thread.iter().any(|line| !line.files.is_empty())).await?;
    zendesk.fault(json!({ "method": "POST", "times": 1000, "kind": { "status": 500 } })).await?;
    person.says("canary-6-waiting").await?;
    let after = ["canary-2-after", "canary-3-reply", "canary-4-name", "canary-5-file", "canary-6-waiting"];
    for words in after {
        assert_eq!(places(&server, &conversation, words).await?, Vec::<String>::new(), "{words}");
    }
    // Nor in what a killed server leaves behind, nor after it came back.
    server.kill9().await?;
    for words in after {
        assert_eq!(server.files_with(words)?, Vec::<std::path::PathBuf>::new(), "{words}");
    }
    server.restart().await?;
    zendesk.heal().await?;
    zendesk.until_chats("the last canary", |chats| holds(chats, "canary-6-waiting")).await?;
    person.acknowledges().await?;
    for words in after {
        assert_eq!(places(&server, &conversation, words).await?, Vec::<String>::new(), "{words}");
    }
    for words in ["canary-0-before", "canary-1-during"] {
        let found = places(&server, &conversation, words).await?;
        assert!(found.contains(&format!("/v1/conversations/{conversation}")), "{words}: {found:?}");
        assert!(!found.iter().any(|place| place.ends_with(".log")), "{words}: {found:?}");
    }
    Ok(())
}

#[tokio::test]
async fn p5_what_operators_and_customers_say_after_a_native_transfer_is_nowhere() -> Result<()> {
    // The bot stays in the chat and is told everything.
    let flags = ["--rate-limit", "false", "--welcome-bot-left", "close", "--chat-leave", "false"];
    let (bitrix24, server) = on_bitrix24(&flags, plain).await?;
    let chat = bitrix24.says("anna", "canary-0-before").await?;
    bitrix24.says("anna", WISH).await?;
    bitrix24.until_chat(chat, "the queue", |chat| chat.status == "queue").await?;
    let conversation = server.conversations().await?[0]["id"].as_str().unwrap_or_default().to_owned();
    server.until_state(&conversation, "accepted").await?;
    bitrix24.says("anna", "canary-1-after").await?;
    bitrix24.accepts(chat).await?;
    bitrix24.replies(chat, "canary-2-reply").await?;
    bitrix24.attaches(chat, "canary-3-name.txt", "canary-4-file").await?;
    bitrix24.says("anna", "canary-5-last").await?;
    bitrix24.until_told().await?;
    for words in ["canary-1-after", "canary-2-reply", "canary-3-name", "canary-4-file", "canary-5-last"] {
        assert_eq!(places(&server, &conversation, words).await?, Vec::<String>::new(), "{words}");
    }
    let found = places(&server, &conversation, "canary-0-before").await?;
    assert!(found.contains(&format!("/v1/conversations/{conversation}")), "{found:?}");
    Ok(())
}

#[tokio::test]
async fn secrets_are_in_no_log_and_no_answer() -> Result<()> {
    let (zendesk, server) = on_zendesk(plain).await?;
    let mut person = Visitor::open(&server).await?;
    zendesk.fault(json!({ "times": 2, "kind": { "status": 500 } })).await?;
    person.says(WISH).await?;
    person.until_told(ACCEPTED).await?;
    let secrets = [
        handoff_tests::zendesk::KEY_SECRET,
        handoff_tests::zendesk::WEBHOOK_SECRET,
        handoff_tests::setup::ADMIN_KEY,
        handoff_tests::setup::CHAT_KEY,
        handoff_tests::setup::PASSWORD,
    ];
    for secret in secrets {
        let files = server.files_with(secret)?;
        let names: Vec<_> = files.iter().filter_map(|path| path.file_name()).collect();
        assert_eq!(names, ["handoff.toml"], "{secret}");
    }
    assert!(!server.log().contains(person.token()), "a visitor's token is in the log");
    Ok(())
}
