//! From bot to people: every way there, and what the bot still hears afterwards.

use serde_json::{Value, json};

use super::support::{Portal, portal};

const OPERATOR: &str = "imopenlines.bot.session.operator";
const TRANSFER: &str = "imopenlines.bot.session.transfer";

async fn chat_with_bot(flags: &str) -> (Portal, i64, i64) {
    let mut portal = portal(flags).await;
    portal.register().await;
    let (chat, session) = portal.says("Hello").await;
    assert_eq!(portal.told().await.at("/message/text"), "Hello");
    (portal, chat, session)
}

fn bots(chat: &Value) -> usize {
    chat["fields"]["bots"].as_array().unwrap().len()
}

#[tokio::test]
async fn after_a_handoff_to_the_queue_the_bot_is_out_and_hears_nothing() {
    let (mut portal, chat, _) = chat_with_bot("").await;
    assert_eq!(portal.ok(OPERATOR, json!({ "CHAT_ID": chat })).await, json!(true));
    let desk = portal.desk().await;
    assert_eq!((desk["status"].as_str(), bots(&desk)), (Some("queue"), 0));
    assert_eq!((desk["handoff_calls"].as_u64(), desk["system_messages"].as_u64()), (Some(1), Some(1)));
    assert_eq!(desk["fields"]["offered_to"], json!([27]));

    let before = portal.deliveries().await.len();
    portal.says("Are you there?").await;
    portal.sim("operator/accept", json!({ "chat_id": chat, "operator": 27 })).await;
    portal.sim("operator/reply", json!({ "chat_id": chat, "operator": 27, "text": "Yes" })).await;
    assert_eq!(portal.deliveries().await.len(), before);
    let desk = portal.desk().await;
    assert_eq!(
        (desk["status"].as_str(), desk["assigned_to"].as_str()),
        (Some("live_agent"), Some("Klaus Weber"))
    );
    let (status, answer) = portal
        .bot_call(
            "Chat.Message.send",
            json!({ "dialogId": format!("chat{chat}"), "fields": { "message": "I too" } }),
        )
        .await;
    assert_eq!((status, answer["error"].as_str()), (403, Some("ACCESS_DENIED")));
    // The next session is the bot's again.
    portal.sim("operator/close", json!({ "chat_id": chat })).await;
    portal.says("One more thing").await;
    assert_eq!(portal.told().await.at("/message/text"), "One more thing");
}

#[tokio::test]
async fn a_line_that_keeps_its_bot_feeds_it_customers_and_operators_until_the_close() {
    let (mut portal, chat, first) = chat_with_bot("--welcome-bot-left close").await;
    portal.ok(OPERATOR, json!({ "CHAT_ID": chat })).await;
    assert_eq!(bots(&portal.desk().await), 1);
    portal.says("Are you there?").await;
    let event = portal.told().await;
    assert_eq!(
        (event.at("/message/text"), event.at("/user/connector"), event.at("/chat/owner")),
        ("Are you there?", "1", "0")
    );

    portal.sim("operator/accept", json!({ "chat_id": chat, "operator": 103 })).await;
    portal.sim("operator/reply", json!({ "chat_id": chat, "operator": 103, "text": "Here I am" })).await;
    let event = portal.told().await;
    assert_eq!((event.at("/message/text"), event.at("/message/authorId")), ("Here I am", "103"));
    assert_eq!(
        (event.at("/user/connector"), event.at("/user/extranet"), event.at("/chat/owner")),
        ("0", "0", "103")
    );

    portal.sim("operator/close", json!({ "chat_id": chat })).await;
    let desk = portal.desk().await;
    assert_eq!((desk["status"].as_str(), bots(&desk)), (Some("closed"), 0));
    let (_, second) = portal.says("Again").await;
    assert!(second > first);
    assert_eq!(portal.desk().await["status"], "bot");
}

#[tokio::test]
async fn a_second_call_is_wrong_chat_and_changes_nothing() {
    let (portal, chat, _) = chat_with_bot("").await;
    portal.ok(OPERATOR, json!({ "CHAT_ID": chat })).await;
    portal.refused(OPERATOR, json!({ "CHAT_ID": chat }), 400, "WRONG_CHAT").await;
    portal.sim("operator/accept", json!({ "chat_id": chat, "operator": 27 })).await;
    portal.refused(OPERATOR, json!({ "CHAT_ID": chat }), 400, "WRONG_CHAT").await;
    let desk = portal.desk().await;
    assert_eq!(
        (desk["handoff_calls"].as_u64(), desk["assigned_to"].as_str()),
        (Some(1), Some("Klaus Weber"))
    );
}

#[tokio::test]
async fn an_answer_lost_after_the_effect_leaves_one_handoff() {
    let (portal, chat, _) = chat_with_bot("").await;
    portal.sim("method/fail_after", json!({ "method": OPERATOR })).await;
    portal.refused(OPERATOR, json!({ "CHAT_ID": chat }), 500, "INTERNAL_SERVER_ERROR").await;
    assert_eq!(portal.desk().await["status"], "queue");
    portal.refused(OPERATOR, json!({ "CHAT_ID": chat }), 400, "WRONG_CHAT").await;
    let desk = portal.desk().await;
    assert_eq!((desk["handoff_calls"].as_u64(), desk["system_messages"].as_u64()), (Some(1), Some(1)));
}

