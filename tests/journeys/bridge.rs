//! A chat of ours leaves for Zendesk.

use anyhow::Result;
use handoff_tests::{
    assistants::{ACCEPTED, ASKED, CLOSED, HELLO, MOMENT, WISH, answer_to},
    caller::Caller,
    chat::Chat,
    visitor::{Line, Visitor},
};
use serde_json::json;

use super::{on_zendesk, plain, while_transferring};

/// What live agents are to see of a thread: everything but the word that they have it.
fn left(person: &Visitor) -> Vec<&str> {
    person.texts().into_iter().filter(|text| *text != ACCEPTED).collect()
}

fn holds(chats: &[Chat], text: &str) -> bool {
    chats.iter().any(|chat| chat.count(text) > 0)
}

#[tokio::test]
async fn p1_one_holder_answers_at_every_instant_of_a_bridge() -> Result<()> {
    let (zendesk, server) = on_zendesk(plain).await?;
    let mut person = Visitor::open(&server).await?;
    assert_eq!(person.says("Hello").await?, "session");
    zendesk.fault(json!({ "method": "POST", "path": "/messages", "kind": "hold" })).await?;
    assert_eq!(person.says(WISH).await?, "handoff");
    zendesk.until_held().await?;
    assert_eq!(person.says("Anybody?").await?, "handoff");
    person.until_told(ASKED).await?;
    let handoff = server.until_state(&person.conversation, "transferring").await?;
    assert_eq!(handoff["platform"], "Zendesk");
    zendesk.release().await?;
    person.until_told(ACCEPTED).await?;
    assert_eq!(person.says("Thanks").await?, "platform");
    let chats = zendesk.until_chats("the words", |chats| holds(chats, "Thanks")).await?;
    zendesk.closes(&chats[0].id).await?;
    person.until_told(CLOSED).await?;
    assert_eq!(person.says("Again").await?, "session");
    person.until_told(&answer_to("Again")).await?;
    assert_eq!(person.times(HELLO), 2, "{:#?}", person.thread);
    let seen = zendesk.chats().await?;
    assert!(!holds(&seen, "Again"), "a closed chat is not spoken into: {seen:#?}");
    Ok(())
}

