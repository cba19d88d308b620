//! A bot of the older methods: registered, talking, passing on, leaving.

use handoff_sdk::{
    Connector,
    model::{
        Content,
        connector::{EventKind, Install, Send},
    },
};
use serde_json::{Value, json};

use crate::world::{World, bare, transfer};

/// A portal with a bot of the older methods that greets in line 22.
async fn older(flags: &str) -> World {
    let world = bare(flags, json!({ "bot_api": "v1" })).await;
    world.install().await;
    world
}

#[tokio::test]
async fn installing_twice_makes_one_bot_and_another_address_is_told() {
    let world = older("").await;
    world.install().await;
    let install = Install { webhook_url: format!("{}2", world.webhook_url), ..Install::default() };
    world.bitrix24.install(&world.host.cx(), install).await.unwrap();
    let bots = world.look("inspect").await["bots"].clone();
    let bots: Vec<&Value> = bots.as_object().unwrap().values().collect();
    assert_eq!(bots.len(), 1);
    assert_eq!(bots[0]["webhook_url"], format!("{}2", world.webhook_url));
    assert_eq!(world.calls("imbot.v2.Bot.register").await, 0);
    let check = world.bitrix24.check(&world.host.cx()).await.unwrap();
    assert!(check.findings.iter().all(|finding| finding.only_a_warning), "{check:?}");
}

#[tokio::test]
async fn it_hears_answers_with_buttons_and_passes_the_chat_on() {
    for left in ["queue", "close"] {
        let mut world = older(&format!("--welcome-bot-left {left}")).await;
        let chat = world.says("Hello").await;
        let events = [world.news().await, world.news().await];
        let said = events.iter().find(|event| matches!(event.kind, EventKind::PersonMessage { .. })).unwrap();
        assert!(events.iter().any(|event| matches!(event.kind, EventKind::ChatStarted { .. })));
        assert!(said.platform_session.is_some() && said.chat == chat.to_string());
        let content = Content { quick_replies: vec!["Yes".into()], ..Content::text("**Sure**?") };
        let message = Send { chat: chat.to_string(), key: "k1".into(), content, maybe_sent: false };
        let sent = world.bitrix24.send(&world.host.cx(), message.clone()).await.unwrap();
        assert_eq!(sent.external_ids.len(), 1);
        // Whether it arrived is looked up in the session.
        let again = Send { maybe_sent: true, ..message };
        assert_eq!(
            world.bitrix24.send(&world.host.cx(), again).await.unwrap().external_ids,
            sent.external_ids
        );
        let (done, story) = world.hand_over(transfer(chat, json!({}))).await;
        assert_eq!((done.queued, story), (true, vec!["done".to_owned()]));
        let seen = world.chat().await;
        assert_eq!((&seen["handoff_calls"], &seen["status"]), (&json!(1), &json!("queue")), "{left}");
        assert_eq!(seen["fields"]["bots"], json!([]), "it left");
        assert_eq!(world.calls("imbot.v2.Chat.Message.send").await, 0);
    }
}

#[tokio::test]
async fn a_transfer_whose_answer_was_lost_is_looked_up() {
    for kind in ["reset_before", "reset_after"] {
        let world = older("").await;
        let chat = world.says("Hello").await;
        world.fault("bot.session.operator", &json!(kind), 1).await;
        let (_, story) = world.hand_over(transfer(chat, json!({}))).await;
        assert_eq!(world.chat().await["handoff_calls"], 1, "{kind}: {story:?}");
    }
}

#[tokio::test]
async fn its_command_is_the_persons_word_and_not_an_operators() {
    let mut world = older("--join-order join-first").await;
    let body = json!({
        "CLIENT_ID": "bot-token", "COMMAND": "operator", "EVENT_COMMAND_ADD": world.webhook_url,
        "LANG": [{ "LANGUAGE_ID": "en", "TITLE": "A human" }], "EXTRANET_SUPPORT": "Y",
    });
    world.rest("imbot.command.register", &body).await;
    world.says("Hello").await;
    let _ = (world.news().await, world.news().await);
    world.sim("person/press", json!({ "person": "ann", "command": "operator", "params": "billing" })).await;
    let event = world.news().await;
    assert!(
        matches!(&event.kind, EventKind::PersonMessage { content, .. } if content.text == "/operator billing"),
        "{event:?}"
    );
}