#[tokio::test]
async fn a_person_who_does_not_answer_loses_the_chat_to_the_queue() {
    let (portal, chat, _) = chat_with_bot("--clock-factor 200 --welcome-bot-time 0").await;
    portal.sim("operator/set", json!({ "operator": 27, "online": false })).await;
    portal.sim("operator/set", json!({ "operator": 103, "accepts_after": 5 })).await;
    let body = json!({ "CHAT_ID": chat, "USER_ID": 27, "LEAVE": "Y", "CLIENT_ID": "bot-token" });
    assert_eq!(portal.ok(TRANSFER, body).await, json!(true));
    let desk = portal.until(|chat| chat["status"] == "live_agent").await;
    assert_eq!((desk["assigned_to"].as_str(), bots(&desk)), (Some("Maria Silva"), 0));
}

#[tokio::test]
async fn leave_n_keeps_the_bot_for_ever_or_until_the_answer() {
    for (flag, left) in [("never", 1), ("at-accept", 0)] {
        let (portal, chat, _) = chat_with_bot(&format!("--leave-n {flag}")).await;
        let body = json!({ "CHAT_ID": chat, "USER_ID": "27", "LEAVE": "N", "CLIENT_ID": "bot-token" });
        portal.ok(TRANSFER, body).await;
        assert_eq!(bots(&portal.desk().await), 1, "{flag}");
        portal.sim("operator/accept", json!({ "chat_id": chat, "operator": 27 })).await;
        assert_eq!(bots(&portal.desk().await), left, "{flag}");
    }
}

#[tokio::test]
async fn a_transfer_to_another_line_moves_the_session_and_keeps_the_bot() {
    let (mut portal, chat, _) = chat_with_bot("").await;
    portal.sim("line", json!({ "id": 30, "fields": { "LINE_NAME": "Sales" }, "queue": [103] })).await;
    portal
        .ok(
            TRANSFER,
            json!({ "CHAT_ID": chat, "TRANSFER_ID": "queue30", "LEAVE": "Y", "CLIENT_ID": "bot-token" }),
        )
        .await;
    let desk = portal.desk().await;
    assert_eq!((desk["fields"]["line"].as_i64(), bots(&desk)), (Some(30), 1));
    assert_eq!(desk["fields"]["offered_to"], json!([103]));
    portal.says("Hello sales").await;
    let event = portal.told().await;
    assert!(event.at("/chat/entityId").starts_with("livechat|30|"), "{}", event.at("/chat/entityId"));
}

#[tokio::test]
async fn transfers_are_refused_in_the_documented_order() {
    let (portal, chat, _) = chat_with_bot("").await;
    let client = "bot-token";
    let cases = [
        (json!({ "USER_ID": 27 }), "CHAT_ID_EMPTY"),
        (json!({ "chat_id": chat, "USER_ID": 27, "CLIENT_ID": client }), "CHAT_ID_EMPTY"),
        (json!({ "CHAT_ID": chat, "LEAVE": "Y" }), "TRANSFER_ID_EMPTY"),
        (json!({ "CHAT_ID": chat, "USER_ID": "queue", "CLIENT_ID": client }), "USER_ID_EMPTY"),
        (json!({ "CHAT_ID": chat, "QUEUE_ID": 0, "CLIENT_ID": client }), "QUEUE_ID_EMPTY"),
        (json!({ "CHAT_ID": chat, "USER_ID": 27 }), "BOT_ID_ERROR"),
        (json!({ "CHAT_ID": chat, "USER_ID": 27, "CLIENT_ID": "other" }), "BOT_ID_ERROR"),
        (json!({ "CHAT_ID": chat, "USER_ID": 456, "CLIENT_ID": client }), "OPERATOR_WRONG"),
        (json!({ "CHAT_ID": chat, "USER_ID": 599, "CLIENT_ID": client }), "OPERATOR_WRONG"),
        (json!({ "CHAT_ID": chat, "QUEUE_ID": 27, "CLIENT_ID": client }), "OPERATOR_WRONG"),
    ];
    for (body, code) in cases {
        portal.refused(TRANSFER, body, 400, code).await;
    }
    portal.refused(OPERATOR, json!({}), 400, "CHAT_ID_EMPTY").await;
    assert_eq!(portal.desk().await["handoff_calls"], 0);
}

#[tokio::test]
async fn the_platform_takes_the_chat_when_the_bot_has_had_it_long_enough() {
    let (portal, chat, _) = chat_with_bot("--clock-factor 100 --welcome-bot-time 60").await;
    let desk = portal.until(|chat| chat["status"] == "queue").await;
    assert_eq!((desk["auto_handoffs"].as_u64(), desk["handoff_calls"].as_u64()), (Some(1), Some(0)));
    portal.refused(OPERATOR, json!({ "CHAT_ID": chat }), 400, "WRONG_CHAT").await;
}

