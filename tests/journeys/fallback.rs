//! A platform does not take the chat, and the author named another way.

use anyhow::Result;
use handoff_tests::{
    assistants::{
        ACCEPTED, ASKED, BACK, DELAYED, FAILED, HELLO, MOMENT, QUEUED, WISH, answer_to, support, with_handoff,
    },
    bitrix24::Bitrix24,
    server::{Server, state},
    setup::Setup,
    visitor::Visitor,
    zendesk::Zendesk,
};
use serde_json::{Value, json};

use super::{FACTOR, FASTER};

const OTHER_WAY: &str = "I am trying another way.";

/// Zendesk first, and then line 30 of a portal.
fn chain() -> Value {
    with_handoff(support("zendesk"), |handoff| {
        handoff["fallbacks"] = json!([{ "platform": "bitrix24", "budget_seconds": 3600 }]);
        handoff["texts"]["fallen_back"] = json!(OTHER_WAY);
    })
}

async fn both(assistant: Value) -> Result<(Zendesk, Bitrix24, Server)> {
    let zendesk = Zendesk::start(&FASTER).await?;
    let bitrix24 = Bitrix24::start(&[&FASTER[..], &["--rate-limit", "false"]].concat()).await?;
    bitrix24.control("line", json!({ "id": 30, "fields": { "LINE_NAME": "Sales" }, "queue": [27] })).await?;
    let mut setup = Setup::new()?.with_zendesk(&zendesk).with_clock_factor(FACTOR);
    setup.config["connections"]["bitrix24"] = bitrix24.application();
    let server = Server::start(setup.with_assistant(assistant)).await?;
    zendesk.point_webhook(&server.base).await?;
    bitrix24
        .control("app/install", json!({ "handler": format!("{}/webhooks/bitrix24", server.base) }))
        .await?;
    let on = |seen: &Value| !seen["connectors"]["handoff"]["lines"]["30"].is_null();
    bitrix24.until("a connector on line 30", on).await?;
    Ok((zendesk, bitrix24, server))
}

fn shown(person: &Visitor) -> Vec<&str> {
    person.shown().map(|line| line.text.as_str()).collect()
}

#[tokio::test]
async fn p7_p2_p4_a_chat_that_one_platform_refuses_goes_to_the_next_with_every_word() -> Result<()> {
    let (zendesk, bitrix24, server) = both(chain()).await?;
    let mut person = Visitor::open(&server).await?;
    zendesk.fault(json!({ "kind": "hold" })).await?;
    zendesk.fault(json!({ "times": 1000, "kind": { "status": 401 } })).await?;
    person.says(WISH).await?;
    zendesk.until_held().await?;
    assert_eq!(person.says("while the first is asked").await?, "handoff");
    zendesk.release().await?;
    person.until_told(QUEUED).await?;
    assert_eq!(shown(&person), [HELLO, MOMENT, ASKED, OTHER_WAY, QUEUED]);
    assert_eq!(person.says("afterwards").await?, "platform");
    let last = |chats: &[handoff_tests::chat::Chat]| chats.iter().any(|chat| chat.count("afterwards") == 1);
    let chats = bitrix24.until_chats("the last word", last).await?;
    assert_eq!(chats.len(), 1);
    let whole: String = chats[0].lines.iter().map(|line| format!("{}\n", line.text)).collect();
    assert_eq!(whole.matches("while the first is asked").count(), 1, "{whole}");
    let handoffs = server.handoffs().await?;
    let [second, first] = &handoffs[..] else { panic!("two handoffs: {handoffs:#?}") };
    assert_eq!((state(first), state(second)), ("failed", "carrying"));
    assert_eq!((&first["replayed_as"], &second["replay_of"]), (&second["id"], &first["id"]));
    assert_eq!(first["receipt"]["told"], json!(["asked", "fallen_back"]));
    Ok(())
}

#[tokio::test]
async fn p3_nobody_else_is_asked_while_the_first_platform_may_have_the_chat() -> Result<()> {
    let (zendesk, bitrix24, server) = both(chain()).await?;
    let mut person = Visitor::open(&server).await?;
    zendesk.fault(json!({ "method": "POST", "path": "/conversations$", "kind": "reset_after" })).await?;
    let blind = json!({
        "method": "GET", "path": "/conversations", "skip": 1, "times": 100_000, "kind": { "status": 500 },
    });
    zendesk.fault(blind).await?;
    person.says(WISH).await?;
    person.until_told(DELAYED).await?;
    server.until_state(&person.conversation, "in_doubt").await?;
    assert!(bitrix24.chats().await?.is_empty());
    zendesk.heal().await?;
    person
        .until("an end", |thread| thread.iter().any(|line| [ACCEPTED, QUEUED].contains(&line.text.as_str())))
        .await?;
    // Whichever it is, the chat is in one place.
    let live = zendesk.chats().await?.len() + bitrix24.chats().await?.len();
    assert_eq!((live, person.times(ACCEPTED) + person.times(QUEUED)), (1, 1), "{:#?}", person.thread);
    Ok(())
}

#[tokio::test]
async fn p2_when_every_way_fails_the_assistant_has_every_word_in_order() -> Result<()> {
    let (zendesk, bitrix24, server) = both(chain()).await?;
    let mut person = Visitor::open(&server).await?;
    zendesk.fault(json!({ "kind": "hold" })).await?;
    zendesk.fault(json!({ "times": 1000, "kind": { "status": 401 } })).await?;
    let denied =
        json!({ "status": 400, "body": "{\"error\":\"ACCESS_DENIED\",\"error_description\":\"no\"}" });
    bitrix24.fault(json!({ "path": "send.messages", "kind": "hold" })).await?;
    bitrix24.fault(json!({ "path": "imconnector", "times": 1000, "kind": denied })).await?;
    person.says(WISH).await?;
    zendesk.until_held().await?;
    person.says("first word").await?;
    zendesk.release().await?;
    person.until_told(OTHER_WAY).await?;
    bitrix24.until_held().await?;
    person.says("second word").await?;
    bitrix24.release().await?;
    person.until_told(&answer_to("second word")).await?;
    let told = [HELLO, MOMENT, ASKED, OTHER_WAY, FAILED, BACK].map(str::to_owned);
    let answers = ["first word", "second word"].map(answer_to);
    assert_eq!(shown(&person), told.iter().chain(&answers).collect::<Vec<_>>());
    assert_eq!(server.handoffs().await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_way_that_the_plan_closed_meanwhile_is_passed_over_for_the_next() -> Result<()> {
    let first_bitrix24 = with_handoff(support("bitrix24"), |handoff| {
        handoff["fallbacks"] = json!([{ "platform": "zendesk" }]);
    });
    let (_zendesk, _bitrix24, mut server) = both(first_bitrix24).await?;
    server.stop().await?;
    server.reconfigure(|config| config["workspace"]["plan"] = json!("total"))?;
    server.restart().await?;
    let mut person = Visitor::open(&server).await?;
    person.says(WISH).await?;
    person.until_told(ACCEPTED).await?;
    let handoff = server.until_state(&person.conversation, "carrying").await?;
    let remarks = handoff["receipt"]["remarks"].to_string();
    assert!(handoff["platform"] == "Zendesk" && remarks.contains("needs the Enterprise plan"), "{handoff:#}");
    assert_eq!(shown(&person), [HELLO, MOMENT, ASKED, ACCEPTED]);
    Ok(())
}
