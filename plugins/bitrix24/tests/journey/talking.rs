//! The person and the bot talk.

use handoff_sdk::{
    Connector, ConnectorError,
    model::{
        Content, Source,
        connector::{EventKind, Fetch, Send, Sent},
    },
};
use serde_json::json;

use crate::world::{World, bare, transfer, world};

fn send(chat: u64, text: &str, maybe_sent: bool) -> Send {
    Send { chat: chat.to_string(), key: "k1".into(), content: Content::text(text), maybe_sent }
}

async fn says(world: &World, message: Send) -> Result<Sent, ConnectorError> {
    world.bitrix24.send(&world.host.cx(), message).await
}

/// What the bot has said, as the person sees it.
async fn bots_words(world: &World) -> Vec<String> {
    let seen = world.look("person/ann/messages").await["messages"].clone();
    let bots = seen.as_array().unwrap().iter().filter(|message| message["author"] == "assistant");
    bots.map(|message| message["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_session_begins_with_two_events_in_either_order_and_each_tells_enough() {
    for order in ["join_first", "message_first"] {
        let mut world = world(&format!("--join-order {}", order.replace('_', "-"))).await;
        let chat = world.says("[b]Hello[/b]").await.to_string();
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let event = world.event().await;
            assert_eq!(
                (event.chat.as_str(), event.platform_session.as_deref()),
                (chat.as_str(), Some("343"))
            );
            match event.kind {
                EventKind::ChatStarted { person } => kinds.push(("join_first", person.id)),
                EventKind::PersonMessage { person, content, held_by_live_agent, .. } => {
                    assert_eq!((content.text.as_str(), held_by_live_agent), ("Hello", false));
                    kinds.push(("message_first", person.id));
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(kinds[0].0, order);
        assert_eq!(kinds[0].1, kinds[1].1, "both name the same person");
    }
}

#[tokio::test]
async fn a_delivery_made_twice_has_one_key_and_a_wrong_token_is_refused() {
    let mut world = world("--join-order join-first").await;
    world.says("one").await;
    world.event().await;
    world.event().await;
    world.sim("deliveries/faults", json!({ "duplicate": 1 })).await;
    world.says("two").await;
    let (first, body) = (world.event().await, world.body().await);
    assert_eq!(world.receive(&body).await.unwrap().key, first.key);
    let forged = body.replace("831c76b092f9f135d9b6b36c3a720757", "831c76b092f9f135d9b6b36c3a720758");
    assert!(matches!(world.receive(&forged).await, Err(ConnectorError::Unverified { .. })));
}

#[tokio::test]
async fn the_portals_own_token_is_pinned_when_the_operator_wants_it() {
    let mut world = bare("--join-order join-first", json!({ "pin_application_token": true })).await;
    world.install().await;
    world.says("hi").await;
    let (join, message) = (world.body().await, world.body().await);
    assert!(world.receive(&join).await.is_ok() && world.receive(&message).await.is_ok());
}

#[tokio::test]
async fn the_bot_hears_live_agents_and_stays_out_of_it() {
    let mut world = world("--join-order join-first --welcome-bot-left close --chat-leave false").await;
    let chat = world.says("a human please").await;
    world.news().await;
    world.news().await;
    world.hand_over(transfer(chat, json!({}))).await;
    world.sim("operator/accept", json!({ "chat_id": chat, "operator": 27 })).await;
    world.sim("operator/reply", json!({ "chat_id": chat, "operator": 27, "text": "Good day" })).await;
    let heard = world.event().await;
    assert!(matches!(heard.kind, EventKind::Ignored { reason } if reason.contains("live agent")));
    world.says("thank you").await;
    let heard = world.news().await;
    assert!(matches!(heard.kind, EventKind::PersonMessage { held_by_live_agent: true, .. }));
}

#[tokio::test]
async fn an_answer_reaches_the_person_with_buttons_and_words() {
    let world = world("").await;
    let chat = world.says("hi").await;
    let content =
        Content { quick_replies: vec!["Yes".into(), "No".into()], ..Content::text("Is [x] **ok**?") };
    let sent = says(&world, Send { content, ..send(chat, "", false) }).await.unwrap();
    assert_eq!((sent.external_ids.len(), sent.unknown), (1, false));
    assert_eq!(bots_words(&world).await, ["Is [\u{200b}x] [b]ok[/b]?\n\u{2022} Yes\n\u{2022} No"]);
    let message = world.chat().await["messages"][1].clone();
    assert_eq!(message["id"].as_u64().unwrap().to_string(), sent.external_ids[0]);
    assert_eq!(message["keyboard"][1]["ACTION_VALUE"], "No");
}

#[tokio::test]
async fn a_text_whose_answer_was_lost_is_looked_for_before_it_is_sent_again() {
    for (kind, arrived) in
        [("reset_before", false), ("html", false), ("reset_after", true), ("truncate", true)]
    {
        let world = world("").await;
        let chat = world.says("hi").await;
        world.fault("Chat.Message.send", &json!(kind), 1).await;
        let lost = says(&world, send(chat, "**Hello** you", false)).await;
        assert!(matches!(lost, Err(ConnectorError::Lost { .. })), "{kind}: {lost:?}");
        let again = says(&world, send(chat, "**Hello** you", true)).await.unwrap();
        assert_eq!((again.external_ids.len(), again.unknown), (1, false), "{kind}");
        assert_eq!(bots_words(&world).await.len(), 1, "{kind}");
        assert_eq!(world.calls("Chat.Message.send").await, if arrived { 1 } else { 2 }, "{kind}");
    }
}

#[tokio::test]
async fn where_nobody_can_tell_a_text_is_not_sent_again() {
    let world = world("").await;
    let chat = world.says("hi").await;
    says(&world, send(chat, "Sorry?", false)).await.unwrap();
    world.says("hm").await;
    let doubtful = says(&world, send(chat, "Sorry?", true)).await.unwrap();
    assert_eq!((doubtful.unknown, doubtful.external_ids.len()), (true, 0));
    let denied = json!({ "status": 400, "body": "{\"error\":\"ACCESS_DENIED\"}" });
    world.fault("history.get", &denied, 1).await;
    assert!(says(&world, send(chat, "Well", true)).await.unwrap().unknown);
    assert_eq!(bots_words(&world).await, ["Sorry?"]);
}

#[tokio::test]
async fn a_long_text_whose_rest_is_held_up_arrives_whole_and_once() {
    let world = world("").await;
    let chat = world.says("hi").await;
    let text = "word ".repeat(9_000);
    let limited = json!({ "path": "Chat.Message.send", "skip": 1, "times": 2, "kind": { "status": 503 } });
    world.sim("faults", json!({ "faults": [limited] })).await;
    let sent = says(&world, send(chat, &text, false)).await.unwrap();
    assert_eq!(sent.external_ids.len(), 3);
    assert_eq!(bots_words(&world).await.concat(), text.trim());

    let first = json!({ "path": "Chat.Message.send", "times": 1, "kind": { "status": 503 } });
    world.sim("faults", json!({ "faults": [first] })).await;
    assert!(matches!(says(&world, send(chat, "more", false)).await, Err(ConnectorError::RateLimited { .. })));

    // The second piece's answer is lost; the look finds the first two and sends the third.
    let other = "text ".repeat(9_000);
    let lost = json!({ "path": "Chat.Message.send", "skip": 1, "times": 1, "kind": "reset_after" });
    world.sim("faults", json!({ "faults": [lost] })).await;
    assert!(matches!(says(&world, send(chat, &other, false)).await, Err(ConnectorError::Lost { .. })));
    assert_eq!(says(&world, send(chat, &other, true)).await.unwrap().external_ids.len(), 3);
    assert_eq!(bots_words(&world).await.concat(), text.trim().to_owned() + other.trim());
}

#[tokio::test]
async fn after_the_transfer_the_bot_has_no_word() {
    let world = world("").await;
    let chat = world.says("hi").await;
    world.hand_over(transfer(chat, json!({}))).await;
    let refused = says(&world, send(chat, "Hello?", false)).await;
    assert!(matches!(refused, Err(ConnectorError::Refused { detail }) if detail.contains("no longer")));
}

#[tokio::test]
async fn a_file_of_the_persons_is_fetched_through_its_one_time_address() {
    let mut world = world("--join-order join-first").await;
    let file = json!({ "name": "bill.txt", "text": "42 EUR" });
    world.sim("person/message", json!({ "person": "ann", "file": file })).await;
    world.news().await;
    let EventKind::PersonMessage { content, .. } = world.news().await.kind else { panic!("no message") };
    let Source::Platform(address) = &content.attachments[0].source else { panic!("{content:?}") };
    for _ in 0..2 {
        let fetch = Fetch { address: address.clone() };
        assert_eq!(world.bitrix24.fetch(&world.host.cx(), fetch).await.unwrap().blob, "42 EUR");
    }
}

#[tokio::test]
async fn events_can_be_fetched_and_are_told_again_until_the_next_poll_says_that_they_are_safe() {
    let world = bare("--join-order join-first", json!({ "event_mode": "fetch" })).await;
    world.install().await;
    world.says("hi").await;
    let first = world.polls(None).await;
    let kinds: Vec<_> = first.events.iter().map(|event| &event.kind).collect();
    assert!(
        matches!(kinds[..], [EventKind::ChatStarted { .. }, EventKind::PersonMessage { .. }]),
        "{kinds:?}"
    );
    let again = world.polls(None).await;
    let keys = |polled: &handoff_sdk::model::connector::Polled| -> Vec<String> {
        polled.events.iter().map(|event| event.key.clone()).collect()
    };
    assert_eq!(keys(&first), keys(&again), "an event keeps its key");
    let empty = world.polls(first.cursor.clone()).await;
    assert!(empty.events.is_empty() && empty.cursor == first.cursor, "{empty:?}");
    world.says("more").await;
    assert_eq!(world.polls(empty.cursor).await.events.len(), 1);
}
