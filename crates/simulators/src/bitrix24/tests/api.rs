//! The methods one by one: bots, messages, files, dialogs, lines, users.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::support::{Portal, answered, portal};

async fn chat_with_bot(flags: &str) -> (Portal, i64, i64) {
    let mut portal = portal(flags).await;
    portal.register().await;
    let (chat, session) = portal.says("Hello").await;
    portal.told().await;
    (portal, chat, session)
}

#[tokio::test]
async fn a_bot_is_registered_once_for_its_code_and_assigned_to_the_line() {
    let portal = portal("").await;
    portal.sim("line", json!({ "id": 30 })).await;
    portal.register().await;
    let mut fields = portal.bot_fields("webhook");
    fields["properties"]["name"] = json!("Other");
    let again = portal.ok("imbot.v2.Bot.register", json!({ "fields": fields })).await;
    assert_eq!((&again["bot"]["id"], &again["users"][0]["name"]), (&json!(456), &json!("Helper")));
    let line = portal.ok("imopenlines.config.get", json!({ "CONFIG_ID": 22 })).await;
    assert_eq!((&line["WELCOME_BOT_ENABLE"], &line["WELCOME_BOT_ID"]), (&json!("Y"), &json!("456")));
    let other = portal.ok("imopenlines.config.get", json!({ "CONFIG_ID": 30 })).await;
    assert_eq!(other["WELCOME_BOT_ENABLE"], "N");
    let listed = portal.ok("imbot.v2.Bot.list", json!({ "botToken": "bot-token" })).await;
    assert_eq!((&listed["bots"][0]["code"], &listed["hasNextPage"]), (&json!("helper"), &json!(false)));
}

#[tokio::test]
async fn wrong_registrations_are_refused_by_name() {
    let portal = portal("").await;
    portal.register().await;
    let good = portal.bot_fields("webhook");
    let with = |name: &str, value: Value| {
        let mut fields = good.clone();
        fields["code"] = json!("new");
        fields[name] = value;
        json!({ "fields": fields })
    };
    let cases = [
        (with("botToken", json!(null)), "BOT_TOKEN_NOT_SPECIFIED"),
        (with("botToken", json!("x".repeat(41))), "BOT_TOKEN_INVALID_LENGTH"),
        (with("code", json!("")), "BOT_CODE_REQUIRED"),
        (with("properties", json!({})), "BOT_PROPERTIES_REQUIRED"),
        (with("type", json!("robot")), "BOT_INVALID_TYPE"),
        (with("eventMode", json!("push")), "BOT_INVALID_EVENT_MODE"),
        (with("webhookUrl", json!("")), "BOT_WEBHOOK_URL_REQUIRED"),
        (with("webhookUrl", json!("ftp://x")), "BOT_INVALID_CALLBACK"),
    ];
    for (body, code) in cases {
        portal.refused("imbot.v2.Bot.register", body, 400, code).await;
    }
    let mut taken = good.clone();
    taken["botToken"] = json!("another");
    portal.refused("imbot.v2.Bot.register", json!({ "fields": taken }), 400, "BOT_CODE_ALREADY_TAKEN").await;
}

