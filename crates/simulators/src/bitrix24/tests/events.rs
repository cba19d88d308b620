//! What bots are told, and in which form.

use serde_json::{Value, json};

use super::support::{Portal, portal, portal_answered};

const APPLICATION_TOKEN: &str = "831c76b092f9f135d9b6b36c3a720757";

/// Registers the bot as the application does, by access token.
async fn register_application_bot(portal: &Portal) {
    let fields = portal.bot_fields("webhook");
    let (status, answer) =
        portal.call_as("simulatedaccesstoken", "imbot.v2.Bot.register", json!({ "fields": fields })).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test]
async fn a_message_event_has_the_fields_of_a_real_one() {
    let mut portal = portal("--join-order message-first").await;
    register_application_bot(&portal).await;
    let (chat, session) = portal.says("Hello, I want a refund").await;
    let event = portal.event().await;
    assert_eq!(event.headers["user-agent"], "Bitrix24 Webhook Engine");
    assert_eq!(event.headers["content-type"], "application/x-www-form-urlencoded");
    assert!(
        event.raw.starts_with("event=ONIMBOTV2MESSAGEADD&event_handler_id=1201&data%5B"),
        "{}",
        event.raw
    );
    assert!(event.raw.contains("data%5Bmessage%5D%5Btext%5D=Hello%2C+I+want+a+refund"), "{}", event.raw);

    let chat_id = chat.to_string();
    let expected = [
        ("/bot/id", "456"),
        ("/bot/code", "helper"),
        ("/bot/auth/user_id", "456"),
        ("/bot/auth/application_token", APPLICATION_TOKEN),
        ("/message/chatId", &chat_id),
        ("/message/chat_id", &chat_id),
        ("/message/authorId", "599"),
        ("/message/author_id", "599"),
        ("/message/isSystem", "0"),
        ("/message/uuid", ""),
        ("/message/forward", ""),
        ("/message/viewedByOthers", "0"),
        ("/chat/id", &chat_id),
        ("/chat/type", "lines"),
        ("/chat/owner", "0"),
        ("/chat/extranet", "1"),
        ("/chat/entityType", "LINES"),
        ("/chat/permissions/canPost", "member"),
        ("/user/id", "599"),
        ("/user/connector", "1"),
        ("/user/bot", "0"),
        ("/user/externalAuthId", "imconnector"),
        ("/user/type", "extranet"),
        ("/language", "en"),
    ];
    for (pointer, value) in expected {
        assert_eq!(event.at(pointer), value, "{pointer}");
    }
    let code: Vec<&str> = event.at("/chat/entityId").split('|').collect();
    assert_eq!((code[0], code[1], code[3]), ("livechat", "22", "599"));
    assert_eq!(event.at("/chat/entityData1").split('|').nth(5), Some(session.to_string().as_str()));
    // Empty maps leave no trace, and neither does what differs from member to member.
    assert!(!event.raw.contains("params") && !event.raw.contains("muteList") && !event.raw.contains("role"));
    let auth = &event.fields["auth"];
    assert_eq!((&auth["application_token"], &auth["user_id"]), (&json!(APPLICATION_TOKEN), &json!("599")));
    assert!(auth["access_token"].is_string() && event.fields["ts"].is_string());
}

#[tokio::test]
async fn the_events_of_a_webhooks_bot_carry_no_tokens() {
    let mut portal = portal("").await;
    portal.register().await;
    portal.says("Hello").await;
    let event = portal.told().await;
    assert_eq!(event.fields["auth"]["application_token"], APPLICATION_TOKEN);
    assert!(event.fields["auth"].get("access_token").is_none());
    assert!(event.fields["data"]["bot"]["auth"].get("access_token").is_none());
}

#[tokio::test]
async fn a_session_begins_with_a_join_and_a_message_in_either_order() {
    for (flag, first) in [("join-first", "ONIMBOTV2JOINCHAT"), ("message-first", "ONIMBOTV2MESSAGEADD")] {
        let mut portal = portal(&format!("--join-order {flag}")).await;
        portal.register().await;
        let (chat, _) = portal.says("Hello").await;
        let events = [portal.event().await, portal.event().await];
        assert_eq!(events[0].name(), first);
        let join = events.iter().find(|event| event.name() == "ONIMBOTV2JOINCHAT").unwrap();
        assert_eq!(join.at("/dialogId"), format!("chat{chat}"));
        assert!(join.fields["data"].get("user").is_none());
    }
}

