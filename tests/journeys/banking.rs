//! Sentences that customers of a bank really wrote, through every part of the way.

use anyhow::Result;
use handoff_tests::{
    assistants::{ACCEPTED, WISH, answer_to},
    banking::sentences,
    caller::Caller,
    note,
    visitor::Visitor,
};
use serde_json::json;

use super::{on_zendesk, plain};

#[tokio::test]
async fn sentences_of_real_customers_arrive_word_for_word() -> Result<()> {
    let all = match sentences(60) {
        Ok(all) => all,
        Err(left_out) => {
            note(&left_out);
            return Ok(());
        }
    };
    let (zendesk, server) = on_zendesk(plain).await?;
    for (n, group) in all.chunks(20).enumerate() {
        let mut person = Visitor::open(&server).await?;
        for text in &group[..10] {
            person.says(text).await?;
            person.until_told(&answer_to(text)).await?;
        }
        zendesk.fault(json!({ "method": "POST", "path": "/messages", "skip": 5, "kind": "hold" })).await?;
        person.says(WISH).await?;
        zendesk.until_held().await?;
        for text in &group[10..15] {
            person.says(text).await?;
        }
        zendesk.release().await?;
        person.until_told(ACCEPTED).await?;
        for text in &group[15..] {
            person.says(text).await?;
        }
        let last = group.last().cloned().unwrap_or_default();
        let chats =
            zendesk.until_chats("all", |chats| chats.iter().any(|chat| chat.count(&last) > 0)).await?;
        let chat = chats.iter().find(|chat| chat.count(&last) > 0).expect("it is there");
        let left: Vec<_> = person.texts().into_iter().filter(|text| *text != ACCEPTED).collect();
        assert_eq!(chat.said(), left, "group {n}");
    }
    Ok(())
}

#[tokio::test]
async fn no_sentence_of_a_real_customer_is_taken_for_a_wish_to_leave() -> Result<()> {
    let all = match sentences(400) {
        Ok(all) => all,
        Err(left_out) => {
            note(&left_out);
            return Ok(());
        }
    };
    let (_zendesk, server) = on_zendesk(plain).await?;
    let program = Caller::new(&server, "bank");
    program.asks("Hello").await?;
    for text in &all {
        assert_eq!(program.asks(text).await?, [answer_to(text)]);
    }
    Ok(())
}