#[tokio::test]
async fn a_bot_is_known_by_its_id_and_token() {
    let portal = portal("").await;
    portal.register().await;
    let cases = [
        (json!({ "botId": 456 }), 400, "BOT_TOKEN_NOT_SPECIFIED"),
        (json!({ "botToken": "bot-token" }), 400, "BOT_ID_REQUIRED"),
        (json!({ "botId": 999, "botToken": "bot-token" }), 400, "BOT_NOT_FOUND"),
        (json!({ "botId": 456, "botToken": "wrong" }), 403, "BOT_OWNERSHIP_ERROR"),
    ];
    for method in ["Bot.get", "Bot.update", "Event.get", "Chat.get", "Chat.Message.send", "File.upload"] {
        for (body, status, code) in &cases {
            portal.refused(&format!("imbot.v2.{method}"), body.clone(), *status, code).await;
        }
    }
    let (status, answer) =
        portal.call_as("simulatedaccesstoken", "imbot.v2.Bot.get", json!({ "botId": 456 })).await;
    assert_eq!((status, answer["error"].as_str()), (403, Some("BOT_OWNERSHIP_ERROR")));
    // Rotation: the old token authorises, the new one counts from then on.
    portal.bot_ok("Bot.update", json!({ "fields": { "botToken": "fresh", "eventMode": "fetch" } })).await;
    portal
        .refused(
            "imbot.v2.Bot.get",
            json!({ "botId": 456, "botToken": "bot-token" }),
            403,
            "BOT_OWNERSHIP_ERROR",
        )
        .await;
    let bot = portal.ok("imbot.v2.Bot.get", json!({ "botId": "456", "botToken": "fresh" })).await;
    assert_eq!(bot["bot"]["eventMode"], "fetch");
}

