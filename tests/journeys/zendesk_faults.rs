//! What goes wrong with Zendesk, by the numbers of `docs/reference/zendesk-faults.md`, on the bridge and with both answers
//! wherever Zendesk does not document its own.

use anyhow::{Context, Result};
use handoff_tests::{
    assistants::{ACCEPTED, BACK, CLOSED, FAILED, HELLO, WISH, answer_to, with_handoff},
    server::Server,
    setup::Setup,
    visitor::Visitor,
    zendesk::{WEBHOOK_SECRET, Zendesk},
};
use serde_json::{Value, json};

use super::{FACTOR, FASTER, patient};

/// The requests of a bridge that change something, in their order.
const STEPS: [&str; 5] = ["/users", "/conversations$", "/messages", "/passControl", "/offerControl"];

async fn account(flags: &[&str], change: impl FnOnce(Setup) -> Setup) -> Result<(Zendesk, Server)> {
    let flags: Vec<&str> = FASTER.iter().chain(flags).copied().collect();
    let zendesk = Zendesk::start(&flags).await?;
    let setup = Setup::new()?.with_zendesk(&zendesk).with_assistant(patient(3600)).with_clock_factor(FACTOR);
    let server = Server::start(change(setup)).await?;
    zendesk.point_webhook(&server.base).await?;
    Ok((zendesk, server))
}

/// A person whose chat is with live agents, and the chat's id.
async fn handed_over(server: &Server) -> Result<(Visitor, String)> {
    let mut person = Visitor::open(server).await?;
    person.says(WISH).await?;
    person.until_told(ACCEPTED).await?;
    let handoff = server.until_state(&person.conversation, "carrying").await?;
    let chat = handoff["receipt"]["ticket"]["chat"].as_str().context("no chat")?.to_owned();
    Ok((person, chat))
}

/// The only conversation of a person's handoff arrived once, with all that was said before.
async fn arrived_once(zendesk: &Zendesk, server: &Server, person: &Visitor, context: &str) -> Result<Value> {
    let handoff = server.until_state(&person.conversation, "carrying").await?;
    let key = handoff["id"].as_str().unwrap_or_default();
    assert_eq!(zendesk.conversations_of(key).await?.len(), 1, "{context}");
    let chats = zendesk.chats().await?;
    let ours: Vec<_> =
        chats.iter().filter(|chat| handoff["receipt"]["ticket"]["chat"] == chat.id.as_str()).collect();
    assert_eq!(ours.len(), 1, "{context}: tickets");
    let left: Vec<_> = person.texts().into_iter().filter(|text| *text != ACCEPTED).collect();
    assert_eq!(ours[0].said(), left, "{context}");
    assert_eq!(person.times(ACCEPTED), 1, "{context}");
    Ok(handoff)
}

#[tokio::test]
async fn fault_01_a_pass_that_is_taken_and_does_not_happen_is_never_announced() -> Result<()> {
    for bad_target in ["http400", "http200-then-failure-event"] {
        let wrong = |mut setup: Setup| {
            setup.config["connections"]["zendesk"]["settings"]["target"] = json!("nobody");
            setup
        };
        let (zendesk, server) = account(&["--bad-target", bad_target], wrong).await?;
        let mut person = Visitor::open(&server).await?;
        person.says(WISH).await?;
        person.until_told(BACK).await?;
        assert_eq!((person.times(ACCEPTED), person.times(FAILED)), (0, 1), "{bad_target}");
        let handoff = server.until_state(&person.conversation, "failed").await?;
        assert!(handoff.to_string().contains("setting target"), "{bad_target}: {handoff:#}");
        assert!(zendesk.chats().await?.is_empty(), "{bad_target}");
    }
    Ok(())
}

#[tokio::test]
async fn fault_02_a_pass_whose_answer_never_comes_is_seen_to_have_worked() -> Result<()> {
    for clears in ["true", "false"] {
        let (zendesk, server) = account(&["--pass-clears-pending", clears], |setup| setup).await?;
        let mut person = Visitor::open(&server).await?;
        person.says("My card is lost").await?;
        // The first pass takes control to ourselves, the second gives it to live agents.
        let fault = json!({ "method": "POST", "path": "/passControl", "skip": 1, "kind": "hang_after" });
        zendesk.fault(fault).await?;
        person.says(WISH).await?;
        person.until_told(ACCEPTED).await?;
        arrived_once(&zendesk, &server, &person, clears).await?;
    }
    Ok(())
}

