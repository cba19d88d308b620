//! What goes wrong where chats of ours leave for an open channel, by the numbers of
//! `docs/reference/bitrix24-traps.md`. What concerns the set-up is in `open_channel_set_up`.

use anyhow::{Context, Result};
use handoff_tests::{
    assistants::{BACK, FAILED, QUEUED, WISH, support},
    bitrix24::{BOT_TOKEN, Bitrix24, CLIENT_ID, CLIENT_SECRET, OPERATOR, WEBHOOK_CODE},
    chat::Chat,
    server::Server,
    setup::{CHAT_KEY, Setup},
    visitor::Visitor,
    web::Web,
};
use serde_json::{Value, json};

use super::{
    FACTOR, FASTER,
    open_channel::{on_line_30, with_an_operator},
    open_line::QUIET,
};

/// What the team said, as the person sees it.
fn by_team(person: &Visitor) -> Vec<&str> {
    let lines = person.thread.iter().filter(|line| line.author == "live_agent");
    lines.map(|line| line.text.as_str()).collect()
}

/// The events of one name that the portal posted.
async fn told(bitrix24: &Bitrix24, event: &str) -> Result<Vec<Value>> {
    let all = bitrix24.deliveries().await?;
    Ok(all.into_iter().filter(|delivery| delivery["label"] == event).collect())
}

#[tokio::test]
async fn scenario_9_what_an_operator_corrects_or_withdraws_reaches_the_person() -> Result<()> {
    let (bitrix24, server) = on_line_30(QUIET).await?;
    let (mut person, chat) = with_an_operator(&bitrix24, &server).await?;
    let reply = json!({ "chat_id": chat, "operator": OPERATOR, "text": "Tomorrow" });
    let message = bitrix24.control("operator/reply", reply).await?["message_id"].clone();
    person.until_shown("Tomorrow").await?;
    // Only what was acknowledged, with an id of ours, is told of again.
    let acknowledged = |chats: &[Chat]| {
        let messages = chats[0].raw["messages"].as_array().into_iter().flatten();
        messages.into_iter().any(|line| line["id"] == message && line["delivered"] == true)
    };
    bitrix24.until_chats("an acknowledgement", acknowledged).await?;
    bitrix24
        .control("operator/edit", json!({ "message_id": message, "text": "The day [b]after[/b]" }))
        .await?;
    person.until_shown("(corrected) The day after").await?;
    bitrix24.control("operator/delete", json!({ "message_id": message })).await?;
    person.until_shown("(a message was withdrawn)").await?;
    let expected = ["Good day", "Tomorrow", "(corrected) The day after", "(a message was withdrawn)"];
    assert_eq!(by_team(&person), expected);
    for event in ["ONIMCONNECTORMESSAGEUPDATE", "ONIMCONNECTORMESSAGEDELETE"] {
        let ours = format!(".a{message}");
        let events = told(&bitrix24, event).await?;
        assert!(events.len() == 1 && events[0]["body"].to_string().contains(&ours), "{events:#?}");
    }
    Ok(())
}

/// A server that has a bot on the portal and brings chats of its own to line 30, in which that bot greets.
async fn on_line_30_with_our_bot() -> Result<(Bitrix24, Server)> {
    let bitrix24 = Bitrix24::start(&[&FASTER[..], QUIET].concat()).await?;
    let fields = json!({ "WELCOME_MESSAGE": "Y", "WELCOME_MESSAGE_TEXT": "You are the first.", "WELCOME_BOT_TIME": 0, "WELCOME_BOT_LEFT": "close" });
    bitrix24.control("line", json!({ "id": 30, "fields": fields, "queue": [OPERATOR] })).await?;
    let mut setup = Setup::new()?.with_bitrix24(&bitrix24).with_assistant(support("bitrix24"));
    let connection = &mut setup.config["connections"]["bitrix24"];
    connection["settings"]["client_id"] = json!(CLIENT_ID);
    connection["settings"]["line"] = json!(30);
    connection["secrets"]["client_secret"] = json!(CLIENT_SECRET);
    let server = Server::start(setup.with_clock_factor(FACTOR)).await?;
    bitrix24.until_installed().await?;
    let handler = format!("{}/webhooks/bitrix24", server.base);
    bitrix24.control("app/install", json!({ "handler": handler })).await?;
    let on = |seen: &Value| !seen["connectors"]["handoff"]["lines"]["30"].is_null();
    let seen = bitrix24.until("a connector on line 30", on).await?;
    let bot = seen["bots"].as_object().and_then(|bots| bots.keys().next()).context("no bot")?;
    let greets = json!({ "WELCOME_BOT_ENABLE": "Y", "WELCOME_BOT_ID": bot });
    bitrix24.control("line", json!({ "id": 30, "fields": greets })).await?;
    Ok((bitrix24, server))
}

