//! Chats of Zendesk's own channels: the assistant is an integration of the switchboard, and passes control on.

use anyhow::{Context, Result};
use handoff_tests::{
    assistants::{ASKED, BACK, FAILED, HELLO, MOMENT, WISH, answer_to, support, with_handoff},
    server::Server,
    setup::Setup,
    zendesk::Zendesk,
};
use serde_json::{Value, json};

use super::{FACTOR, FASTER};

/// An account whose channels our integration answers first.
async fn answering(flags: &[&str]) -> Result<(Zendesk, Server)> {
    let flags: Vec<&str> =
        FASTER.iter().chain(&["--channel-responder", "handoff"]).chain(flags).copied().collect();
    let zendesk = Zendesk::start(&flags).await?;
    let mut setup = Setup::new()?.with_zendesk(&zendesk).with_clock_factor(FACTOR);
    setup.config["connections"]["zendesk"]["assistant"] = json!("support");
    let assistant = with_handoff(support("zendesk"), |handoff| {
        handoff["options"] = json!({ "priority": "high", "tags": ["from_bot"] });
    });
    let server = Server::start(setup.with_assistant(assistant)).await?;
    zendesk.point_webhook(&server.base).await?;
    Ok((zendesk, server))
}

/// A person who writes on the web channel; the conversation's id.
async fn begins(zendesk: &Zendesk, text: &str) -> Result<String> {
    let begun = zendesk.control("user_message", json!({ "name": "Ann", "text": text })).await?;
    begun["conversation"].as_str().map(str::to_owned).context("no conversation")
}

async fn says(zendesk: &Zendesk, chat: &str, text: &str) -> Result<()> {
    zendesk.control("user_message", json!({ "conversation": chat, "text": text })).await.map(drop)
}

/// What stands in a conversation of the account.
fn texts<'a>(seen: &'a Value, chat: &str) -> Vec<&'a str> {
    let all = seen["conversations"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ours = all.iter().find(|one| one["id"] == chat);
    let messages = ours.and_then(|one| one["messages"].as_array()).map(Vec::as_slice).unwrap_or_default();
    messages.iter().filter_map(|message| message["content"]["text"].as_str()).collect()
}

async fn until_said(zendesk: &Zendesk, chat: &str, text: &str) -> Result<Vec<String>> {
    let seen = zendesk.until(text, |seen| texts(seen, chat).contains(&text)).await?;
    Ok(texts(&seen, chat).into_iter().map(str::to_owned).collect())
}

