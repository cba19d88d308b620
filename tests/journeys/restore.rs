//! Backups that are put back: what happened since is not known, and nothing is done twice.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use handoff_tests::{
    assistants::{ACCEPTED, WISH, answer_to},
    caller::Caller,
    server::{Server, Told},
    setup::CHAT_KEY,
    visitor::Visitor,
    web::send,
};
use serde_json::{Value, json};

use super::{on_zendesk, plain, while_transferring};

async fn backs_up(server: &Server, name: &str) -> Result<PathBuf> {
    let folder = server.dir().join(name);
    good(server.cli(&["backup", &folder.display().to_string()]).await?)?;
    Ok(folder)
}

/// The server dies, and what is kept goes back in time.
async fn puts_back(server: &mut Server, backup: &Path) -> Result<Value> {
    server.kill9().await?;
    let told = server.cli(&["--json", "restore", &backup.display().to_string(), "--replace"]).await?;
    let restored = serde_json::from_str(&good(told)?)?;
    server.restart().await?;
    Ok(restored)
}

fn good(told: Told) -> Result<String> {
    ensure!(told.code == Some(0), "{}{}", told.out, told.err);
    Ok(told.out)
}

#[tokio::test]
async fn p3_a_backup_made_at_any_step_of_a_transfer_and_put_back_after_it_doubles_nothing() -> Result<()> {
    for path in ["/users", "/conversations", "/messages", "/passControl", "/offerControl"] {
        let (zendesk, mut server) = on_zendesk(plain).await?;
        let mut person = while_transferring(&zendesk, &server, path, "hold").await?;
        person.says("typed during the transfer").await?;
        let backup = backs_up(&server, "backup").await?;
        zendesk.release().await?;
        person.until_told(ACCEPTED).await?;
        zendesk.until_chats("the tail", |chats| chats[0].count("typed during the transfer") == 1).await?;
        let before = zendesk.chats().await?;
        let restored = puts_back(&mut server, &backup).await?;
        assert_eq!(restored["in_doubt"], 1, "{path}: {restored:#}");
        zendesk.point_webhook(&server.base).await?;
        let handoff = server.until_state(&person.conversation, "carrying").await?;
        assert_eq!(handoff["receipt"]["tail_messages"], 1, "{path}: {handoff:#}");
        person.says("after the restore").await?;
        let after = zendesk
            .until_chats("the new words", |chats| {
                chats.iter().any(|chat| chat.count("after the restore") > 0)
            })
            .await?;
        assert_eq!(after.len(), before.len(), "{path}: another conversation was made");
        let words: Vec<_> = after[0].said().into_iter().filter(|text| *text != "after the restore").collect();
        assert_eq!(words, before[0].said(), "{path}");
        zendesk.replies(&after[0].id, &format!("seen {path}")).await?;
        person.until_shown(&format!("seen {path}")).await?;
    }
    Ok(())
}

#[tokio::test]
async fn p3_a_backup_from_before_the_chat_and_the_same_request_again_make_no_second_conversation()
-> Result<()> {
    let (zendesk, mut server) = on_zendesk(plain).await?;
    let backup = backs_up(&server, "empty").await?;
    let wish = |server: &Server| {
        let web = server.web().with_bearer(CHAT_KEY);
        let path = "/v1/channels/api/conversations/order-12/messages?wait=reply";
        let request = web.request("POST", path).header("idempotency-key", "wish-1");
        send(request.json(&json!({ "text": WISH })))
    };
    assert_eq!(wish(&server).await?.status, 200);
    let made = zendesk.until_chats("a ticket", |chats| chats.len() == 1).await?;
    let conversation = server.conversations().await?.remove(0)["id"].as_str().unwrap_or_default().to_owned();
    server.until_state(&conversation, "carrying").await?;
    puts_back(&mut server, &backup).await?;
    assert!(server.conversations().await?.is_empty(), "what came after the backup is not in it");
    // The client never learned that its request was handled, and asks again under the same key.
    assert_eq!(wish(&server).await?.status, 200);
    let handoff = server.until_state(&conversation, "carrying").await?;
    let remarks = handoff["receipt"]["remarks"].to_string();
    assert!(remarks.contains("put back from a backup"), "{remarks}");
    let after = zendesk.chats().await?;
    assert_eq!((after.len(), after[0].said()), (1, made[0].said()));
    Ok(())
}

#[tokio::test]
async fn a_chat_goes_on_after_a_restore_and_the_person_sees_every_new_answer() -> Result<()> {
    let (_zendesk, mut server) = on_zendesk(plain).await?;
    let mut person = Visitor::open(&server).await?;
    person.says("one").await?;
    person.until_told(&answer_to("one")).await?;
    let backup = backs_up(&server, "backup").await?;
    for text in ["two", "three"] {
        person.says(text).await?;
        person.until_told(&answer_to(text)).await?;
    }
    puts_back(&mut server, &backup).await?;
    // The person's window has seen later places than the backup knows.
    assert_eq!(person.says("four").await?, "session");
    person.until_told(&answer_to("four")).await?;
    let program = Caller::new(&server, "another");
    assert!(!program.asks("five").await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn p4_whoever_saw_what_came_after_an_older_backup_is_told_what_a_newer_one_brings_back() -> Result<()> {
    let (zendesk, mut server) = on_zendesk(plain).await?;
    let mut person = Visitor::open(&server).await?;
    person.says("one").await?;
    person.until_told(&answer_to("one")).await?;
    person.acknowledges().await?;
    let older = backs_up(&server, "older").await?;
    // The chat is given away while the person does not look.
    person.says(WISH).await?;
    server.until_state(&person.conversation, "carrying").await?;
    let newer = backs_up(&server, "newer").await?;
    puts_back(&mut server, &older).await?;
    person.says("two").await?;
    person.until_told(&answer_to("two")).await?;
    // What tells of the acceptance lies before all that the window has seen by now.
    person.acknowledges().await?;
    puts_back(&mut server, &newer).await?;
    zendesk.point_webhook(&server.base).await?;
    // The window's word of what it has comes late, and says nothing of what is here.
    person.acknowledges().await?;
    person.until_told(ACCEPTED).await?;
    person.acknowledges().await?;
    person.says("three").await?;
    let chats = zendesk.until_chats("the new word", |chats| chats[0].count("three") == 1).await?;
    zendesk.replies(&chats[0].id, "seen").await?;
    person.until_shown("seen").await?;
    assert_eq!((person.times(ACCEPTED), person.times(&answer_to("one"))), (1, 1), "{:#?}", person.thread);
    Ok(())
}

#[tokio::test]
async fn a_backup_that_cannot_be_made_or_put_back_is_said_in_plain_words() -> Result<()> {
    let (_zendesk, server) = on_zendesk(plain).await?;
    let backup = backs_up(&server, "backup").await?;
    let path = backup.display().to_string();
    let cases: [(&[&str], &str); 4] = [
        (&["backup", &path], "is not empty"),
        (&["restore", &path, "--replace"], "in use by another server"),
        (&["restore", "nowhere", "--replace"], "not a finished backup"),
        (&["backup", "nowhere", "--verify"], "not a finished backup"),
    ];
    for (arguments, words) in cases {
        let told = server.cli(arguments).await?;
        assert_eq!(told.code, Some(1), "{arguments:?}");
        assert!(told.err.contains(words), "{arguments:?}: {}", told.err);
    }
    assert_eq!(server.cli(&["backup", &path, "--verify"]).await?.code, Some(0));
    Ok(())
}
