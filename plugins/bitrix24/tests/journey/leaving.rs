//! Chats leave for live agents: once, whatever goes wrong.

use std::{sync::atomic::Ordering, time::Duration};

use handoff_sdk::{
    Connector, ConnectorError,
    model::connector::{Found, Transfer},
};
use serde_json::{Value, json};

use crate::world::{World, bare, transfer, world};

const STEPS: [&str; 4] = ["dialog.get", "Chat.User.list", "bot.session.", "Chat.leave"];

/// Exactly one chat, one session and one way out of it; the whole history is there, in order.
async fn left_once(world: &World, line: u64, calls: u64) -> Value {
    let chat = world.chat().await;
    assert_eq!(chat["handoff_calls"], calls, "{chat}");
    assert_eq!(chat["status"], "queue", "{chat}");
    assert_eq!(chat["sessions"].as_array().map(Vec::len), Some(1), "{chat}");
    assert_eq!(chat["fields"]["line"], line, "{chat}");
    let said: Vec<(&str, &str)> = chat["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| (message["author"].as_str().unwrap(), message["text"].as_str().unwrap()))
        .collect();
    assert_eq!(&said[..2], [("customer", "hi"), ("customer", "a human please")]);
    assert!(
        said[2..].iter().all(|(author, _)| *author == "system") && said.len() == 2 + calls as usize,
        "{said:?}"
    );
    chat
}

async fn asked_for_a_human(flags: &str) -> (World, u64) {
    let world = world(flags).await;
    world.says("hi").await;
    let chat = world.says("a human please").await;
    (world, chat)
}

/// The author's choices, and the line in which the chat then is.
fn targets() -> [(Value, u64); 3] {
    [(json!({}), 22), (json!({ "line": "30", "tags": [] }), 30), (json!({ "user": 27 }), 22)]
}

#[tokio::test]
async fn a_chat_leaves_for_its_queue_another_line_or_a_person() {
    for left in ["queue", "close"] {
        for (options, line) in targets() {
            let (world, chat) = asked_for_a_human(&format!("--welcome-bot-left {left}")).await;
            let (done, story) = world.hand_over(transfer(chat, options.clone())).await;
            assert_eq!(story, ["done"], "{options}");
            assert_eq!((done.ticket.chat, done.ticket.label.as_deref()), (chat.to_string(), Some("343")));
            assert!(done.queued && done.remarks.is_empty(), "{:?}", done.remarks);
            let seen = left_once(&world, line, 1).await;
            assert_eq!(seen["fields"]["bots"], json!([]), "the bot is out, {options}");
            assert_eq!(world.host.checkpoints().len(), 2);
        }
    }
}

#[tokio::test]
async fn no_fault_at_any_step_doubles_or_loses_a_transfer() {
    let faults = [
        json!("reset_before"),
        json!("reset_after"),
        json!("reset_mid"),
        json!("truncate"),
        json!("html"),
        json!("html_ok"),
        json!({ "status": 500 }),
        json!({ "status": 503 }),
        json!({ "status": 429 }),
        json!({ "status": 401 }),
    ];
    for left in ["queue", "close"] {
        for (options, line) in targets() {
            for step in STEPS {
                for fault in &faults {
                    let (world, chat) = asked_for_a_human(&format!("--welcome-bot-left {left}")).await;
                    world.fault(step, fault, 1).await;
                    let (done, story) = world.hand_over(transfer(chat, options.clone())).await;
                    let case = format!("{left} {options} {step} {fault}: {story:?} {:?}", done.remarks);
                    assert_eq!(done.ticket.label.as_deref(), Some("343"), "{case}");
                    assert!(story.len() <= 2, "{case}");
                    left_once(&world, line, 1).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn an_error_after_the_effect_is_looked_up_and_not_repeated() {
    for (options, line) in targets() {
        let (world, chat) = asked_for_a_human("").await;
        for method in ["imopenlines.bot.session.operator", "imopenlines.bot.session.transfer"] {
            world.sim("method/fail_after", json!({ "method": method, "times": 1 })).await;
        }
        let (_, story) = world.hand_over(transfer(chat, options)).await;
        assert_eq!(story, ["found"]);
        left_once(&world, line, 1).await;
    }
}

#[tokio::test]
async fn whoever_is_superseded_stops_and_the_next_one_goes_on() {
    for (options, line) in targets() {
        for n in 0..2 {
            let (world, chat) = asked_for_a_human("").await;
            world.host.supersede_after(n);
            let stopped = world.bitrix24.transfer(&world.host.cx(), transfer(chat, options.clone())).await;
            assert_eq!(stopped, Err(ConnectorError::Superseded), "{options} {n}");
            assert_eq!(world.chat().await["handoff_calls"], n, "asked only after the first checkpoint");
            world.host.supersede_after(u64::MAX);
            let (_, story) = world.hand_over(transfer(chat, options.clone())).await;
            assert_eq!(story, ["done"], "{options} {n}");
            left_once(&world, line, 1).await;
        }
    }
}

/// Starts a transfer whose call is held, and drops it as a crash would.
async fn crashed_while(world: &World, held: &str, transfer: &Transfer) {
    world.fault("bot.session.", &json!(held), 1).await;
    let (bitrix24, cx, call) = (world.bitrix24.clone(), world.host.cx(), transfer.clone());
    let running = tokio::spawn(async move { bitrix24.transfer(&cx, call).await.map(|_| ()) });
    world.until(|seen| seen["control"]["held"].as_u64() == Some(1)).await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
}

#[tokio::test]
async fn a_crash_after_the_effect_is_found_out() {
    for (options, line) in targets() {
        let (world, chat) = asked_for_a_human("").await;
        let transfer = transfer(chat, options);
        crashed_while(&world, "hold_after", &transfer).await;
        assert!(matches!(world.find(&transfer).await, Ok(Found::There(_))));
        let (_, story) = world.hand_over(transfer).await;
        assert_eq!(story, ["done"], "a new holder may as well go on");
        left_once(&world, line, 1).await;
    }
}

#[tokio::test]
async fn a_call_still_under_way_does_no_harm_where_find_says_so() {
    for (options, line) in targets() {
        let (world, chat) = asked_for_a_human("").await;
        let transfer = transfer(chat, options.clone());
        crashed_while(&world, "hold", &transfer).await;
        let safe_now = options == json!({});
        assert_eq!(world.find(&transfer).await, Ok(Found::Absent { safe_now }), "{options}");
        let late = |world: &Value| world["control"]["held"].as_u64() == Some(0);
        if safe_now {
            world.hand_over(transfer).await;
            world.sim("release", json!({})).await;
            world.until(late).await;
        } else {
            // The host waits for the settle time, within which the late call ends.
            world.sim("release", json!({})).await;
            world.until(|seen| seen["live_agent"]["chats"][0]["status"] == "queue").await;
            world.hand_over(transfer).await;
        }
        left_once(&world, line, 1).await;
    }
}

#[tokio::test]
async fn a_line_transfer_in_doubt_asks_what_can_be_asked_twice() {
    let (world, chat) = asked_for_a_human("").await;
    world.hides_the_line.store(true, Ordering::SeqCst);
    world.fault("bot.session.", &json!("reset_after"), 1).await;
    let (done, story) = world.hand_over(transfer(chat, json!({ "line": 30 }))).await;
    assert_eq!(story, ["Absent { safe_now: false }", "done"]);
    assert_eq!(done.remarks.len(), 1, "{:?}", done.remarks);
    assert_eq!(world.calls("bot.session.transfer").await, 1);
    assert_eq!(world.calls("bot.session.operator").await, 1);
    left_once(&world, 30, 1).await;
}

#[tokio::test]
async fn a_target_that_cannot_be_had_falls_back_to_the_queue_with_a_remark() {
    for options in [json!({ "user": 599 }), json!({ "line": 999 })] {
        for fault in [None, Some("reset_after"), Some("reset_before")] {
            let (world, chat) = asked_for_a_human("--welcome-bot-left close").await;
            if let Some(kind) = fault {
                world.fault("bot.session.operator", &json!(kind), 1).await;
            }
            let (done, _) = world.hand_over(transfer(chat, options.clone())).await;
            assert_eq!(done.remarks.len(), 1, "{options}: {:?}", done.remarks);
            assert_eq!(world.calls("bot.session.transfer").await, 1, "{options} {fault:?}");
            left_once(&world, 22, 1).await;
        }
    }
}

#[tokio::test]
async fn what_people_hold_already_counts_as_passed_on() {
    let (world, chat) = asked_for_a_human("").await;
    world.sim("operator/intercept", json!({ "chat_id": chat, "operator": 27 })).await;
    let (done, _) = world.hand_over(transfer(chat, json!({}))).await;
    assert!(!done.queued && done.remarks.len() == 1);
    assert_eq!(world.calls("bot.session.operator").await, 0);

    // The person sends what the platform takes for a wish of its own.
    let (world, chat) = asked_for_a_human("").await;
    world.says("0").await;
    let (done, _) = world.hand_over(transfer(chat, json!({ "line": 30 }))).await;
    assert!(done.queued && done.remarks.len() == 1);
    assert_eq!(world.chat().await["handoff_calls"], 0);

    // Between our look and our call.
    let (world, chat) = asked_for_a_human("").await;
    world.fault("bot.session.operator", &json!("hold"), 1).await;
    let (bitrix24, cx) = (world.bitrix24.clone(), world.host.cx());
    let running = tokio::spawn(async move { bitrix24.transfer(&cx, transfer(chat, json!({}))).await });
    world.until(|seen| seen["control"]["held"].as_u64() == Some(1)).await;
    world.sim("operator/intercept", json!({ "chat_id": chat, "operator": 27 })).await;
    world.sim("release", json!({})).await;
    let done = tokio::time::timeout(Duration::from_secs(10), running).await.unwrap().unwrap();
    assert!(done.is_ok(), "{done:?}");
    assert_eq!(world.chat().await["handoff_calls"], 0);
}

#[tokio::test]
async fn a_closed_chat_gets_no_session_just_to_be_passed_on() {
    let (world, chat) = asked_for_a_human("").await;
    world.sim("operator/close", json!({ "chat_id": chat })).await;
    let (done, _) = world.hand_over(transfer(chat, json!({}))).await;
    assert!(done.remarks[0].contains("closed"), "{:?}", done.remarks);
    let seen = world.chat().await;
    assert_eq!((&seen["handoff_calls"], seen["sessions"].as_array().map(Vec::len)), (&json!(0), Some(1)));
    assert_eq!(world.calls("bot.session.operator").await, 0);
}

#[tokio::test]
async fn a_new_session_in_a_transferred_chat_is_told_and_leaves_at_once() {
    let mut world = world("--join-order join-first").await;
    let chat = world.says("a human please").await;
    assert_eq!(world.news().await.platform_session.as_deref(), Some("343"));
    world.news().await;
    world.hand_over(transfer(chat, json!({}))).await;
    world.sim("operator/accept", json!({ "chat_id": chat, "operator": 27 })).await;
    world.sim("operator/close", json!({ "chat_id": chat })).await;
    world.says("me again").await;
    let joined = world.news().await;
    assert_eq!((joined.chat, joined.platform_session.as_deref()), (chat.to_string(), Some("344")));
    // What an unfinished attempt saw of the old session is no proof for the new one.
    let unfinished = json!({
        "session": "343", "target": { "kind": "queue" }, "last_message": 1, "asked": false, "held": false,
        "remarks": [],
    });
    let again = Transfer { checkpoint: Some(unfinished), ..transfer(chat, json!({})) };
    let done = world.bitrix24.transfer(&world.host.cx(), again).await.unwrap();
    assert_eq!(done.ticket.label.as_deref(), Some("344"));
    let seen = world.chat().await;
    assert_eq!((&seen["handoff_calls"], &seen["status"]), (&json!(2), &json!("queue")));
}

#[tokio::test]
async fn a_chat_that_cannot_be_read_is_refused_and_its_fate_unknown() {
    let (world, chat) = asked_for_a_human("").await;
    let hidden = json!({ "status": 400, "body": "{\"error\":\"ACCESS_ERROR\"}" });
    let denied = json!({ "status": 403, "body": "{\"error\":\"ACCESS_DENIED\"}" });
    world.fault("dialog.get", &hidden, 2).await;
    world.fault("Chat.get", &denied, 2).await;
    let refused = world.bitrix24.transfer(&world.host.cx(), transfer(chat, json!({}))).await;
    assert!(matches!(refused, Err(ConnectorError::Refused { detail }) if detail.contains("administrator")));
    assert!(matches!(world.find(&transfer(chat, json!({}))).await, Ok(Found::Unknown { .. })));

    // The bot's own eyes do as well.
    world.fault("dialog.get", &hidden, 1).await;
    world.hand_over(transfer(chat, json!({}))).await;
    left_once(&world, 22, 1).await;
}

#[tokio::test]
async fn a_look_that_fails_is_no_answer() {
    let (world, chat) = asked_for_a_human("").await;
    for step in ["dialog.get", "Chat.User.list"] {
        for fault in
            [json!({ "status": 503 }), json!({ "status": 500 }), json!("html"), json!("reset_before")]
        {
            world.fault(step, &fault, 1).await;
            let failed = world.find(&transfer(chat, json!({}))).await;
            assert!(
                matches!(
                    failed,
                    Err(ConnectorError::RateLimited { .. } | ConnectorError::Unavailable { .. })
                ),
                "{step} {fault}: {failed:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_forgotten_bot_is_found_again_and_a_missing_one_is_named() {
    let (mut world, chat) = asked_for_a_human("").await;
    let fresh = crate::world::bare("", json!({})).await;
    let refused = fresh.bitrix24.transfer(&fresh.host.cx(), transfer(1777, json!({}))).await;
    assert!(matches!(refused, Err(ConnectorError::Refused { detail }) if detail.contains("install")));
    // The same portal, seen by a host that has forgotten everything.
    world.host = fresh.host;
    world.hand_over(transfer(chat, json!({}))).await;
    left_once(&world, 22, 1).await;
}

#[tokio::test]
async fn operators_read_a_summary_that_the_customer_does_not_see_once() {
    for (api, method) in [("v2", "imbot.v2.Chat.Message.send"), ("v1", "imbot.message.add")] {
        for kind in [None, Some("reset_before"), Some("reset_after")] {
            let world = bare("", json!({ "bot_api": api })).await;
            world.install().await;
            let chat = world.says("hi").await;
            if let Some(kind) = kind {
                world.fault(method, &json!(kind), 1).await;
            }
            world.fault("bot.session.operator", &json!({ "status": 503 }), 1).await;
            let options = json!({ "summary": "Wants a **refund** [b]" });
            let (done, _) = world.hand_over(transfer(chat, options)).await;
            let seen = world.chat().await;
            let lines = seen["messages"].as_array().unwrap().clone();
            let notes: Vec<&Value> = lines.iter().filter(|line| line["author"] == "assistant").collect();
            let times = usize::from(kind != Some("reset_before"));
            assert_eq!(notes.len(), times, "{api} {kind:?}");
            for note in notes {
                assert_eq!(note["text"], "Wants a [b]refund[/b] [\u{200b}b]");
                assert_eq!(note["reaches_customer"], false);
            }
            let told = done.remarks.iter().any(|remark| remark.contains("summary"));
            assert_eq!((told, &seen["handoff_calls"]), (kind.is_some(), &json!(1)), "{api} {kind:?}");
        }
    }
}