fn active(seen: &Value, chat: &str) -> String {
    let all = seen["conversations"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ours = all.iter().find(|one| one["id"] == chat);
    ours.and_then(|one| one["active"].as_str()).unwrap_or_default().to_owned()
}

/// The conversation's number on our side.
async fn ours(server: &Server) -> Result<String> {
    let all = server.conversations().await?;
    all[0]["id"].as_str().map(str::to_owned).context("no conversation here")
}

/// A chat that live agents have.
async fn handed_over(zendesk: &Zendesk, server: &Server) -> Result<String> {
    let chat = begins(zendesk, "My card is lost").await?;
    until_said(zendesk, &chat, &answer_to("My card is lost")).await?;
    says(zendesk, &chat, WISH).await?;
    zendesk.until("control with live agents", |seen| active(seen, &chat) == "zd-agentWorkspace").await?;
    server.until_state(&ours(server).await?, "accepted").await?;
    Ok(chat)
}

#[tokio::test]
async fn p1_p4_p6_control_is_passed_and_the_assistant_is_mute() -> Result<()> {
    let (zendesk, server) = answering(&[]).await?;
    let chat = handed_over(&zendesk, &server).await?;
    let before = [HELLO, "My card is lost", &answer_to("My card is lost"), WISH, MOMENT, ASKED];
    let seen = zendesk.look("inspect").await?;
    let mut said = texts(&seen, &chat);
    // Greeting and first words may stand in either order.
    said.sort_unstable();
    let mut expected = before.to_vec();
    expected.sort_unstable();
    assert_eq!(said, expected);
    let ticket = zendesk.chats().await?.remove(0);
    assert!(ticket.said().contains(&"My card is lost"), "the team sees the session: {ticket:#?}");
    assert_eq!((&ticket.raw["priority"], &ticket.raw["tags"]), (&json!("high"), &json!(["from_bot"])));
    zendesk.replies(&chat, "Maria here").await?;
    for text in ["Hello Maria", WISH, "Are you there?"] {
        says(&zendesk, &chat, text).await?;
    }
    zendesk.until_told().await?;
    let seen = zendesk.look("inspect").await?;
    let said = texts(&seen, &chat);
    assert_eq!(said.len(), before.len() + 4, "the assistant spoke: {said:?}");
    assert_eq!(server.handoffs().await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn p5_nothing_of_what_follows_is_kept_here() -> Result<()> {
    let (zendesk, server) = answering(&["--deliver-standby-events", "true"]).await?;
    let chat = handed_over(&zendesk, &server).await?;
    let secret = "my number is 4711-0815";
    says(&zendesk, &chat, secret).await?;
    zendesk.replies(&chat, "noted 4711-0815").await?;
    zendesk.until_told().await?;
    assert_eq!(server.files_with("4711-0815")?, Vec::<std::path::PathBuf>::new());
    Ok(())
}

#[tokio::test]
async fn fault_7_and_8_words_around_the_pass_stay_with_the_platform_and_fire_nothing() -> Result<()> {
    let (zendesk, server) = answering(&[]).await?;
    let chat = begins(&zendesk, "Hello").await?;
    until_said(&zendesk, &chat, &answer_to("Hello")).await?;
    for kind in ["hold", "hold_after"] {
        zendesk.fault(json!({ "method": "POST", "path": "/passControl", "kind": kind })).await?;
    }
    says(&zendesk, &chat, WISH).await?;
    zendesk.until_held().await?;
    says(&zendesk, &chat, "one more thing").await?;
    zendesk.until_told().await?;
    zendesk.release().await?;
    zendesk.until("control with live agents", |seen| active(seen, &chat) == "zd-agentWorkspace").await?;
    zendesk.heal().await?;
    server.until_state(&ours(&server).await?, "accepted").await?;
    zendesk.until_told().await?;
    let seen = zendesk.look("inspect").await?;
    assert!(
        !texts(&seen, &chat).contains(&answer_to("one more thing").as_str()),
        "{:?}",
        texts(&seen, &chat)
    );
    assert!(zendesk.chats().await?[0].said().contains(&"one more thing"), "P2");
    Ok(())
}

#[tokio::test]
async fn fault_16_control_that_comes_back_starts_a_new_session_and_no_earlier() -> Result<()> {
    for on_close in ["release", "pass-to-next"] {
        let (zendesk, server) =
            answering(&["--on-close", on_close, "--agent-workspace-next", "handoff"]).await?;
        let chat = handed_over(&zendesk, &server).await?;
        zendesk.control("agent/solve", json!({ "conversation": chat })).await?;
        says(&zendesk, &chat, "still a question").await?;
        zendesk.until_told().await?;
        zendesk.closes(&chat).await?;
        zendesk.until_told().await?;
        let seen = zendesk.look("inspect").await?;
        let said = texts(&seen, &chat).len();
        // Control alone says nothing to the person.
        let silent = texts(&seen, &chat).iter().filter(|text| **text == HELLO).count();
        assert_eq!(silent, 1, "{on_close}: {:?}", texts(&seen, &chat));
        says(&zendesk, &chat, "Something new").await?;
        let after = until_said(&zendesk, &chat, &answer_to("Something new")).await?;
        assert_eq!(after.iter().filter(|text| *text == HELLO).count(), 2, "{on_close}: a new session");
        assert!(after.len() > said, "{after:?}");
        // And it can leave again.
        says(&zendesk, &chat, WISH).await?;
        zendesk.until("control with live agents", |seen| active(seen, &chat) == "zd-agentWorkspace").await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_ticket_that_is_closed_without_control_coming_back_leaves_the_assistant_mute() -> Result<()> {
    let (zendesk, server) = answering(&["--on-close", "nothing"]).await?;
    let chat = handed_over(&zendesk, &server).await?;
    zendesk.closes(&chat).await?;
    says(&zendesk, &chat, "Anybody?").await?;
    zendesk.until_told().await?;
    let seen = zendesk.look("inspect").await?;
    assert!(!texts(&seen, &chat).contains(&answer_to("Anybody?").as_str()), "{:?}", texts(&seen, &chat));
    Ok(())
}

#[tokio::test]
async fn fault_2_a_pass_that_worked_and_was_not_answered_is_found() -> Result<()> {
    let (zendesk, server) = answering(&[]).await?;
    for kind in ["hang_after", "reset_after", "reset_before", "truncate", "html_ok"] {
        let chat = begins(&zendesk, "Hello").await?;
        until_said(&zendesk, &chat, &answer_to("Hello")).await?;
        zendesk.fault(json!({ "method": "POST", "path": "/passControl", "kind": kind })).await?;
        says(&zendesk, &chat, WISH).await?;
        zendesk.until("control with live agents", |seen| active(seen, &chat) == "zd-agentWorkspace").await?;
        server.until_state(&ours(&server).await?, "accepted").await?;
        let tickets = zendesk.chats().await?;
        assert_eq!(tickets.iter().filter(|ticket| ticket.id == chat).count(), 1, "{kind}");
        zendesk.heal().await?;
    }
    Ok(())
}

#[tokio::test]
async fn fault_1_a_pass_that_is_answered_and_does_not_happen_gives_the_chat_back() -> Result<()> {
    for bad_target in ["http400", "http200-then-failure-event"] {
        let flags: Vec<&str> = FASTER
            .iter()
            .chain(&["--channel-responder", "handoff", "--bad-target", bad_target])
            .copied()
            .collect();
        let zendesk = Zendesk::start(&flags).await?;
        let mut setup = Setup::new()?.with_zendesk(&zendesk).with_clock_factor(FACTOR);
        setup.config["connections"]["zendesk"]["assistant"] = json!("support");
        setup.config["connections"]["zendesk"]["settings"]["target"] = json!("nobody");
        let server = Server::start(setup).await?;
        zendesk.point_webhook(&server.base).await?;
        let chat = begins(&zendesk, WISH).await?;
        let said = until_said(&zendesk, &chat, BACK).await?;
        assert_eq!(said.iter().filter(|text| *text == FAILED).count(), 1, "{bad_target}: {said:?}");
        let handoff = server.until_state(&ours(&server).await?, "failed").await?;
        assert!(handoff.to_string().contains("setting target"), "{handoff:#}");
    }
    Ok(())
}

#[tokio::test]
async fn fault_11_users_that_become_one_are_still_answered_and_still_handed_over() -> Result<()> {
    let (zendesk, server) = answering(&[]).await?;
    let first = zendesk.control("user_message", json!({ "name": "Ann", "text": "Hello" })).await?;
    let other = zendesk.control("user_message", json!({ "name": "Ann too", "text": "Hi" })).await?;
    let chat = first["conversation"].as_str().context("no conversation")?.to_owned();
    until_said(&zendesk, &chat, &answer_to("Hello")).await?;
    zendesk.fault(json!({ "method": "POST", "path": "/passControl", "kind": "hold" })).await?;
    says(&zendesk, &chat, WISH).await?;
    zendesk.until_held().await?;
    zendesk.control("user_merge", json!({ "surviving": other["user"], "discarded": first["user"] })).await?;
    zendesk.release().await?;
    zendesk.until("control with live agents", |seen| active(seen, &chat) == "zd-agentWorkspace").await?;
    assert_eq!(server.handoffs().await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn fault_12_a_conversation_that_is_deleted_ends_for_us_as_well() -> Result<()> {
    let (zendesk, server) = answering(&[]).await?;
    // A person's first conversation cannot be deleted.
    let first = zendesk.control("user_message", json!({ "text": "Hello" })).await?;
    let second = zendesk.control("user_message", json!({ "user": first["user"], "text": WISH })).await?;
    let chat = second["conversation"].as_str().context("no conversation")?;
    zendesk.until("control with live agents", |seen| active(seen, chat) == "zd-agentWorkspace").await?;
    let handed = |all: &[Value]| all.len() == 1 && handoff_tests::server::state(&all[0]) == "accepted";
    let end = std::time::Instant::now() + handoff_tests::PATIENCE;
    while !handed(&server.handoffs().await?) {
        assert!(std::time::Instant::now() < end, "{:#?}", server.handoffs().await?);
        tokio::time::sleep(handoff_tests::PACE).await;
    }
    zendesk.delete_conversation(chat).await?;
    zendesk.until_told().await?;
    let deliveries = zendesk.deliveries().await?;
    assert!(
        deliveries.iter().all(|one| one["state"] == "delivered" || one["state"] == "merged"),
        "{deliveries:#?}"
    );
    // The other conversation of the same person goes on.
    let chat = first["conversation"].as_str().context("no conversation")?;
    says(&zendesk, chat, "And here?").await?;
    until_said(&zendesk, chat, &answer_to("And here?")).await?;
    Ok(())
}

#[tokio::test]
async fn trap_5_words_of_the_assistant_that_come_too_late_are_not_said() -> Result<()> {
    let (zendesk, server) = answering(&[]).await?;
    let chat = begins(&zendesk, "Hello").await?;
    until_said(&zendesk, &chat, &answer_to("Hello")).await?;
    // The reply waits at its look at who has control, and a live agent takes the chat meanwhile.
    zendesk
        .fault(json!({ "method": "GET", "path": format!("/conversations/{chat}$"), "kind": "hold" }))
        .await?;
    says(&zendesk, &chat, "a slow question").await?;
    zendesk.until_held().await?;
    zendesk.pass_control(&chat, "zd-agentWorkspace").await?;
    zendesk.release().await?;
    zendesk.until_told().await?;
    says(&zendesk, &chat, "and now?").await?;
    zendesk.until_told().await?;
    let seen = zendesk.look("inspect").await?;
    let answered = [answer_to("a slow question"), answer_to("and now?")];
    assert!(!texts(&seen, &chat).iter().any(|text| answered.iter().any(|answer| answer == text)));
    let conversation = server.conversation(&ours(&server).await?).await?;
    assert!(conversation.to_string().contains("taken"), "{conversation:#}");
    Ok(())
}

#[tokio::test]
async fn buttons_and_files_are_heard() -> Result<()> {
    let (zendesk, _server) = answering(&[]).await?;
    let chat = begins(&zendesk, "Hello").await?;
    until_said(&zendesk, &chat, &answer_to("Hello")).await?;
    let click = json!({ "conversation": chat, "payload": "order status" });
    zendesk.control("postback", click).await?;
    until_said(&zendesk, &chat, &answer_to("order status")).await?;
    let reply =
        json!({ "conversation": chat, "text": "I would like to…", "payload": "I would like to talk" });
    zendesk.control("user_message", reply).await?;
    until_said(&zendesk, &chat, &answer_to("I would like to talk")).await?;
    Ok(())
}
