//! The life of what is carried: order under load, and what is shown after a restart.

use anyhow::Result;
use handoff_tests::{
    assistants::{ACCEPTED, WISH},
    visitor::Visitor,
};

use super::{on_zendesk, plain};

#[tokio::test]
async fn p2_words_of_many_persons_arrive_each_in_their_own_chat_and_order() -> Result<()> {
    const PERSONS: usize = 6;
    const WORDS: usize = 8;
    let (zendesk, server) = on_zendesk(plain).await?;
    let chats = (0..PERSONS).map(|who| {
        let base = server.base.clone();
        tokio::spawn(async move {
            let mut person = Visitor::open_at(&base).await?;
            person.says(WISH).await?;
            for n in 0..WORDS {
                person.says(&format!("person {who} word {n}")).await?;
            }
            person.until_told(ACCEPTED).await?;
            person.says(&format!("person {who} last")).await?;
            anyhow::Ok(person)
        })
    });
    let mut persons = Vec::new();
    for chat in chats.collect::<Vec<_>>() {
        persons.push(chat.await??);
    }
    let last = |who: usize| format!("person {who} last");
    let seen = zendesk
        .until_chats("all words", |chats| {
            (0..PERSONS).all(|who| chats.iter().any(|chat| chat.count(&last(who)) == 1))
        })
        .await?;
    assert_eq!(seen.len(), PERSONS);
    for (who, person) in persons.iter().enumerate() {
        let chat = seen.iter().find(|chat| chat.count(&last(who)) == 1).expect("a chat of their own");
        let left: Vec<_> = person.texts().into_iter().filter(|text| *text != ACCEPTED).collect();
        assert_eq!(chat.said(), left);
    }
    Ok(())
}

#[tokio::test]
async fn p7_survives_a_kill_with_words_waiting_in_both_directions() -> Result<()> {
    let (zendesk, mut server) = on_zendesk(plain).await?;
    let mut person = Visitor::open(&server).await?;
    person.says(WISH).await?;
    person.until_told(ACCEPTED).await?;
    let chat = zendesk.until_chats("a ticket", |chats| chats.len() == 1).await?.remove(0);
    zendesk
        .fault(serde_json::json!({ "method": "POST", "path": "/messages", "times": 100_000, "kind": { "status": 503 } }))
        .await?;
    for n in 0..4 {
        person.says(&format!("out {n}")).await?;
    }
    for n in 0..4 {
        zendesk.replies(&chat.id, &format!("in {n}")).await?;
    }
    zendesk.until_told().await?;
    server.kill9().await?;
    zendesk.heal().await?;
    server.restart().await?;
    let done = |chats: &[handoff_tests::chat::Chat]| chats[0].count("out 3") == 1;
    let chat = zendesk.until_chats("the words out", done).await?.remove(0);
    let out: Vec<_> = chat.said().into_iter().filter(|text| text.starts_with("out ")).collect();
    assert_eq!(out, ["out 0", "out 1", "out 2", "out 3"]);
    person.until_shown("in 3").await?;
    let inward: Vec<_> = person.texts().into_iter().filter(|text| text.starts_with("in ")).collect();
    assert_eq!(inward, ["in 0", "in 1", "in 2", "in 3"]);
    Ok(())
}

#[tokio::test]
async fn what_the_person_has_acknowledged_is_deleted_and_the_rest_is_shown_again() -> Result<()> {
    let (zendesk, mut server) = on_zendesk(plain).await?;
    let mut person = Visitor::open(&server).await?;
    person.says(WISH).await?;
    person.until_told(ACCEPTED).await?;
    let chat = zendesk.until_chats("a ticket", |chats| chats.len() == 1).await?.remove(0);
    zendesk.replies(&chat.id, "kept by the browser").await?;
    person.until_shown("kept by the browser").await?;
    person.acknowledges().await?;
    zendesk.replies(&chat.id, "not yet kept").await?;
    person.until_shown("not yet kept").await?;
    server.stop().await?;
    server.restart().await?;
    let mut again = person.elsewhere();
    again.until_shown("not yet kept").await?;
    assert_eq!(again.times("kept by the browser"), 0, "{:#?}", again.thread);
    Ok(())
}