#[tokio::test]
async fn p2_nothing_is_lost_of_what_is_typed_before_during_and_after_a_transfer() -> Result<()> {
    let (zendesk, server) = on_zendesk(plain).await?;
    for path in ["/users", "/conversations", "/messages", "/passControl", "/offerControl"] {
        for kind in ["hold", "hold_after"] {
            let mut person = while_transferring(&zendesk, &server, path, kind).await?;
            for n in 0..3 {
                person.says(&format!("during {path} {kind} {n}")).await?;
            }
            zendesk.release().await?;
            person.until_told(ACCEPTED).await?;
            let last = format!("after {path} {kind}");
            person.says(&last).await?;
            let chats = zendesk.until_chats("all words", |chats| holds(chats, &last)).await?;
            let chat = chats.iter().find(|chat| chat.count(&last) > 0).expect("it is there");
            assert_eq!(chat.said(), left(&person), "{path} {kind}");
            let handoff = server.handoff_of(&person.conversation).await?;
            assert_eq!(handoff["receipt"]["tail_messages"], 3, "{path} {kind}: {handoff:#}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn p3_nothing_is_doubled_when_the_same_message_is_sent_again() -> Result<()> {
    let (zendesk, server) = on_zendesk(plain).await?;
    let mut person = Visitor::open(&server).await?;
    for _ in 0..3 {
        person.says_as(WISH, "the-same-key").await?;
    }
    person.until_told(ACCEPTED).await?;
    for _ in 0..3 {
        person.says_as("Thanks", "another-key").await?;
    }
    let chats = zendesk.until_chats("the words", |chats| holds(chats, "Thanks")).await?;
    assert_eq!(chats.len(), 1);
    assert_eq!(chats[0].said(), left(&person));
    assert_eq!((person.times(ASKED), person.times(ACCEPTED)), (1, 1));
    Ok(())
}

#[tokio::test]
async fn p4_the_truth_is_told_once_and_not_before_the_platform_has_accepted() -> Result<()> {
    let (zendesk, server) = on_zendesk(plain).await?;
    for path in ["/users", "/conversations", "/messages", "/passControl", "/offerControl"] {
        let mut person = while_transferring(&zendesk, &server, path, "hold").await?;
        // An answer to a later question proves that everything due by then was shown.
        person.says("What now?").await?;
        person.until_told(ASKED).await?;
        person.look(0).await?;
        assert_eq!(person.times(ACCEPTED), 0, "{path}");
        zendesk.release().await?;
        person.until_told(ACCEPTED).await?;
        let handoff = server.until_state(&person.conversation, "carrying").await?;
        assert_eq!(handoff["receipt"]["told"], json!(["asked", "accepted"]));
        assert_eq!((person.times(ASKED), person.times(ACCEPTED)), (1, 1), "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn p6_the_assistant_is_mute_from_the_action_on() -> Result<()> {
    let (zendesk, server) = on_zendesk(plain).await?;
    let mut person = while_transferring(&zendesk, &server, "/messages", "hold").await?;
    for text in [WISH, "Hello", WISH] {
        person.says(text).await?;
    }
    zendesk.release().await?;
    person.until_told(ACCEPTED).await?;
    for text in ["Hello", WISH, "the last one"] {
        person.says(text).await?;
    }
    let chats = zendesk.until_chats("all words", |chats| holds(chats, "the last one")).await?;
    zendesk.replies(&chats[0].id, "I am here").await?;
    person.until_shown("I am here").await?;
    let spoken: Vec<_> = person.shown().map(|line| line.text.as_str()).collect();
    assert_eq!(spoken, [HELLO, MOMENT, ASKED, ACCEPTED, "I am here"]);
    assert_eq!(server.handoffs().await?.len(), 1, "the action fired once");
    Ok(())
}

#[tokio::test]
async fn a_live_agent_who_answers_before_our_acceptance_is_heard_after_it() -> Result<()> {
    let (zendesk, server) = on_zendesk(plain).await?;
    let mut person = while_transferring(&zendesk, &server, "/offerControl", "hold_after").await?;
    let chats = zendesk.until_chats("a ticket", |chats| chats.len() == 1).await?;
    zendesk.replies(&chats[0].id, "Already here").await?;
    zendesk.until_told().await?;
    person.look(0).await?;
    assert!(!person.texts().contains(&"Already here"), "{:#?}", person.thread);
    zendesk.release().await?;
    person.until_shown("Already here").await?;
    let texts = person.texts();
    let place = |text: &str| texts.iter().position(|line| *line == text);
    assert!(place(ACCEPTED) < place("Already here"), "{texts:?}");
    Ok(())
}

#[tokio::test]
async fn words_and_files_of_live_agents_reach_the_person_in_order() -> Result<()> {
    let (zendesk, server) = on_zendesk(plain).await?;
    let mut person = Visitor::open(&server).await?;
    person.says(WISH).await?;
    person.until_told(ACCEPTED).await?;
    let chat = zendesk.until_chats("a ticket", |chats| chats.len() == 1).await?.remove(0);
    let image: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    for n in 0..5 {
        zendesk.replies(&chat.id, &format!("line {n}")).await?;
    }
    zendesk.attaches(&chat.id, "photo.png", "image/png", &image).await?;
    zendesk.replies(&chat.id, "the end").await?;
    person.until_shown("the end").await?;
    let said: Vec<&Line> = person.thread.iter().filter(|line| line.author == "live_agent").collect();
    let texts: Vec<&str> = said.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts, ["line 0", "line 1", "line 2", "line 3", "line 4", "", "the end"]);
    assert!(said.iter().all(|line| line.name.as_deref() == Some("Maria")), "{said:#?}");
    let (name, address) = &said[5].files[0];
    assert_eq!(name, "photo.png");
    let fetched = person.fetches(address).await?;
    assert_eq!((fetched.status, fetched.body == image), (200, true));
    // A file can be fetched with the visitor's token only.
    let stranger = Visitor::open(&server).await?;
    let nobody = handoff_tests::web::send(server.web().request("GET", address)).await?;
    assert_eq!(nobody.status, 401);
    assert_ne!(stranger.fetches(address).await?.status, 200, "another visitor reads the file");
    Ok(())
}

#[tokio::test]
async fn a_second_window_of_the_same_person_sees_the_same_thread() -> Result<()> {
    let (zendesk, server) = on_zendesk(plain).await?;
    let mut person = Visitor::open(&server).await?;
    person.says(WISH).await?;
    person.until_told(ACCEPTED).await?;
    let chat = zendesk.until_chats("a ticket", |chats| chats.len() == 1).await?.remove(0);
    zendesk.replies(&chat.id, "for both").await?;
    let mut second = person.elsewhere();
    person.until_shown("for both").await?;
    second.until_shown("for both").await?;
    let first: Vec<_> = person.shown().collect();
    assert_eq!(first, second.shown().collect::<Vec<_>>());
    Ok(())
}

#[tokio::test]
async fn a_chat_over_the_api_channel_leaves_as_well() -> Result<()> {
    let (zendesk, server) = on_zendesk(plain).await?;
    let program = Caller::new(&server, "order-12");
    assert_eq!(program.asks("My order").await?, [HELLO, &answer_to("My order")]);
    let turned = program.says(WISH).await?;
    assert_eq!(turned["held_by"], "handoff", "{turned:#}");
    let chats = zendesk.until_chats("a ticket", |chats| chats.len() == 1).await?;
    assert_eq!(chats[0].said(), [HELLO, "My order", &answer_to("My order"), WISH, MOMENT, ASKED]);
    Ok(())
}
