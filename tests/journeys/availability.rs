//! Whether somebody is there is asked before a chat leaves, and what an author chose is checked before it is used.

use anyhow::Result;
use handoff_tests::{
    assistants::{ACCEPTED, ASKED, BACK, HELLO, MOMENT, QUEUED, WISH, answer_to, support, with_handoff},
    bitrix24::Bitrix24,
    server::{Server, state},
    setup::Setup,
    visitor::Visitor,
    web::send,
    zendesk::Zendesk,
};
use serde_json::{Value, json};

use super::{FACTOR, FASTER, on_zendesk};

const NOBODY: &str = "Nobody is there just now.";
const LATER: &str = "We are here from nine to five.";

/// Asks first, and has words for when nobody is there.
fn careful(change: impl FnOnce(&mut Value)) -> Value {
    with_handoff(support("zendesk"), |handoff| {
        handoff["check_availability"] = json!(true);
        handoff["texts"]["nobody_there"] = json!(NOBODY);
        handoff["when_nobody_is_there"] =
            json!([{ "id": "later", "action": "send_message", "texts": [LATER] }]);
        change(handoff);
    })
}

async fn with_team(status: &str, change: impl FnOnce(&mut Value)) -> Result<(Zendesk, Server)> {
    let (zendesk, server) = on_zendesk(|setup| setup.with_assistant(careful(change))).await?;
    zendesk.control("agents", json!({ "agents": [{ "id": 11, "status": status }] })).await?;
    Ok((zendesk, server))
}

fn shown(person: &Visitor) -> Vec<&str> {
    person.shown().map(|line| line.text.as_str()).collect()
}

#[tokio::test]
async fn p4_p3_when_nobody_is_there_the_person_is_told_and_nothing_is_made_on_the_platform() -> Result<()> {
    let (zendesk, server) = with_team("offline", |_| {}).await?;
    let mut person = Visitor::open(&server).await?;
    person.says(WISH).await?;
    person.until_told(LATER).await?;
    assert_eq!(shown(&person), [HELLO, MOMENT, ASKED, NOBODY, LATER]);
    let handoff = server.until_state(&person.conversation, "failed").await?;
    assert_eq!(handoff["failed"]["nobody_there"], true, "{handoff:#}");
    assert_eq!(handoff["receipt"]["told"], json!(["asked", "nobody_there"]));
    assert_eq!(zendesk.look("inspect").await?["conversations"], json!([]));
    assert_eq!(person.says("Then you answer").await?, "session");
    person.until_told(&answer_to("Then you answer")).await?;
    Ok(())
}

#[tokio::test]
async fn where_somebody_is_there_the_chat_leaves() -> Result<()> {
    let (_zendesk, server) = with_team("online", |_| {}).await?;
    let mut person = Visitor::open(&server).await?;
    person.says(WISH).await?;
    person
        .until("the acceptance", |thread| {
            thread.iter().any(|line| line.text == ACCEPTED || line.text == QUEUED)
        })
        .await?;
    assert_eq!(person.times(NOBODY), 0);
    Ok(())
}

/// Only administrators may see who is there; what is not known does not keep a chat here.
#[tokio::test]
async fn where_the_platform_does_not_say_the_chat_leaves() -> Result<()> {
    let (zendesk, server) = with_team("offline", |_| {}).await?;
    zendesk.fault(json!({ "path": "agent_availabilities", "times": 100, "kind": { "status": 403 } })).await?;
    let mut person = Visitor::open(&server).await?;
    person.says(WISH).await?;
    person
        .until("the acceptance", |thread| {
            thread.iter().any(|line| line.text == ACCEPTED || line.text == QUEUED)
        })
        .await?;
    Ok(())
}