#[tokio::test]
async fn scenario_10_and_trap_8_our_own_words_are_no_news_and_automatic_texts_are() -> Result<()> {
    let (bitrix24, server) = on_line_30_with_our_bot().await?;
    let mut person = Visitor::open(&server).await?;
    person.says(WISH).await?;
    person.until_told(QUEUED).await?;
    let chats = bitrix24.until_chats("the queue", |chats| chats[0].status == "queue").await?;
    let spoken = |chat: &Chat| chat.lines.iter().filter(|line| line.author == "assistant").count();
    assert_eq!(spoken(&chats[0]), 0, "the assistant gave the chat away, its bot passes it on unanswered");
    assert_eq!(chats[0].raw["handoff_calls"], 1);

    // It is still in the chat, and whatever is said in its name comes back to us.
    let chat: i64 = chats[0].id.parse()?;
    let seen = bitrix24.look("inspect").await?;
    let bot = seen["bots"].as_object().and_then(|bots| bots.keys().next()).context("no bot")?;
    let said = json!({
        "botId": bot, "botToken": BOT_TOKEN, "dialogId": format!("chat{chat}"), "fields": { "message": "Our own" },
    });
    let method = format!("/rest/1/{WEBHOOK_CODE}/imbot.v2.Chat.Message.send");
    Web::new(&bitrix24.base).post(&method, &said).await?;
    bitrix24.until_told().await?;
    bitrix24.accepts(chat).await?;
    bitrix24.replies(chat, "Good day").await?;
    person.until_shown("Good day").await?;
    let news = told(&bitrix24, "ONIMCONNECTORMESSAGEADD").await?;
    let texts = ["You+are+the+first.", "Our+own", "Good+day"];
    let comes = |text: &str| news.iter().any(|event| event["body"].to_string().contains(text));
    assert!(news.len() == 3 && texts.into_iter().all(comes), "{news:#?}");
    assert_eq!((by_team(&person), person.times("You are the first.")), (vec!["Good day"], 1));
    assert_eq!(person.times("Our own"), 0, "{:#?}", person.thread);
    assert_eq!(server.conversations().await?.len(), 1, "the bot begins no conversation of its own");
    Ok(())
}

#[tokio::test]
async fn trap_4_a_deleted_line_is_told_with_a_bare_number_and_words_wait_until_it_is_there_again()
-> Result<()> {
    let (bitrix24, server) = on_line_30(QUIET).await?;
    let (mut person, _) = with_an_operator(&bitrix24, &server).await?;
    bitrix24.control("line/delete", json!({ "line": 30 })).await?;
    bitrix24.until_told().await?;
    let events = told(&bitrix24, "ONIMCONNECTORLINEDELETE").await?;
    assert!(events.len() == 1 && events[0]["body"].to_string().contains("&data=30&"), "{events:#?}");
    assert_eq!(events[0]["state"], "delivered");
    assert!(server.log().contains("The open channel 30 was deleted"), "an operator is told");
    assert_eq!(person.says("Anybody?").await?, "platform");
    bitrix24
        .control("line", json!({ "id": 30, "fields": { "LINE_NAME": "Sales" }, "queue": [OPERATOR] }))
        .await?;
    let handler = format!("{}/webhooks/bitrix24", server.base);
    bitrix24.control("app/install", json!({ "handler": handler })).await?;
    let chats = bitrix24.until_chats("the words", |chats| chats[0].count("Anybody?") == 1).await?;
    assert_eq!(chats.len(), 1);
    Ok(())
}

#[tokio::test]
async fn trap_6_tokens_that_come_with_events_are_used_for_nothing() -> Result<()> {
    let (bitrix24, server) = on_line_30(QUIET).await?;
    let (mut person, chat) = with_an_operator(&bitrix24, &server).await?;
    person.says("Thanks").await?;
    bitrix24.until_chats("the words", |chats| chats[0].count("Thanks") == 1).await?;
    bitrix24.closes(chat).await?;
    bitrix24.until_told().await?;
    let token = |delivery: &Value| {
        let body = delivery["body"].as_str()?;
        let (_, token) = body.split_once("auth%5Baccess_token%5D=")?;
        token.split('&').next().map(str::to_owned)
    };
    let events = told(&bitrix24, "ONIMCONNECTORMESSAGEADD").await?;
    let foreign: Vec<String> = events.iter().filter_map(token).collect();
    assert!(!foreign.is_empty(), "an operator's event brings the operator's token: {events:#?}");
    for request in bitrix24.requests().await? {
        let used = request.to_string();
        assert!(!foreign.iter().any(|token| used.contains(token.as_str())), "{used}");
    }
    Ok(())
}