#[tokio::test]
async fn fault_03_three_limits_in_a_row_are_waited_out_at_each_step() -> Result<()> {
    let (zendesk, server) = account(&[], |setup| setup).await?;
    for step in STEPS {
        for limit in [json!({ "status": 429, "retry_after": 1 }), json!({ "status": 429 })] {
            let mut person = Visitor::open(&server).await?;
            zendesk.fault(json!({ "method": "POST", "path": step, "times": 3, "kind": limit })).await?;
            person.says(WISH).await?;
            person.until_told(ACCEPTED).await?;
            arrived_once(&zendesk, &server, &person, &format!("{step} {limit}")).await?;
            zendesk.heal().await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn fault_05_the_same_event_in_one_batch_and_in_two_is_shown_once() -> Result<()> {
    let (zendesk, server) = account(&[], |setup| setup).await?;
    let (mut person, chat) = handed_over(&server).await?;
    zendesk.replies(&chat, "only once").await?;
    person.until_shown("only once").await?;
    let deliveries = zendesk.deliveries().await?;
    let told = deliveries.iter().rev().find(|one| one["body"].to_string().contains("only once"));
    let mut body = told.context("no delivery")?["body"].clone();
    let event = body["events"][0].clone();
    body["events"] = json!([event, { "id": "junk" }, event]);
    for _ in 0..2 {
        let request = server.web().request("POST", "/webhooks/zendesk").header("x-api-key", WEBHOOK_SECRET);
        assert_eq!(handoff_tests::web::send(request.json(&body)).await?.status, 200);
    }
    zendesk.replies(&chat, "the end").await?;
    person.until_shown("the end").await?;
    assert_eq!(person.times("only once"), 1);
    Ok(())
}

#[tokio::test]
async fn fault_06_words_that_come_after_the_news_of_the_end_are_shown() -> Result<()> {
    for on_close in ["release", "pass-to-next"] {
        let (zendesk, server) = account(&["--on-close", on_close], |setup| setup).await?;
        let (mut person, chat) = handed_over(&server).await?;
        zendesk.control("deliveries/hold", json!({})).await?;
        zendesk.replies(&chat, "goodbye").await?;
        zendesk.closes(&chat).await?;
        zendesk.control("deliveries/faults", json!({ "reorder": true })).await?;
        zendesk.control("deliveries/release", json!({})).await?;
        person.until_told(CLOSED).await?;
        person.until_shown("goodbye").await?;
        assert_eq!((person.times("goodbye"), person.times(CLOSED)), (1, 1), "{on_close}");
    }
    Ok(())
}

#[tokio::test]
async fn fault_07_a_live_agent_who_is_faster_than_the_answer_to_our_pass_is_heard_after_it() -> Result<()> {
    for standby in ["false", "true"] {
        let (zendesk, server) = account(&["--deliver-standby-events", standby], |setup| setup).await?;
        let mut person = Visitor::open(&server).await?;
        let fault = json!({ "method": "POST", "path": "/offerControl", "kind": "hold_after" });
        zendesk.fault(fault).await?;
        person.says(WISH).await?;
        zendesk.until_held().await?;
        let chats = zendesk.until_chats("a ticket", |chats| chats.len() == 1).await?;
        zendesk.replies(&chats[0].id, "Already here").await?;
        zendesk.until_told().await?;
        person.look(0).await?;
        assert!(!person.texts().contains(&"Already here"), "{standby}: before our acceptance");
        zendesk.release().await?;
        person.until_shown("Already here").await?;
        assert_eq!((person.times("Already here"), person.times(ACCEPTED)), (1, 1), "{standby}");
    }
    Ok(())
}

#[tokio::test]
async fn fault_08_words_from_the_middle_of_the_recipe_follow_the_transcript() -> Result<()> {
    let (zendesk, server) = account(&[], |setup| setup).await?;
    for step in STEPS {
        let mut person = super::while_transferring(&zendesk, &server, step, "hold").await?;
        person.says("during").await?;
        zendesk.release().await?;
        person.until_told(ACCEPTED).await?;
        zendesk
            .until_chats("the words", |chats| {
                chats.iter().filter(|chat| chat.count("during") > 0).count() > 0
            })
            .await?;
        server.until_carried(&person.conversation, 1).await?;
        arrived_once(&zendesk, &server, &person, step).await?;
        zendesk.closes(&zendesk.chats().await?.last().context("no chat")?.id).await?;
    }
    Ok(())
}

#[tokio::test]
async fn fault_09_a_message_of_more_than_4096_characters_arrives_whole() -> Result<()> {
    let (zendesk, server) = account(&[], |setup| setup).await?;
    // Emoji of two UTF-16 units each, so that a cut by units falls into one of them.
    let long = format!("x{}", "\u{1F600}".repeat(2_048));
    assert_eq!(long.encode_utf16().count(), 4_097);
    let mut person = Visitor::open(&server).await?;
    person.says(&long).await?;
    person.says(WISH).await?;
    person.until_told(ACCEPTED).await?;
    person.says(&long).await?;
    let chats = zendesk
        .until_chats("both", |chats| chats[0].said().concat().matches(long.as_str()).count() >= 2)
        .await?;
    assert!(chats[0].said().iter().all(|text| text.encode_utf16().count() <= 4_096));
    Ok(())
}

#[tokio::test]
async fn fault_10_metadata_beyond_4_kb_keeps_what_is_needed_most() -> Result<()> {
    let fields: serde_json::Map<String, Value> =
        (0..60).map(|n| (format!("36000000{n:04}"), json!("v".repeat(60)))).collect();
    let assistant = with_handoff(patient(3600), |handoff| {
        handoff["options"] = json!({ "priority": "urgent", "tags": ["kept"], "fields": fields.clone() });
    });
    let exist = fields.keys().cloned().collect::<Vec<_>>().join(",");
    let (zendesk, server) =
        account(&["--custom-fields", &exist], |setup| setup.with_assistant(assistant)).await?;
    let mut person = Visitor::open(&server).await?;
    for n in 0..8 {
        person.says(&format!("question {n}")).await?;
    }
    person.says(WISH).await?;
    person.until_told(ACCEPTED).await?;
    let handoff = arrived_once(&zendesk, &server, &person, "all of more than ten messages").await?;
    let ticket = zendesk.chats().await?.remove(0);
    assert_eq!((&ticket.raw["priority"], &ticket.raw["tags"]), (&json!("urgent"), &json!(["kept"])));
    assert!(handoff["receipt"]["remarks"].to_string().contains("did not fit"), "{handoff:#}");
    Ok(())
}

#[tokio::test]
async fn fault_11_users_that_become_one_during_a_handoff_lose_no_word() -> Result<()> {
    let (zendesk, server) = account(&[], |setup| setup).await?;
    let stranger = zendesk.control("user_message", json!({ "text": "Hi" })).await?;
    let mut person = super::while_transferring(&zendesk, &server, "/passControl", "hold").await?;
    let users = zendesk.look("inspect").await?["users"].as_array().cloned().unwrap_or_default();
    let ours = users.iter().find(|user| user["externalId"].is_string()).context("no user of ours")?;
    let merge = json!({ "surviving": stranger["user"], "discarded": ours["id"] });
    zendesk.control("user_merge", merge).await?;
    zendesk.release().await?;
    person.until_told(ACCEPTED).await?;
    person.says("still me").await?;
    let chats =
        zendesk.until_chats("the words", |chats| chats.iter().any(|chat| chat.count("still me") > 0)).await?;
    let chat = chats.iter().find(|chat| chat.count("still me") > 0).context("no chat")?;
    zendesk.replies(&chat.id, "still me too").await?;
    person.until_shown("still me too").await?;
    Ok(())
}

#[tokio::test]
async fn fault_12_a_conversation_that_is_deleted_ends_the_chat() -> Result<()> {
    let (zendesk, server) = account(&[], |setup| setup).await?;
    // A person's first conversation cannot be deleted, so it is the second.
    let (mut person, first) = handed_over(&server).await?;
    zendesk.closes(&first).await?;
    person.until_told(CLOSED).await?;
    person.says(WISH).await?;
    person
        .until("the second acceptance", |thread| {
            thread.iter().filter(|line| line.text == ACCEPTED).count() == 2
        })
        .await?;
    let chats = zendesk.chats().await?;
    let second = chats.iter().find(|chat| chat.id != first).context("no second chat")?;
    zendesk.delete_conversation(&second.id).await?;
    person
        .until("the second end", |thread| thread.iter().filter(|line| line.text == CLOSED).count() == 2)
        .await?;
    assert_eq!(person.says("Anybody?").await?, "session");
    person.until_told(&answer_to("Anybody?")).await?;
    Ok(())
}

#[tokio::test]
async fn fault_13_a_secret_is_exchanged_without_losing_an_event() -> Result<()> {
    let both = |mut setup: Setup| {
        setup.config["connections"]["zendesk"]["secrets"]["webhook_secret_next"] = json!("the-next-secret");
        setup
    };
    let (zendesk, server) = account(&[], both).await?;
    let (mut person, chat) = handed_over(&server).await?;
    zendesk.replies(&chat, "under the old secret").await?;
    person.until_shown("under the old secret").await?;
    let target = format!("{}/webhooks/zendesk", server.base);
    zendesk.control("webhook", json!({ "target": target, "secret": "the-next-secret" })).await?;
    zendesk.replies(&chat, "under the new secret").await?;
    person.until_shown("under the new secret").await?;
    zendesk.control("webhook", json!({ "target": target, "secret": "a-wrong-secret" })).await?;
    zendesk.replies(&chat, "under a wrong secret").await?;
    zendesk.until_told().await?;
    person.look(0).await?;
    assert_eq!(person.times("under a wrong secret"), 0);
    Ok(())
}

#[tokio::test]
async fn fault_16_the_end_of_a_chat_wakes_no_bot_by_itself() -> Result<()> {
    for on_close in ["release", "pass-to-next", "nothing"] {
        let flags = ["--on-close", on_close, "--agent-workspace-next", "handoff"];
        let (zendesk, server) = account(&flags, |setup| setup).await?;
        let (mut person, chat) = handed_over(&server).await?;
        zendesk.closes(&chat).await?;
        person.until_told(CLOSED).await?;
        assert_eq!(person.times(HELLO), 1, "{on_close}: the assistant came back by itself");
        assert_eq!(person.says("Once more").await?, "session", "{on_close}");
        person.until_told(&answer_to("Once more")).await?;
        assert_eq!((person.times(HELLO), person.times(CLOSED)), (2, 1), "{on_close}: a new session");
        assert_eq!(zendesk.chats().await?.iter().filter(|one| one.count("Once more") > 0).count(), 0);
    }
    Ok(())
}

#[tokio::test]
async fn fault_17_events_of_others_change_nothing() -> Result<()> {
    let (zendesk, server) = account(&[], |setup| setup).await?;
    let (mut person, chat) = handed_over(&server).await?;
    zendesk.replies(&chat, "true words").await?;
    person.until_shown("true words").await?;
    let deliveries = zendesk.deliveries().await?;
    let told = deliveries.iter().rev().find(|one| one["body"].to_string().contains("true words"));
    let body = told.context("no delivery")?["body"].clone();
    let forged = |n: usize, change: &dyn Fn(&mut Value)| {
        let mut body = body.clone();
        body["events"][0]["id"] = json!(format!("forged-{n}"));
        body["events"][0]["payload"]["message"]["content"]["text"] = json!("false words");
        change(&mut body);
        body
    };
    let others: [(&str, u16, Value); 4] = [
        (WEBHOOK_SECRET, 200, forged(1, &|body| body["app"]["id"] = json!("another"))),
        (
            WEBHOOK_SECRET,
            200,
            forged(2, &|body| {
                body["events"][0]["payload"]["conversation"]["metadata"]["handoffOwner"] = json!("another");
            }),
        ),
        (
            WEBHOOK_SECRET,
            200,
            forged(3, &|body| {
                body["events"][0]["payload"]["conversation"]["metadata"]["handoffInstance"] =
                    json!("another");
            }),
        ),
        ("wrong", 403, forged(4, &|_| {})),
    ];
    for (secret, status, body) in others {
        let request = server.web().request("POST", "/webhooks/zendesk").header("x-api-key", secret);
        assert_eq!(handoff_tests::web::send(request.json(&body)).await?.status, status, "{body:#}");
    }
    zendesk.replies(&chat, "the end").await?;
    person.until_shown("the end").await?;
    assert_eq!(person.times("false words"), 0);
    Ok(())
}

#[tokio::test]
async fn fault_18_a_private_file_of_a_live_agent_reaches_the_person() -> Result<()> {
    for (private, status) in [("true", "401"), ("true", "403"), ("false", "401")] {
        let flags = ["--private-attachments", private, "--private-attachment-status", status];
        let (zendesk, server) = account(&flags, |setup| setup).await?;
        let (mut person, chat) = handed_over(&server).await?;
        zendesk.attaches(&chat, "photo.png", "image/png", b"not really a picture").await?;
        let has_file =
            |thread: &[handoff_tests::visitor::Line]| thread.iter().any(|line| !line.files.is_empty());
        person.until("a file", has_file).await?;
        let address = person.thread.iter().find_map(|line| line.files.first()).context("no file")?.1.clone();
        let fetched = person.fetches(&address).await?;
        assert_eq!(
            (fetched.status, fetched.body.as_slice()),
            (200, &b"not really a picture"[..]),
            "{private} {status}"
        );
    }
    Ok(())
}