#[tokio::test]
async fn p2_p7_what_is_typed_while_it_is_asked_is_answered_also_after_a_kill() -> Result<()> {
    let (zendesk, mut server) = with_team("offline", |_| {}).await?;
    zendesk.fault(json!({ "path": "agent_availabilities", "kind": "hold" })).await?;
    let mut person = Visitor::open(&server).await?;
    person.says(WISH).await?;
    zendesk.until_held().await?;
    assert_eq!(person.says("Hello?").await?, "handoff");
    server.kill9().await?;
    zendesk.release().await?;
    server.restart().await?;
    person.until_told(&answer_to("Hello?")).await?;
    assert_eq!(shown(&person), [HELLO, MOMENT, ASKED, NOBODY, LATER, &answer_to("Hello?")]);
    assert_eq!(server.handoffs().await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn when_nobody_is_there_the_next_way_is_tried_and_a_ticket_needs_nobody() -> Result<()> {
    let ticket = |handoff: &mut Value| {
        handoff["fallbacks"] = json!([{ "platform": "zendesk", "route": "ticket", "budget_seconds": 3600 }]);
    };
    let (zendesk, server) = with_team("away", ticket).await?;
    let mut person = Visitor::open(&server).await?;
    person.says(WISH).await?;
    person.until_told(ACCEPTED).await?;
    let handoffs = server.handoffs().await?;
    let [second, first] = &handoffs[..] else { panic!("two handoffs: {handoffs:#?}") };
    assert_eq!((state(first), state(second)), ("failed", "accepted"));
    assert_eq!(first["receipt"]["told"], json!(["asked", "fallen_back"]));
    let tickets = zendesk.tickets_of(second["id"].as_str().unwrap_or_default()).await?;
    assert_eq!((tickets.len(), person.times(NOBODY), person.times(LATER)), (1, 0, 0));
    Ok(())
}

#[tokio::test]
async fn an_open_channel_without_operators_keeps_the_chat_with_the_assistant() -> Result<()> {
    let bitrix24 = Bitrix24::start(&[&FASTER[..], &["--rate-limit", "false"]].concat()).await?;
    bitrix24.control("line", json!({ "id": 30, "fields": { "LINE_NAME": "Night" }, "queue": [] })).await?;
    let mut setup = Setup::new()?.with_clock_factor(FACTOR);
    setup.config["connections"]["bitrix24"] = bitrix24.application();
    let careful = with_handoff(support("bitrix24"), |handoff| {
        handoff["check_availability"] = json!(true);
        handoff["options"] = json!({ "line": 30 });
        handoff["texts"]["nobody_there"] = json!(NOBODY);
    });
    let server = Server::start(setup.with_assistant(careful)).await?;
    bitrix24
        .control("app/install", json!({ "handler": format!("{}/webhooks/bitrix24", server.base) }))
        .await?;
    let on = |seen: &Value| !seen["connectors"]["handoff"]["lines"]["30"].is_null();
    bitrix24.until("a connector on line 30", on).await?;
    let lines = server.admin().get("/v1/targets/bitrix24/options/line").await?;
    assert!(
        lines["choices"].as_array().is_some_and(|lines| lines.iter().any(|line| line["label"] == "Night")),
        "{lines}"
    );
    let mut person = Visitor::open(&server).await?;
    person.says(WISH).await?;
    person.until_told(BACK).await?;
    // No branch of its own: what happens when the handoff fails happens.
    assert_eq!(shown(&person), [HELLO, MOMENT, ASKED, NOBODY, BACK]);
    assert!(bitrix24.chats().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn what_was_chosen_is_checked_against_the_account_before_it_is_published() -> Result<()> {
    let (zendesk, server) = with_team("online", |_| {}).await?;
    let publish = async |options: Value| -> Result<(u16, Value)> {
        let draft = careful(|handoff| handoff["options"] = options);
        let admin = server.admin();
        send(admin.request("PUT", "/v1/assistants/support/draft").json(&draft)).await?;
        let checked = admin.post("/v1/assistants/support/validate", &json!({})).await?;
        let answer = send(admin.request("POST", "/v1/assistants/support/publish").json(&json!({}))).await?;
        let answered = answer.json();
        assert_eq!(checked["findings"], answered["findings"], "the check says what publishing says");
        assert_eq!(checked["publishable"], answer.status == 200);
        Ok((answer.status, answered))
    };
    let (status, problem) = publish(json!({ "group": "1", "priority": "asap", "tags": {} })).await?;
    assert_eq!(status, 422, "{problem}");
    let told = problem.to_string();
    for words in ["98738 (Support)", "urgent (Urgent)", "a list of words"] {
        assert!(told.contains(words), "{words} in {told}");
    }
    let wrong = careful(|handoff| handoff["options"] = json!({ "group": "1" })).to_string();
    let file = server.write("wrong.json", wrong.as_bytes())?.display().to_string();
    let validated = server.cli(&["assistant", "validate", &file]).await?;
    assert_eq!(validated.code, Some(1), "{validated:?}");
    assert!(validated.out.contains("98738 (Support)"), "{validated:?}");
    let (status, done) = publish(json!({ "group": 98738, "queue": "x", "form": "2" })).await?;
    assert_eq!(status, 200, "{done}");
    let told = done.to_string();
    assert!(told.contains("knows no option") && told.contains("means nothing for a chat"), "{told}");
    zendesk.fault(json!({ "path": "groups", "times": 100, "kind": { "status": 500 } })).await?;
    // What was asked a moment ago still counts; another field has to be asked for.
    zendesk.fault(json!({ "path": "ticket_fields", "times": 100, "kind": { "status": 500 } })).await?;
    let (status, done) = publish(json!({ "fields": { "77": "x" } })).await?;
    assert_eq!(status, 200, "{done}");
    assert!(done.to_string().contains("could not be asked whether it exists"), "{done}");
    Ok(())
}

#[tokio::test]
async fn expressions_in_options_are_what_the_ticket_says() -> Result<()> {
    let (zendesk, server) = on_zendesk(|setup| {
        setup.with_assistant(with_handoff(support("zendesk"), |handoff| {
            handoff["route"] = json!("ticket");
            handoff["options"] = json!({
                "subject": "About: { _user_input }", "tags": ["chat", "{ _lang }"], "priority": "{ 1 // missing }",
            });
        }))
    })
    .await?;
    let mut person = Visitor::open(&server).await?;
    person.says(WISH).await?;
    person.until_told(ACCEPTED).await?;
    let handoff = server.until_state(&person.conversation, "accepted").await?;
    let tickets = zendesk.tickets_of(handoff["id"].as_str().unwrap_or_default()).await?;
    assert_eq!(tickets[0].raw["subject"], format!("About: {WISH}"), "{:#}", tickets[0].raw);
    assert_eq!(tickets[0].raw["tags"], json!(["handoff", "chat", "en"]));
    let remarks = handoff["receipt"]["remarks"].to_string();
    assert!(remarks.contains("options.priority was left out"), "{remarks}");
    Ok(())
}