#[tokio::test]
async fn a_customer_who_writes_zero_gets_a_person() {
    let (portal, _, _) = chat_with_bot("").await;
    let before = portal.deliveries().await.len();
    portal.says(" 0 ").await;
    let desk = portal.desk().await;
    assert_eq!((desk["status"].as_str(), desk["auto_handoffs"].as_u64()), (Some("queue"), Some(1)));
    assert_eq!(portal.deliveries().await.len(), before);
}

#[tokio::test]
async fn an_offer_goes_round_the_queue_and_stays_with_everybody() {
    let (portal, chat, _) = chat_with_bot("--clock-factor 200 --queue-time 10 --welcome-bot-time 0").await;
    portal.ok(OPERATOR, json!({ "CHAT_ID": chat })).await;
    let offered = |wanted: Value| move |chat: &Value| chat["fields"]["offered_to"] == wanted;
    portal.until(offered(json!([103]))).await;
    portal.until(offered(json!([27, 103]))).await;
    portal.sim("operator/set", json!({ "operator": 103, "accepts_after": 0 })).await;
    let desk = portal.until(|chat| chat["status"] == "live_agent").await;
    assert_eq!(desk["assigned_to"], "Maria Silva");
}

#[tokio::test]
async fn operators_can_only_do_what_the_session_allows() {
    let (portal, chat, _) = chat_with_bot("").await;
    let cases = [
        ("operator/accept", json!({ "chat_id": chat, "operator": 27 })),
        ("operator/reply", json!({ "chat_id": chat, "operator": 27, "text": "Hi" })),
        ("operator/accept", json!({ "chat_id": 1, "operator": 27 })),
        ("operator/accept", json!({ "chat_id": chat, "operator": 456 })),
        ("operator/close", json!({ "chat_id": 1 })),
        ("operator/accept", json!({ "chat_id": chat })),
    ];
    for (path, body) in cases {
        let (status, answer) = portal.sim_raw(path, body.clone()).await;
        assert_eq!(status, 400, "{path} {body}: {answer}");
        assert!(answer["error"].as_str().is_some_and(|why| why.len() > 10), "{answer}");
    }
    // Taking a chat away from the bot is another button.
    portal.sim("operator/intercept", json!({ "chat_id": chat, "operator": 27 })).await;
    assert_eq!(portal.desk().await["assigned_to"], "Klaus Weber");
    portal.refused(OPERATOR, json!({ "CHAT_ID": chat }), 400, "WRONG_CHAT").await;
}

#[tokio::test]
async fn a_bot_that_only_leaves_hands_nothing_over() {
    let (portal, chat, _) = chat_with_bot("").await;
    let dialog = json!({ "dialogId": format!("chat{chat}") });
    assert_eq!(portal.bot_ok("Chat.leave", dialog.clone()).await, json!({ "result": true }));
    let (status, answer) = portal.bot_call("Chat.leave", dialog).await;
    assert_eq!((status, answer["error"].as_str()), (403, Some("ACCESS_DENIED")));
    assert_eq!(portal.desk().await["status"], "bot");
    // The call still works for a bot that is out, as long as the session is its own.
    portal.ok(OPERATOR, json!({ "CHAT_ID": chat })).await;
    assert_eq!(portal.desk().await["status"], "queue");
}

#[tokio::test]
async fn a_bot_can_finish_the_session_and_let_the_line_speak() {
    let (portal, chat, session) = chat_with_bot("").await;
    portal
        .ok(
            "imopenlines.bot.session.message.send",
            json!({ "CHAT_ID": chat, "NAME": "DEFAULT", "MESSAGE": "Please wait" }),
        )
        .await;
    portal
        .ok(
            "imopenlines.bot.session.message.send",
            json!({ "CHAT_ID": chat, "NAME": "DEFAULT", "MESSAGE": "" }),
        )
        .await;
    let seen = portal.look("person/ann/messages").await;
    assert_eq!(seen["messages"].as_array().unwrap().len(), 2);
    assert_eq!(seen["messages"][1]["author"], "system");
    portal.refused("imopenlines.bot.session.finish", json!({ "CHAT_ID": chat }), 400, "BOT_ID_ERROR").await;
    portal.ok("imopenlines.bot.session.finish", json!({ "CHAT_ID": chat, "CLIENT_ID": "bot-token" })).await;
    assert_eq!(portal.desk().await["status"], "closed");
    let (again, next) = portal.says("Hello again").await;
    assert_eq!((again, next), (chat, session + 1));
}

#[tokio::test]
async fn a_bot_for_first_sessions_does_not_join_the_second() {
    let (portal, chat, _) = chat_with_bot("").await;
    portal.sim("line", json!({ "id": 22, "fields": { "WELCOME_BOT_JOIN": "first" } })).await;
    portal.sim("operator/close", json!({ "chat_id": chat })).await;
    portal.says("Again").await;
    let desk = portal.desk().await;
    assert_eq!((desk["status"].as_str(), bots(&desk)), (Some("queue"), 0));
}