#[tokio::test]
async fn a_bot_of_the_first_generation_is_told_in_its_own_form() {
    let mut portal = portal("--join-order join-first").await;
    let url = portal.bot_fields("webhook")["webhookUrl"].clone();
    let register = json!({
        "CODE": "older", "TYPE": "O", "EVENT_HANDLER": url, "PROPERTIES": { "NAME": "Ada" },
    });
    let (status, answer) = portal.call_as("simulatedaccesstoken", "imbot.register", register).await;
    assert_eq!((status, &answer["result"]), (200, &json!(456)), "{answer}");
    let (chat, session) = portal.says("Hello").await;
    let join = portal.event().await;
    assert_eq!(join.name(), "ONIMBOTJOINCHAT");
    assert_eq!((join.at("/PARAMS/USER_ID"), join.at("/PARAMS/CHAT_ID")), ("0", chat.to_string().as_str()));
    assert!(join.fields["data"].get("USER").is_none() && !join.raw.contains("ENTITY_DATA"));
    let message = portal.event().await;
    assert_eq!(message.name(), "ONIMBOTMESSAGEADD");
    for (pointer, value) in [
        ("/BOT/456/BOT_CODE", "older"),
        ("/BOT/456/AUTH/application_token", APPLICATION_TOKEN),
        ("/PARAMS/MESSAGE", "Hello"),
        ("/PARAMS/FROM_USER_ID", "599"),
        ("/PARAMS/CHAT_AUTHOR_ID", "0"),
        ("/PARAMS/CHAT_ENTITY_TYPE", "LINES"),
        ("/USER/IS_CONNECTOR", "Y"),
        ("/USER/IS_EXTRANET", "Y"),
    ] {
        assert_eq!(message.at(pointer), value, "{pointer}");
    }
    let data = message.at("/PARAMS/CHAT_ENTITY_DATA_1");
    assert_eq!(data.split('|').nth(5), Some(session.to_string().as_str()));
    // The other generation of methods does not speak for it.
    let (status, answer) =
        portal.call_as("simulatedaccesstoken", "imbot.v2.Bot.get", json!({ "botId": 456 })).await;
    assert_eq!((status, &answer["error"]), (400, &json!("BOT_NOT_FOUND")));
}

#[tokio::test]
async fn the_order_of_the_two_is_drawn_from_the_seed() {
    let mut orders = Vec::new();
    for seed in 1..=8 {
        let mut portal = portal(&format!("--seed {seed}")).await;
        portal.register().await;
        portal.says("Hello").await;
        orders.push(portal.event().await.name() == "ONIMBOTV2JOINCHAT");
    }
    assert!(orders.contains(&true) && orders.contains(&false), "{orders:?}");
}

#[tokio::test]
async fn a_failed_event_is_not_sent_again() {
    let mut portal = portal_answered("--join-order message-first", 500).await;
    portal.register().await;
    portal.says("Hello").await;
    let _ = (portal.event().await, portal.event().await);
    portal.says("Second").await;
    assert_eq!(portal.told().await.at("/message/text"), "Second");
    let deliveries = portal.deliveries().await;
    assert_eq!(deliveries.len(), 3);
    assert!(
        deliveries.iter().all(|delivery| delivery["attempts"].as_array().unwrap().len() <= 1),
        "{deliveries:?}"
    );
}

#[tokio::test]
async fn deliveries_are_doubled_lost_and_swapped_on_request() {
    let mut portal = portal("--join-order join-first").await;
    portal.register().await;
    portal.says("one").await;
    portal.told().await;
    let text = |event: super::support::Arrived| event.at("/message/text").to_owned();
    portal.sim("deliveries/faults", json!({ "duplicate": 1 })).await;
    portal.says("two").await;
    assert_eq!((text(portal.told().await), text(portal.told().await)), ("two".into(), "two".into()));
    portal.sim("deliveries/faults", json!({ "drop": 1 })).await;
    portal.says("three").await;
    portal.sim("deliveries/faults", json!({ "reorder": true })).await;
    portal.says("four").await;
    portal.says("five").await;
    assert_eq!((text(portal.told().await), text(portal.told().await)), ("five".into(), "four".into()));
}