#[tokio::test]
async fn the_customer_sees_messages_but_not_those_kept_from_the_connector() {
    let (portal, chat, _) = chat_with_bot("").await;
    let send = |fields: Value| {
        portal.bot_call("Chat.Message.send", json!({ "dialogId": format!("chat{chat}"), "fields": fields }))
    };
    let keyboard = json!([{ "TEXT": "A person", "COMMAND": "operator" }]);
    let (status, sent) = send(json!({ "message": "Hi", "keyboard": keyboard })).await;
    assert_eq!((status, &sent["result"]["uuidMap"]), (200, &json!([])));
    assert_eq!(send(json!({ "message": "Summary", "skipConnector": "Y" })).await.0, 200);
    let (status, answer) = send(json!({ "message": "" })).await;
    assert_eq!((status, answer["error"].as_str()), (400, Some("EMPTY_MESSAGE")));

    let seen = portal.look("person/ann/messages").await;
    let texts: Vec<(&Value, &Value)> =
        seen["messages"].as_array().unwrap().iter().map(|line| (&line["author"], &line["text"])).collect();
    assert_eq!(texts, [(&json!("customer"), &json!("Hello")), (&json!("assistant"), &json!("Hi"))]);
    assert_eq!(seen["messages"][1]["keyboard"], keyboard);
    assert_eq!(portal.desk().await["messages"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_long_message_is_cut_at_twenty_thousand_characters() {
    let (portal, chat, _) = chat_with_bot("").await;
    for (length, expected) in [(20_000, 20_000), (20_001, 20_006)] {
        let fields = json!({ "message": "я".repeat(length) });
        portal
            .bot_ok("Chat.Message.send", json!({ "dialogId": format!("chat{chat}"), "fields": fields }))
            .await;
        let desk = portal.desk().await;
        let text = desk["messages"].as_array().unwrap().last().unwrap()["text"].as_str().unwrap().to_owned();
        assert_eq!((text.chars().count(), text.ends_with(" (...)")), (expected, length > 20_000));
    }
}

#[tokio::test]
async fn php_forms_and_json_mean_the_same() {
    let (portal, chat, _) = chat_with_bot("").await;
    let dialog = format!("chat{chat}");
    let form = [
        ("botId", "456"),
        ("botToken", "bot-token"),
        ("dialogId", dialog.as_str()),
        ("fields[message]", "from a form"),
        ("fields[keyboard][0][TEXT]", "Yes"),
    ];
    let url = format!("{}/rest/1/simulatedwebhook/imbot.v2.Chat.Message.send", portal.base);
    let (status, answer) = answered(portal.http.post(&url).form(&form)).await;
    assert_eq!(status, 200, "{answer}");
    let boundary = "--b\r\ncontent-disposition: form-data; name=\"";
    let parts: String =
        form.iter().map(|(name, value)| format!("{boundary}{name}\"\r\n\r\n{value}\r\n")).collect();
    let multipart = portal
        .http
        .post(&url)
        .header("content-type", "multipart/form-data; boundary=b")
        .body(format!("{parts}--b--\r\n"));
    let (status, answer) = answered(multipart).await;
    assert_eq!(status, 200, "{answer}");
    let messages = portal.desk().await["messages"].clone();
    for n in [1, 2] {
        assert_eq!(messages[n]["text"], "from a form");
        assert_eq!(messages[n]["keyboard"], json!([{ "TEXT": "Yes" }]));
    }
}

#[tokio::test]
async fn files_go_both_ways_and_their_links_work_once() {
    let (mut portal, chat, _) = chat_with_bot("").await;
    let dialog = format!("chat{chat}");
    let upload =
        |fields: Value| portal.bot_call("File.upload", json!({ "dialogId": dialog, "fields": fields }));
    let (_, sent) =
        upload(json!({ "name": "plan.pdf", "content": STANDARD.encode("the plan"), "message": "Here" }))
            .await;
    assert_eq!(
        (&sent["result"]["file"]["extension"], &sent["result"]["dialogId"]),
        (&json!("pdf"), &json!(dialog))
    );
    for (fields, code) in [
        (json!({ "name": "a" }), "FILE_EMPTY"),
        (json!({ "name": "a", "content": "?" }), "FILE_INVALID_CONTENT"),
    ] {
        let (status, answer) = upload(fields).await;
        assert_eq!((status, answer["error"].as_str()), (400, Some(code)));
    }
    let seen = portal.look("person/ann/messages").await;
    assert_eq!(seen["messages"][1]["files"][0]["text"], "the plan");

    portal
        .sim("person/message", json!({ "person": "ann", "file": { "name": "me.txt", "text": "mine" } }))
        .await;
    let id: i64 = portal.told().await.at("/message/params/fileId/0").parse().unwrap();
    let link = portal.bot_ok("File.download", json!({ "fileId": id })).await["downloadUrl"]
        .as_str()
        .unwrap()
        .to_owned();
    let fetched = portal.http.get(&link).send().await.unwrap();
    assert_eq!(fetched.text().await.unwrap(), "mine");
    assert_eq!(portal.http.get(&link).send().await.unwrap().status().as_u16(), 403);
    let (status, answer) = portal.bot_call("File.download", json!({ "fileId": 1 })).await;
    assert_eq!((status, answer["error"].as_str()), (400, Some("FILE_NOT_FOUND")));
}

#[tokio::test]
async fn a_bot_sees_its_chat_and_who_is_in_it() {
    let (portal, chat, _) = chat_with_bot("").await;
    let dialog = json!({ "dialogId": format!("chat{chat}") });
    let seen = portal.bot_ok("Chat.get", dialog.clone()).await;
    assert_eq!((&seen["chat"]["entityType"], &seen["chat"]["role"]), (&json!("LINES"), &json!("member")));
    let users = portal.bot_ok("Chat.User.list", dialog.clone()).await;
    let kinds: Vec<&Value> = users.as_array().unwrap().iter().map(|user| &user["type"]).collect();
    assert_eq!(kinds, ["bot", "extranet"]);
    let typing = json!({ "dialogId": format!("chat{chat}"), "statusMessageCode": "IMBOT_AGENT_ACTION_THINKING", "duration": 30 });
    assert_eq!(portal.bot_ok("Chat.InputAction.notify", typing).await, json!({ "result": true }));
    assert_eq!(portal.desk().await["input_actions"], 1);
    let (status, answer) = portal.bot_call("Chat.Message.get", json!({ "messageId": 86301 })).await;
    assert_eq!((status, answer["error"].as_str()), (403, Some("BOT_TYPE_NOT_ALLOWED")));
    let (status, answer) = portal.bot_call("Chat.get", json!({ "dialogId": "chat1" })).await;
    assert_eq!((status, answer["error"].as_str()), (403, Some("ACCESS_DENIED")));
}

#[tokio::test]
async fn a_dialog_is_found_by_each_of_its_names() {
    let (portal, chat, session) = chat_with_bot("").await;
    let code = portal.desk().await["fields"]["entity_id"].clone();
    let names = [
        json!({ "CHAT_ID": chat }),
        json!({ "DIALOG_ID": format!("chat{chat}") }),
        json!({ "SESSION_ID": session.to_string() }),
        json!({ "USER_CODE": code }),
    ];
    for name in names {
        let dialog = portal.ok("imopenlines.dialog.get", name.clone()).await;
        assert_eq!(
            (&dialog["id"], &dialog["owner"], &dialog["manager_list"]),
            (&json!(chat), &json!(0), &json!([])),
            "{name}"
        );
        assert_eq!(dialog["entity_data_1"].as_str().unwrap().split('|').nth(5).unwrap(), session.to_string());
    }
    portal.refused("imopenlines.dialog.get", json!({ "CHAT_ID": 1 }), 400, "ACCESS_ERROR").await;
    portal.ok("imopenlines.bot.session.operator", json!({ "CHAT_ID": chat })).await;
    portal.sim("operator/accept", json!({ "chat_id": chat, "operator": 27 })).await;
    let dialog = portal.ok("imopenlines.dialog.get", json!({ "CHAT_ID": chat })).await;
    assert_eq!((&dialog["owner"], &dialog["manager_list"]), (&json!(27), &json!([27])));
}

#[tokio::test]
async fn a_sessions_history_has_its_messages_only() {
    let (portal, chat, session) = chat_with_bot("").await;
    portal
        .bot_ok(
            "Chat.Message.send",
            json!({ "dialogId": format!("chat{chat}"), "fields": { "message": "Hi" } }),
        )
        .await;
    portal.ok("imopenlines.bot.session.operator", json!({ "CHAT_ID": chat })).await;
    portal.sim("operator/close", json!({ "chat_id": chat })).await;
    portal.says("Later").await;
    let history = portal.ok("imopenlines.session.history.get", json!({ "SESSION_ID": session })).await;
    let lines: Vec<(String, String)> = history["message"]
        .as_object()
        .unwrap()
        .values()
        .map(|line| {
            (line["senderid"].as_str().unwrap().to_owned(), line["text"].as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert_eq!((lines[0].0.as_str(), lines[1].0.as_str(), lines[2].0.as_str()), ("599", "456", "0"));
    assert_eq!(history["files"], json!([]));
    let method = "imopenlines.session.history.get";
    portal.refused(method, json!({}), 400, "MISSING_REQUIRED_PARAM").await;
    portal.refused(method, json!({ "SESSION_ID": 1 }), 400, "INVALID_SESSION_ID").await;
    portal.refused(method, json!({ "CHAT_ID": chat }), 400, "ACCESS_DENIED").await;
}

#[tokio::test]
async fn lines_are_listed_read_and_changed() {
    let portal = portal("").await;
    let listed = portal
        .ok(
            "imopenlines.config.list.get",
            json!({ "PARAMS": { "select": ["ID", "LINE_NAME"] }, "OPTIONS": { "QUEUE": "Y" } }),
        )
        .await;
    assert_eq!(listed, json!([{ "ID": "22", "LINE_NAME": "Support", "QUEUE": [27, 103] }]));
    let change = json!({ "CONFIG_ID": 22, "PARAMS": {
        "WELCOME_BOT_LEFT": "close", "QUEUE": [{ "ENTITY_TYPE": "user", "ENTITY_ID": "103" }, { "ENTITY_TYPE": "department", "ENTITY_ID": 1 }],
    } });
    assert_eq!(portal.ok("imopenlines.config.update", change).await, json!(true));
    portal.sim("operator/set", json!({ "operator": 103, "online": false })).await;
    let line = portal
        .ok("imopenlines.config.get", json!({ "CONFIG_ID": "22", "WITH_QUEUE": "Y", "SHOW_OFFLINE": "N" }))
        .await;
    assert_eq!(
        (&line["WELCOME_BOT_LEFT"], &line["QUEUE"], &line["QUEUE_ONLINE"]),
        (&json!("close"), &json!([]), &json!("N"))
    );
    assert_eq!(line["DATE_CREATE"], json!({}));
    assert_eq!(portal.ok("imopenlines.config.get", json!({ "CONFIG_ID": 1 })).await, json!(false));
    portal.refused("imopenlines.config.get", json!({}), 400, "CONFIG_ID_EMPTY").await;
    let added = portal
        .ok("imopenlines.config.add", json!({ "PARAMS": { "LINE_NAME": "Sales", "QUEUE": [103] } }))
        .await;
    assert_eq!(added, json!(23));
    assert_eq!(portal.ok("imopenlines.config.delete", json!({ "CONFIG_ID": 23 })).await, json!(true));
}

#[tokio::test]
async fn users_are_filtered_by_id_and_presence() {
    let portal = portal("").await;
    portal.sim("operator/set", json!({ "operator": 27, "online": false })).await;
    let (_, answer) =
        portal.call("user.get", json!({ "FILTER": { "ID": [27, 103], "IS_ONLINE": "Y" } })).await;
    assert_eq!(
        (&answer["result"][0]["ID"], &answer["result"][0]["IS_ONLINE"], &answer["total"]),
        (&json!("103"), &json!("Y"), &json!(1))
    );
    let (_, answer) = portal.call("user.get", json!({ "ID": "27" })).await;
    assert_eq!(
        (&answer["result"][0]["NAME"], &answer["result"][0]["IS_ONLINE"]),
        (&json!("Klaus"), &json!("N"))
    );
}

#[tokio::test]
async fn a_batch_answers_each_command_and_uses_earlier_results() {
    let (portal, chat, _) = chat_with_bot("").await;
    portal.ok("imopenlines.bot.session.operator", json!({ "CHAT_ID": chat })).await;
    portal.sim("operator/accept", json!({ "chat_id": chat, "operator": 27 })).await;
    let cmd = json!({ "a": format!("imopenlines.dialog.get?CHAT_ID={chat}"), "b": "user.get?ID=$result[a][owner]", "c": "nothing", "d": "batch" });
    let result = portal.ok("batch", json!({ "halt": 0, "cmd": cmd })).await;
    assert_eq!(result["result"]["b"][0]["NAME"], "Klaus");
    assert_eq!(result["result_error"]["c"]["error"], "ERROR_METHOD_NOT_FOUND");
    assert_eq!(result["result_error"]["d"]["error"], "ERROR_BATCH_METHOD_NOT_ALLOWED");
    assert_eq!(result["result_total"], json!([]));
}

#[tokio::test]
async fn every_answer_says_how_long_it_took() {
    let portal = portal("").await;
    let (_, answer) = portal.call("server.time", json!({})).await;
    for field in ["start", "finish", "duration", "processing", "date_start", "date_finish", "operating"] {
        assert!(!answer["time"][field].is_null(), "{field}: {answer}");
    }
}

#[tokio::test]
async fn the_desk_page_shows_chats_and_its_buttons_work() {
    let (portal, chat, _) = chat_with_bot("").await;
    portal.ok("imopenlines.bot.session.operator", json!({ "CHAT_ID": chat })).await;
    portal.says("<b>bold</b>").await;
    let (status, text) = answered(portal.http.get(format!("{}/_sim", portal.base))).await;
    let text = text.as_str().unwrap();
    assert_eq!(status, 200);
    assert!(text.contains("&lt;b&gt;bold") && text.contains("Answer"), "{text}");
    let press = |action: &str| portal.http.post(format!("{}/_sim/desk/{chat}/{action}", portal.base));
    assert_eq!(answered(press("accept").form(&[("text", "")])).await.0, 303);
    assert_eq!(answered(press("reply").form(&[("text", "Good day")])).await.0, 303);
    let seen = portal.look("person/ann/messages").await;
    assert_eq!(seen["messages"].as_array().unwrap().last().unwrap()["text"], "Good day");
    assert_eq!(answered(press("dance").form(&[("text", "")])).await.0, 400);
}