#[tokio::test]
async fn trap_9_a_success_whose_only_message_failed_is_a_refusal_and_the_person_is_told() -> Result<()> {
    let (bitrix24, server) = on_line_30(QUIET).await?;
    let mut person = Visitor::open(&server).await?;
    bitrix24.control("connector/refuse", json!({ "times": 1 })).await?;
    person.says(WISH).await?;
    person.until_told(FAILED).await?;
    person.until_told(BACK).await?;
    assert_eq!((person.times(QUEUED), bitrix24.chats().await?.len()), (0, 0));
    let failed = server.handoff_of(&person.conversation).await?.to_string();
    assert!(failed.contains("could not be saved"), "the portal's reason: {failed}");

    let mut other = Visitor::open(&server).await?;
    other.says(WISH).await?;
    other.until_told(QUEUED).await?;
    assert_eq!(bitrix24.chats().await?.len(), 1);
    Ok(())
}

/// Otherwise operators keep a chat that the assistant answers.
#[tokio::test]
async fn p1_what_a_failed_handoff_left_is_taken_back_however_often_the_portal_is_away() -> Result<()> {
    let (bitrix24, server) = on_line_30(QUIET).await?;
    let mut person = Visitor::open(&server).await?;
    let refused = json!({ "error": "INVALID_REQUEST", "error_description": "No more." }).to_string();
    let faults = [
        json!({ "path": "imconnector.send.messages", "skip": 1, "kind": { "status": 400, "body": refused } }),
        json!({ "path": "operator.another.finish", "times": 6, "kind": { "status": 503 } }),
    ];
    bitrix24.control("faults", json!({ "faults": faults })).await?;
    person.says(WISH).await?;
    person.until_told(FAILED).await?;
    assert_eq!(bitrix24.chats().await?[0].status, "queue");
    bitrix24.until_chats("a finished session", |chats| chats[0].status == "closed").await?;
    Ok(())
}

#[tokio::test]
async fn trap_10_names_and_addresses_that_the_portal_would_refuse_are_made_acceptable() -> Result<()> {
    let (bitrix24, server) = on_line_30(QUIET).await?;
    let person = json!({
        "name": "R2-D2 \u{1F600} von und zu Hohenstein-Lichtenfels", "email": "customer 4711", "phone": "12",
    });
    let api = server.web().with_bearer(CHAT_KEY);
    let path = "/v1/channels/api/conversations/r2/messages?wait=reply";
    api.post(path, &json!({ "text": WISH, "person": person })).await?;
    let has_history = |chats: &[Chat]| chats.iter().any(|chat| chat.said().len() == 2);
    let chats = bitrix24.until_chats("the history", has_history).await?;
    assert_eq!(chats[0].raw["requester"], "R-D");
    let user = bitrix24.calls("send.messages").await?[0]["MESSAGES"][0]["user"].clone();
    assert_eq!((&user["name"], &user["last_name"]), (&json!("R-D"), &json!("von und zu Hohenstein-Li")));
    assert_eq!((&user["email"], &user["skip_phone_validate"]), (&Value::Null, &json!("Y")));
    Ok(())
}

#[tokio::test]
async fn trap_12_persons_are_not_merged_and_the_receipt_names_what_was_linked_in_the_crm() -> Result<()> {
    let (bitrix24, server) = on_line_30(QUIET).await?;
    bitrix24.control("line", json!({ "id": 30, "fields": { "CRM": "Y", "CRM_CREATE": "deal" } })).await?;
    for _ in 0..2 {
        let mut person = Visitor::open(&server).await?;
        person.says(WISH).await?;
        person.until_told(QUEUED).await?;
        let handoff = server.handoff_of(&person.conversation).await?;
        let linked = handoff["receipt"]["remarks"].to_string();
        assert!(linked.contains("linked in the CRM with deal "), "{handoff:#}");
    }
    let chats = bitrix24.chats().await?;
    let of = |chat: &Chat| {
        let code = chat.raw["fields"]["entity_id"].as_str().unwrap_or_default().to_owned();
        code.rsplit('|').next().map(str::to_owned)
    };
    assert!(chats.len() == 2 && of(&chats[0]) != of(&chats[1]), "{chats:#?}");
    assert_eq!(bitrix24.calls("imconnector.register").await?[0]["CHAT_GROUP"], false);
    Ok(())
}

#[tokio::test]
async fn trap_14_a_lone_digit_arrives_as_words_and_not_as_a_vote() -> Result<()> {
    let (bitrix24, server) = on_line_30(QUIET).await?;
    let (mut person, _) = with_an_operator(&bitrix24, &server).await?;
    for digit in ["0", "1", "10"] {
        person.says(digit).await?;
    }
    let chats = bitrix24.until_chats("the last word", |chats| chats[0].count("10") == 1).await?;
    let said = chats[0].lines.iter().filter(|line| line.author == "customer");
    let said: Vec<&str> = said.map(|line| line.text.as_str()).collect();
    assert_eq!(said[said.len() - 3..], ["0\u{200b}", "1\u{200b}", "10"]);
    Ok(())
}
