//! Handoffs that fail: for good, for a while, or nobody knows.

use anyhow::Result;
use handoff_tests::{
    assistants::{ACCEPTED, ASKED, BACK, DELAYED, FAILED, HELLO, MOMENT, WISH, answer_to},
    server::Server,
    visitor::Visitor,
    web::send,
    zendesk::Zendesk,
};
use serde_json::{Value, json};

use super::{FACTOR, on_bitrix24, on_zendesk, plain};

/// What the person sees when a handoff failed for good and the assistant is back.
fn after_failure(words: &[&str]) -> Vec<String> {
    let told = [HELLO, MOMENT, ASKED, FAILED, BACK].map(str::to_owned);
    told.into_iter().chain(words.iter().map(|text| answer_to(text))).collect()
}

fn shown(person: &Visitor) -> Vec<String> {
    person.shown().map(|line| line.text.clone()).collect()
}

#[tokio::test]
async fn p2_what_was_typed_during_a_transfer_that_failed_is_offered_to_the_assistant() -> Result<()> {
    let refusals = [
        json!({ "status": 401 }),
        json!({ "status": 403 }),
        json!({ "status": 400, "body": "{\"errors\":[{\"title\":\"no\"}]}" }),
        json!({ "status": 422 }),
    ];
    let (zendesk, server) = on_zendesk(plain).await?;
    for kind in refusals {
        zendesk.heal().await?;
        let mut person = Visitor::open(&server).await?;
        // The first request stands still, so that there is time to type; all others are refused.
        zendesk.fault(json!({ "kind": "hold" })).await?;
        zendesk.fault(json!({ "times": 1000, "kind": kind })).await?;
        person.says(WISH).await?;
        zendesk.until_held().await?;
        for text in ["first word", "second word"] {
            assert_eq!(person.says(text).await?, "handoff");
        }
        zendesk.release().await?;
        person.until_told(&answer_to("second word")).await?;
        assert_eq!(shown(&person), after_failure(&["first word", "second word"]), "{kind}");
        let handoff = server.until_state(&person.conversation, "failed").await?;
        assert_eq!(handoff["receipt"]["told"], json!(["asked", "failed"]), "{kind}");
        zendesk.heal().await?;
        // The assistant has the chat again, and may try once more.
        assert_eq!(person.says("hello?").await?, "session");
        person.says(WISH).await?;
        person.until_told(ACCEPTED).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_platform_that_is_down_is_given_up_when_the_time_is_spent() -> Result<()> {
    let (zendesk, server) = on_zendesk(plain).await?;
    let mut person = Visitor::open(&server).await?;
    zendesk.fault(json!({ "times": 100_000, "kind": { "status": 429, "retry_after": 5 } })).await?;
    person.says(WISH).await?;
    person.until_told(BACK).await?;
    assert_eq!(shown(&person), after_failure(&[]));
    let handoff = server.until_state(&person.conversation, "failed").await?;
    let spent = handoff["failed"]["at"].as_i64().zip(handoff["fired_at"].as_i64());
    let seconds = spent.map(|(at, fired)| (at - fired) / 1000);
    assert!(seconds.is_some_and(|seconds| (40..=90).contains(&seconds)), "{seconds:?}: {handoff:#}");
    Ok(())
}

#[tokio::test]
async fn a_platform_whose_process_is_gone_is_given_up_when_the_time_is_spent() -> Result<()> {
    let (zendesk, server) = on_zendesk(plain).await?;
    let mut person = Visitor::open(&server).await?;
    zendesk.control("reset", json!({})).await?;
    let address = zendesk.base.clone();
    drop(zendesk);
    person.says(WISH).await?;
    person.until_told(BACK).await?;
    assert_eq!(shown(&person), after_failure(&[]), "{address}");
    Ok(())
}

#[tokio::test]
async fn p4_in_doubt_beyond_its_time_the_person_is_told_of_the_delay_once_and_then_the_truth() -> Result<()> {
    let (zendesk, server) = on_zendesk(plain).await?;
    for effect in ["reset_before", "reset_after"] {
        let mut person = Visitor::open(&server).await?;
        // The answer to making the conversation is lost, and then nothing can be looked up.
        zendesk.fault(json!({ "method": "POST", "path": "/conversations$", "kind": effect })).await?;
        let blind = json!({
            "method": "GET", "path": "/conversations", "skip": 1, "times": 100_000, "kind": { "status": 500 },
        });
        zendesk.fault(blind).await?;
        person.says(WISH).await?;
        person.until_told(DELAYED).await?;
        assert_eq!(person.says("still here").await?, "handoff");
        server.until_state(&person.conversation, "in_doubt").await?;
        assert_eq!(person.times(ACCEPTED) + person.times(FAILED), 0, "{effect}");
        zendesk.heal().await?;
        person
            .until("an end", |thread| thread.iter().any(|line| line.text == ACCEPTED || line.text == FAILED))
            .await?;
        assert_eq!(person.times(DELAYED), 1, "{effect}");
        assert_eq!(person.times(ACCEPTED) + person.times(FAILED), 1, "{effect}");
        let handoff = server.handoff_of(&person.conversation).await?;
        let key = handoff["id"].as_str().unwrap_or_default();
        let live = zendesk.conversations_of(key).await?.len();
        assert!(live <= 1, "{effect}: {live} conversations");
        if person.times(FAILED) == 1 {
            person.until_told(&answer_to("still here")).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_portal_that_refuses_gives_the_chat_back_to_the_bot() -> Result<()> {
    let refusals: [Value; 2] = [
        json!({ "status": 401, "body": "{\"error\":\"INVALID_CREDENTIALS\",\"error_description\":\"no\"}" }),
        json!({ "status": 400, "body": "{\"error\":\"ACCESS_DENIED\",\"error_description\":\"no\"}" }),
    ];
    for kind in refusals {
        let (bitrix24, server) = on_bitrix24(&["--rate-limit", "false"], plain).await?;
        let chat = bitrix24.says("anna", "Hello").await?;
        bitrix24.until_chat(chat, "an answer", |chat| chat.count(&answer_to("Hello")) == 1).await?;
        bitrix24.fault(json!({ "path": "bot.session.operator", "times": 1000, "kind": kind })).await?;
        bitrix24.says("anna", WISH).await?;
        let seen = bitrix24.until_chat(chat, "the bot back", |chat| chat.count(BACK) == 1).await?;
        assert_eq!((seen.count(ASKED), seen.count(FAILED)), (1, 1), "{kind}");
        bitrix24.says("anna", "and now?").await?;
        let answer = answer_to("and now?");
        bitrix24.until_chat(chat, "an answer", |chat| chat.count(&answer) == 1).await?;
        assert_eq!(server.handoffs().await?.len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn an_unknown_failure_branch_keeps_quiet_and_says_only_what_the_author_wrote() -> Result<()> {
    let silent =
        handoff_tests::assistants::with_handoff(handoff_tests::assistants::support("zendesk"), |handoff| {
            handoff["texts"]["asked"] = json!(false);
            handoff["texts"]["failed"] = json!(false);
        });
    let (zendesk, server) =
        on_zendesk(|setup| setup.with_assistant(silent).with_clock_factor(FACTOR)).await?;
    let mut person = Visitor::open(&server).await?;
    zendesk.fault(json!({ "times": 1000, "kind": { "status": 401 } })).await?;
    person.says(WISH).await?;
    person.until_told(BACK).await?;
    assert_eq!(shown(&person), [HELLO, MOMENT, BACK]);
    Ok(())
}

#[tokio::test]
async fn p1_one_holder_a_chat_that_live_agents_hold_is_never_declared_failed() -> Result<()> {
    let refusals =
        [json!({ "status": 429, "retry_after": 30 }), json!({ "status": 503 }), json!({ "status": 401 })];
    for kind in refusals {
        let (zendesk, server) = on_zendesk(plain).await?;
        let mut person = Visitor::open(&server).await?;
        zendesk.fault(json!({ "path": "/offerControl", "times": 100_000, "kind": kind })).await?;
        person.says(WISH).await?;
        // Control was passed, so the live agents have the chat; only our own ear is missing.
        person.until_told(DELAYED).await?;
        assert_eq!(person.says("still there?").await?, "handoff", "{kind}");
        let asked = zendesk.requests().await?;
        let offers =
            asked.iter().filter(|request| request["path"].to_string().contains("/offerControl")).count();
        assert!(offers < 60, "{kind}: {offers} requests are a hot loop");
        zendesk.heal().await?;
        person.until_told(ACCEPTED).await?;
        assert_eq!(person.times(FAILED), 0, "{kind}");
        let handoff = server.until_state(&person.conversation, "carrying").await?;
        let key = handoff["id"].as_str().unwrap_or_default();
        assert_eq!(zendesk.conversations_of(key).await?.len(), 1, "{kind}");
    }
    Ok(())
}

/// A person whose chat is in doubt: the platform made nothing, its answer was lost, and nobody can look.
async fn in_doubt(zendesk: &Zendesk, server: &Server) -> Result<(Visitor, String)> {
    let mut person = Visitor::open(server).await?;
    zendesk.fault(json!({ "method": "POST", "path": "/conversations$", "kind": "reset_before" })).await?;
    let blind = json!({
        "method": "GET", "path": "/conversations", "skip": 1, "times": 100_000, "kind": { "status": 500 },
    });
    zendesk.fault(blind).await?;
    person.says(WISH).await?;
    person.until_told(DELAYED).await?;
    let handoff = server.until_state(&person.conversation, "in_doubt").await?;
    Ok((person, handoff["id"].as_str().unwrap_or_default().to_owned()))
}

#[tokio::test]
async fn p7_an_operator_gives_a_handoff_in_doubt_up_and_the_assistant_has_every_word() -> Result<()> {
    let (zendesk, server) = on_zendesk(plain).await?;
    let (mut person, id) = in_doubt(&zendesk, &server).await?;
    assert_eq!(person.says("still here").await?, "handoff");
    let told = server.cli(&["handoff", "give-up", &id, "--reason", " "]).await?;
    assert!(told.code == Some(1) && told.err.contains("1 to 200 characters"), "{told:?}");
    assert_eq!(person.times(FAILED), 0);
    let told = server.cli(&["handoff", "give-up", &id, "--reason", "no ticket of theirs since noon"]).await?;
    assert_eq!(told.code, Some(0), "{told:?}");
    person.until_told(&answer_to("still here")).await?;
    assert_eq!((person.times(FAILED), person.times(ACCEPTED)), (1, 0));
    let handoff = server.until_state(&person.conversation, "failed").await?;
    let reason = handoff["failed"]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("the API key admin") && reason.contains("since noon"), "{reason}");
    // What comes late finds a decision that stands.
    zendesk.heal().await?;
    let told = server.cli(&["handoff", "give-up", &id, "--reason", "again"]).await?;
    assert!(told.code == Some(1) && told.err.contains("the handoff is failed"), "{told:?}");
    assert_eq!(person.says("and now?").await?, "session");
    assert!(zendesk.conversations_of(&id).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn p7_an_operator_who_knows_that_the_platform_is_back_has_it_looked_at_now() -> Result<()> {
    let (zendesk, server) = on_zendesk(plain).await?;
    let (mut person, id) = in_doubt(&zendesk, &server).await?;
    zendesk.heal().await?;
    let told = server.cli(&["handoff", "look", &id]).await?;
    assert_eq!(told.code, Some(0), "{told:?}");
    person
        .until("an end", |thread| thread.iter().any(|line| line.text == ACCEPTED || line.text == FAILED))
        .await?;
    let told = server.cli(&["handoff", "look", &id]).await?;
    assert_eq!(told.code, Some(1), "{told:?}");
    let unknown = server.cli(&["handoff", "look", "nothing"]).await?;
    assert!(unknown.code == Some(1) && unknown.err.contains("no handoff"), "{unknown:?}");
    Ok(())
}

#[tokio::test]
async fn p7_a_dead_letter_is_repaired_and_tried_again_once_with_every_word_until_then() -> Result<()> {
    let (zendesk, server) = on_zendesk(plain).await?;
    let mut person = Visitor::open(&server).await?;
    zendesk.fault(json!({ "times": 1000, "kind": { "status": 401 } })).await?;
    person.says(WISH).await?;
    person.until_told(BACK).await?;
    person.says("after the failure").await?;
    person.until_told(&answer_to("after the failure")).await?;
    let failed = server.until_state(&person.conversation, "failed").await?;
    let dead = failed["id"].as_str().unwrap_or_default();
    for (mend, why) in [
        (["--platform", "bitrix24"], "no connection to the platform"),
        (["--budget-seconds", "0"], "budget_seconds must lie"),
        (["--options", "[]"], "options must be a JSON object"),
    ] {
        let told = server.cli(&[&["handoff", "replay", dead][..], &mend[..]].concat()).await?;
        assert!(told.code == Some(1) && told.out.contains(why), "{mend:?}: {told:?}");
    }
    zendesk.heal().await?;
    let told = server.cli(&["handoff", "replay", "--failed"]).await?;
    assert_eq!(told.code, Some(0), "{told:?}");
    person.until_told(ACCEPTED).await?;
    let again = server.cli(&["handoff", "replay", dead]).await?;
    assert!(again.code == Some(1) && again.out.contains("tried again already, as h"), "{again:?}");
    let none = server.cli(&["handoff", "replay", "--failed"]).await?;
    assert!(none.code == Some(0) && none.out.contains("no failed handoffs"), "{none:?}");
    let all = server.handoffs().await?;
    let [new, old] = &all[..] else { panic!("two handoffs: {all:#?}") };
    assert_eq!((&new["replay_of"], &old["replayed_as"]), (&old["id"], &new["id"]));
    let key = new["id"].as_str().unwrap_or_default();
    assert_eq!(zendesk.conversations_of(key).await?.len(), 1);
    let chats = zendesk.chats().await?;
    let words = "after the failure";
    assert!(chats.len() == 1 && chats[0].count(words) == 1, "{chats:#?}");
    assert_eq!((person.times(ASKED), person.times(FAILED), person.times(ACCEPTED)), (2, 1, 1));
    assert_eq!(person.says("Thanks").await?, "platform");
    let request = server.admin().request("POST", &format!("/v1/handoffs/{key}/replay")).json(&json!({}));
    let elsewhere = send(request).await?;
    assert_eq!(elsewhere.status, 409, "{elsewhere:?}");
    Ok(())
}

#[tokio::test]
async fn p3_replays_of_one_dead_letter_at_once_make_one_handoff() -> Result<()> {
    let (zendesk, server) = on_zendesk(plain).await?;
    let mut person = Visitor::open(&server).await?;
    zendesk.fault(json!({ "times": 1000, "kind": { "status": 401 } })).await?;
    person.says(WISH).await?;
    person.until_told(BACK).await?;
    let failed = server.until_state(&person.conversation, "failed").await?;
    zendesk.heal().await?;
    let path = format!("/v1/handoffs/{}/replay", failed["id"].as_str().unwrap_or_default());
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let admin = server.admin();
        asked.spawn(send(admin.request("POST", &path).json(&json!({}))));
    }
    let mut statuses = Vec::new();
    while let Some(answer) = asked.join_next().await {
        statuses.push(answer??.status);
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409, 409, 409]);
    person.until_told(ACCEPTED).await?;
    assert_eq!((server.handoffs().await?.len(), zendesk.chats().await?.len()), (2, 1));
    Ok(())
}
