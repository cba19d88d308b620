//! What goes wrong with the bot of an open channel, by the numbers of `docs/reference/bitrix24-traps.md`.

use anyhow::Result;
use handoff_tests::{
    assistants::{HELLO, WISH, answer_to},
    bitrix24::APPLICATION_TOKEN,
    web::send,
};
use serde_json::{Value, json};

use super::{
    on_bitrix24,
    open_line::{QUIET, accepted, in_queue, passing_on, spoken},
    plain,
};

#[tokio::test]
async fn traps_2_and_13_a_transfer_names_its_line_or_person_and_the_bot_leaves_by_itself() -> Result<()> {
    let targets = [
        (json!({}), None),
        (json!({ "line": 30 }), Some(json!({ "QUEUE_ID": 30 }))),
        (json!({ "user": 27 }), Some(json!({ "USER_ID": 27, "LEAVE": "Y" }))),
    ];
    for (options, transfer) in targets {
        let flags = [QUIET, &["--welcome-bot-left", "close"]].concat();
        let (bitrix24, server) = passing_on(&flags, options.clone()).await?;
        let chat = in_queue(&bitrix24).await?;
        accepted(&server).await?;
        let (transfers, to_queue) = match transfer {
            Some(mut parameters) => {
                parameters["CHAT_ID"] = json!(chat);
                (vec![parameters], vec![])
            }
            None => (vec![], vec![json!({ "CHAT_ID": chat })]),
        };
        assert_eq!(bitrix24.calls("bot.session.transfer").await?, transfers, "{options}");
        assert_eq!(bitrix24.calls("bot.session.operator").await?, to_queue, "{options}");
        let seen = bitrix24.look("inspect").await?;
        let bots: Vec<&String> = seen["bots"].as_object().into_iter().flat_map(|bots| bots.keys()).collect();
        let left = json!({ "botId": bots[0].parse::<i64>()?, "dialogId": format!("chat{chat}") });
        assert_eq!(bitrix24.calls("Chat.leave").await?, [left], "{options}");
        let members = bitrix24.chat(chat).await?.raw["fields"]["bots"].clone();
        assert_eq!((bots.len(), members), (1, json!([])), "{options}");
    }
    Ok(())
}

#[tokio::test]
async fn trap_4_an_event_is_a_nested_form_and_json_has_no_effect() -> Result<()> {
    let (bitrix24, server) = on_bitrix24(QUIET, plain).await?;
    let event = json!({
        "event": "ONIMBOTV2MESSAGEADD",
        "data": {
            "message": { "id": 9, "authorId": 599, "text": "Hello" },
            "chat": { "id": 1777, "entityType": "LINES" }, "user": { "id": 599, "connector": true },
        },
        "auth": { "application_token": APPLICATION_TOKEN },
    });
    for media_type in ["application/json", "application/x-www-form-urlencoded"] {
        let post = server.web().request("POST", "/webhooks/bitrix24").header("content-type", media_type);
        let answer = send(post.body(event.to_string())).await?;
        assert!(answer.status >= 400, "{media_type} was answered {}", answer.status);
    }
    assert_eq!(server.conversations().await?, Vec::<Value>::new());

    let chat = bitrix24.says("anna", "Hello").await?;
    bitrix24.until_chat(chat, "an answer", |chat| chat.count(&answer_to("Hello")) == 1).await?;
    bitrix24.until_told().await?;
    for delivery in bitrix24.deliveries().await? {
        assert_eq!(delivery["content_type"], "application/x-www-form-urlencoded");
        assert!(delivery["body"].to_string().contains("data%5Bchat%5D%5Bid%5D="), "{delivery:#}");
        assert_eq!(delivery["state"], "delivered", "{delivery:#}");
    }
    Ok(())
}

#[tokio::test]
async fn trap_7_events_that_are_fetched_wait_for_a_server_that_was_away() -> Result<()> {
    let (bitrix24, mut server) = on_bitrix24(QUIET, |mut setup| {
        setup.config["connections"]["bitrix24"]["settings"]["event_mode"] = json!("fetch");
        setup
    })
    .await?;
    let chat = bitrix24.says("anna", "Hello").await?;
    bitrix24.until_chat(chat, "an answer", |chat| chat.count(&answer_to("Hello")) == 1).await?;
    server.kill9().await?;
    bitrix24.says("anna", WISH).await?;
    server.restart().await?;
    bitrix24.until_chat(chat, "the queue", |chat| chat.status == "queue").await?;
    accepted(&server).await?;
    let seen = bitrix24.chat(chat).await?;
    assert_eq!((seen.count(HELLO), seen.count(&answer_to("Hello"))), (1, 1), "{:#?}", seen.lines);
    assert_eq!(seen.raw["handoff_calls"], 1);
    assert_eq!(bitrix24.deliveries().await?, Vec::<Value>::new(), "nothing is posted");
    Ok(())
}