#[tokio::test]
async fn fetched_events_come_until_they_are_confirmed_and_keep_their_types() {
    let portal = portal("--join-order join-first").await;
    let fields = portal.bot_fields("fetch");
    portal.ok("imbot.v2.Bot.register", json!({ "fields": fields })).await;
    let empty = portal.bot_ok("Event.get", json!({})).await;
    assert_eq!(empty, json!({ "events": [], "nextOffset": 0, "hasMore": false }));
    let (chat, _) = portal.says("Hello").await;
    portal.says("Second").await;

    let page = portal.bot_ok("Event.get", json!({ "limit": 2 })).await;
    let kinds: Vec<&Value> = page["events"].as_array().unwrap().iter().map(|event| &event["type"]).collect();
    assert_eq!(kinds, ["ONIMBOTV2JOINCHAT", "ONIMBOTV2MESSAGEADD"]);
    assert_eq!(page["hasMore"], true);
    let data = &page["events"][1]["data"];
    assert_eq!((&data["message"]["chatId"], &data["user"]["connector"]), (&json!(chat), &json!(true)));
    assert_eq!(data["bot"]["eventMode"], "fetch");
    assert!(data["bot"].get("auth").is_none());

    assert_eq!(portal.bot_ok("Event.get", json!({ "limit": 2 })).await["events"], page["events"]);
    let rest = portal.bot_ok("Event.get", json!({ "offset": page["nextOffset"] })).await;
    assert_eq!(rest["events"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&rest["events"][0]["data"]["message"]["text"], &rest["hasMore"]),
        (&json!("Second"), &json!(false))
    );
    let done = portal.bot_ok("Event.get", json!({ "offset": rest["nextOffset"] })).await;
    assert_eq!((&done["events"], &done["nextOffset"]), (&json!([]), &json!(0)));
}

#[tokio::test]
async fn a_command_is_told_as_such_however_it_is_given() {
    let mut portal = portal("--join-order message-first").await;
    portal.register().await;
    let fields = json!({ "command": "operator", "title": { "en": "A person" }, "extranetSupport": true });
    let command = portal.bot_ok("Command.register", json!({ "fields": fields })).await;
    assert_eq!(command["command"]["command"], "/operator");
    assert_eq!(portal.bot_ok("Command.register", json!({ "fields": fields })).await, command);

    portal.says("/operator billing").await;
    let typed = portal.event().await;
    assert_eq!(typed.name(), "ONIMBOTV2COMMANDADD");
    assert_eq!((typed.at("/command/command"), typed.at("/command/params")), ("/operator", "billing"));
    assert_eq!(typed.at("/command/context"), "textarea");
    assert_eq!(portal.event().await.name(), "ONIMBOTV2JOINCHAT");
    portal.sim("person/press", json!({ "person": "ann", "command": "operator", "params": "sales" })).await;
    let pressed = portal.event().await;
    assert_eq!((pressed.at("/command/context"), pressed.at("/command/params")), ("keyboard", "sales"));
    assert_eq!(pressed.at("/command/id"), command["command"]["id"].to_string());
}

#[tokio::test]
async fn an_application_that_is_not_installed_hears_nothing() {
    let portal = portal("--installed false").await;
    portal.register().await;
    portal.says("Hello").await;
    assert_eq!(portal.deliveries().await.len(), 0);
    assert_eq!(portal.desk().await["status"], "bot");
}

#[tokio::test]
async fn an_unregistered_bot_gets_one_last_event_and_the_queue_its_customers() {
    let mut portal = portal("").await;
    portal.register().await;
    assert_eq!(portal.bot_ok("Bot.unregister", json!({})).await, json!({ "result": true }));
    assert_eq!(portal.event().await.name(), "ONIMBOTV2DELETE");
    portal.says("Hello").await;
    assert_eq!(portal.desk().await["status"], "queue");
    assert_eq!(portal.deliveries().await.len(), 1);
}

#[tokio::test]
async fn installing_and_removing_the_application_is_told_to_its_handler() {
    let mut portal = portal("").await;
    portal.sim("app/install", json!({ "handler": portal.handler })).await;
    let event = portal.event().await;
    assert_eq!((event.name(), event.at("/INSTALLED")), ("ONAPPINSTALL", "Y"));
    let token = event.fields["auth"]["access_token"].as_str().unwrap().to_owned();
    let bind = json!({ "event": "onAppUninstall", "handler": portal.handler });
    let (status, answer) = portal.call_as(&token, "event.bind", bind.clone()).await;
    assert_eq!((status, &answer["result"]), (200, &json!(true)));
    let (status, answer) = portal.call_as(&token, "event.bind", bind).await;
    assert_eq!((status, answer["error"].as_str()), (400, Some("ERROR_CORE")));
    portal.sim("app/uninstall", json!({})).await;
    let event = portal.event().await;
    assert_eq!(event.name(), "ONAPPUNINSTALL");
    assert!(event.fields["auth"].get("access_token").is_none());
    let (status, answer) = portal.call_as(&token, "app.info", json!({})).await;
    assert_eq!((status, answer["error"].as_str()), (401, Some("invalid_token")));
}

#[tokio::test]
async fn a_forged_event_has_the_wrong_application_token() {
    let mut portal = portal("--forge-events").await;
    portal.register().await;
    portal.says("Hello").await;
    assert_ne!(portal.event().await.fields["auth"]["application_token"], APPLICATION_TOKEN);
}