#[tokio::test]
async fn trap_14_a_zero_that_the_portal_takes_for_a_wish_silences_the_bot_in_the_middle_of_an_answer()
-> Result<()> {
    let (bitrix24, server) = on_bitrix24(QUIET, plain).await?;
    let chat = bitrix24.says("anna", "Hello").await?;
    bitrix24.until_chat(chat, "an answer", |chat| chat.count(&answer_to("Hello")) == 1).await?;
    bitrix24.fault(json!({ "path": "Chat.Message.send", "kind": "hold" })).await?;
    bitrix24.says("anna", "More").await?;
    bitrix24.until_held().await?;
    bitrix24.says("anna", "0").await?;
    bitrix24.release().await?;
    bitrix24.until_settled().await?;
    let seen = bitrix24.until_chat(chat, "the queue", |chat| chat.status == "queue").await?;
    assert_eq!((&seen.raw["auto_handoffs"], &seen.raw["handoff_calls"]), (&json!(1), &json!(0)));

    // The next session's greeting comes after anything that was still to be said.
    bitrix24.accepts(chat).await?;
    bitrix24.closes(chat).await?;
    bitrix24.says("anna", "me again").await?;
    let again = answer_to("me again");
    let seen = bitrix24.until_chat(chat, "a new session", |chat| chat.count(&again) == 1).await?;
    assert_eq!(seen.count(&answer_to("More")), 0, "{:#?}", seen.lines);
    assert_eq!(server.handoffs().await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn trap_14_a_session_that_the_portal_takes_during_the_transfer_counts_as_passed_on() -> Result<()> {
    let (bitrix24, server) = on_bitrix24(QUIET, plain).await?;
    bitrix24.fault(json!({ "path": "bot.session.operator", "kind": "hold" })).await?;
    let chat = bitrix24.says("anna", WISH).await?;
    bitrix24.until_held().await?;
    bitrix24.says("anna", "0").await?;
    bitrix24.release().await?;
    accepted(&server).await?;
    let seen = bitrix24.chat(chat).await?;
    assert_eq!((&seen.raw["auto_handoffs"], &seen.raw["handoff_calls"]), (&json!(1), &json!(0)));
    assert_eq!(seen.raw["system_messages"], 1, "one line of the system: {:#?}", seen.lines);
    Ok(())
}

#[tokio::test]
async fn trap_16_the_bot_cannot_read_so_the_webhooks_user_looks_up_what_it_has_said() -> Result<()> {
    let (bitrix24, server) = on_bitrix24(QUIET, plain).await?;
    bitrix24.fault(json!({ "path": "Chat.Message.send", "kind": "reset_after", "times": 2 })).await?;
    let chat = bitrix24.says("anna", "Hello").await?;
    let answered = answer_to("Hello");
    bitrix24.until_chat(chat, "an answer", |chat| chat.count(&answered) == 1).await?;
    bitrix24.says("anna", "More").await?;
    let more = answer_to("More");
    let seen = bitrix24.until_chat(chat, "another", |chat| chat.count(&more) == 1).await?;
    assert_eq!((seen.count(HELLO), seen.count(&answered), spoken(&seen)), (1, 1, 3), "{:#?}", seen.lines);
    let asked = bitrix24.requests().await?;
    let asks = |path: &str| asked.iter().any(|request| request["path"].as_str() == Some(path));
    assert!(asks("/rest/1/simulatedwebhook/imopenlines.session.history.get"), "nobody looked");
    assert!(!asks("/rest/1/simulatedwebhook/imbot.v2.Chat.Message.get"), "the bot may not read");
    let conversation = server.conversations().await?[0]["id"].as_str().unwrap_or_default().to_owned();
    let kept = server.conversation(&conversation).await?.to_string();
    assert!(
        [HELLO, &answered, &more].iter().all(|text| kept.contains(*text)),
        "a transcript of our own: {kept}"
    );
    Ok(())
}

#[tokio::test]
async fn trap_17_copies_of_outgoing_messages_are_left_out_where_the_operator_names_their_beginning()
-> Result<()> {
    let (bitrix24, server) = on_bitrix24(QUIET, |mut setup| {
        let settings = &mut setup.config["connections"]["bitrix24"]["settings"];
        settings["ignored_prefixes"] = json!(["=== outgoing message"]);
        setup
    })
    .await?;
    let chat = bitrix24.says("anna", "Hello").await?;
    bitrix24.until_chat(chat, "an answer", |chat| chat.count(&answer_to("Hello")) == 1).await?;
    bitrix24.says("anna", &format!("=== outgoing message, author: phone ===\n{WISH}")).await?;
    bitrix24.until_told().await?;
    bitrix24.says("anna", "More").await?;
    let more = answer_to("More");
    let seen = bitrix24.until_chat(chat, "another answer", |chat| chat.count(&more) == 1).await?;
    assert_eq!((spoken(&seen), &seen.raw["handoff_calls"]), (3, &json!(0)), "{:#?}", seen.lines);
    let conversation = server.conversations().await?[0]["id"].as_str().unwrap_or_default().to_owned();
    let kept = server.conversation(&conversation).await?.to_string();
    assert!(kept.contains("More") && !kept.contains("outgoing message"), "{kept}");
    Ok(())
}
