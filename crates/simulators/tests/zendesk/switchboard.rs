//! The control transitions, one by one, and the tickets that come of them.

use serde_json::{Value, json};

use crate::harness::{APP_KEY, OWN_KEY, Sim};

const US: &str = "handoff";
const WORKSPACE: &str = "zd-agentWorkspace";
const BOT: &str = "zd-answerBot";

/// Brings a conversation into a state with the app key.
async fn bring(sim: &Sim, conversation: &str, active: &str, pending: &str) {
    sim.sign_in(APP_KEY);
    if active != "-" {
        assert_eq!(sim.act(conversation, "passControl", active).await, 200);
    }
    if pending != "-" {
        assert_eq!(sim.act(conversation, "offerControl", pending).await, 200);
    }
    assert_eq!(sim.control(conversation).await, (active.to_owned(), pending.to_owned()));
}

struct Row {
    from: (&'static str, &'static str),
    key: (&'static str, &'static str),
    action: &'static str,
    target: &'static str,
    status: u16,
    to: (&'static str, &'static str),
    event: Option<&'static str>,
}

#[rustfmt::skip]
fn rows() -> Vec<Row> {
    let row = |from, key, action, target, status, to, event| Row { from, key, action, target, status, to, event };
    vec![
        row((US, "-"), OWN_KEY, "passControl", WORKSPACE, 200, (WORKSPACE, "-"), Some("switchboard:passControl")),
        row((US, "-"), APP_KEY, "passControl", WORKSPACE, 200, (WORKSPACE, "-"), Some("switchboard:passControl")),
        row((US, "-"), APP_KEY, "passControl", "zd:agentWorkspace", 200, (WORKSPACE, "-"), Some("switchboard:passControl")),
        row((US, "-"), OWN_KEY, "passControl", "next", 200, (WORKSPACE, "-"), Some("switchboard:passControl")),
        row((WORKSPACE, "-"), OWN_KEY, "passControl", WORKSPACE, 200, (WORKSPACE, "-"), None),
        row((WORKSPACE, "-"), OWN_KEY, "passControl", "next", 200, (WORKSPACE, "-"), None),
        row((WORKSPACE, US), OWN_KEY, "passControl", BOT, 200, (BOT, "-"), Some("switchboard:passControl")),
        row((WORKSPACE, "-"), OWN_KEY, "offerControl", US, 200, (WORKSPACE, US), Some("switchboard:offerControl")),
        row((WORKSPACE, BOT), OWN_KEY, "offerControl", US, 200, (WORKSPACE, US), Some("switchboard:offerControl")),
        row((WORKSPACE, US), OWN_KEY, "acceptControl", "", 200, (US, "-"), Some("switchboard:acceptControl")),
        row((WORKSPACE, US), APP_KEY, "acceptControl", "", 200, (US, "-"), Some("switchboard:acceptControl")),
        row((WORKSPACE, US), OWN_KEY, "releaseControl", "", 403, (WORKSPACE, US), None),
        row((WORKSPACE, US), APP_KEY, "releaseControl", "", 200, ("-", "-"), Some("switchboard:releaseControl")),
        row((US, "-"), OWN_KEY, "releaseControl", "", 200, ("-", "-"), Some("switchboard:releaseControl")),
        row((WORKSPACE, "-"), OWN_KEY, "acceptControl", "", 403, (WORKSPACE, "-"), None),
        row((WORKSPACE, "-"), APP_KEY, "acceptControl", "", 200, (WORKSPACE, "-"), Some("switchboard:acceptControl:failure")),
        row((WORKSPACE, BOT), OWN_KEY, "acceptControl", "", 403, (WORKSPACE, BOT), None),
        row((WORKSPACE, US), APP_KEY, "offerControl", WORKSPACE, 200, (WORKSPACE, US), Some("switchboard:offerControl:failure")),
        row((US, "-"), OWN_KEY, "passControl", "nobody", 400, (US, "-"), None),
        row((US, "-"), OWN_KEY, "offerControl", "nobody", 400, (US, "-"), None),
    ]
}

#[tokio::test]
async fn control_changes_hands_as_the_transition_table_says() {
    // Standing by, we would miss some of the events; so we ask for all of them.
    let sim = Sim::start(&["--deliver-standby-events", "true"]).await;
    let (user, _) = sim.bridge("our-user").await;
    for row in rows() {
        let conversation = sim.conversation_of(&user).await;
        bring(&sim, &conversation, row.from.0, row.from.1).await;
        let about = |payload: &Value| payload["conversation"]["id"] == conversation.as_str();
        sim.say(&conversation, "before").await;
        sim.ear
            .event("conversation:message", |payload| {
                about(payload) && payload["message"]["content"]["text"] == "before"
            })
            .await;
        let heard = sim.ear.events().len();

        sim.sign_in(row.key);
        let status = sim.act_with(&conversation, row.action, row.target, json!({ "mark": "x" })).await;
        sim.sign_in(APP_KEY);
        let described = format!("{:?} {} {}", row.from, row.action, row.target);
        assert_eq!(status, row.status, "{described}");
        assert_eq!(
            sim.control(&conversation).await,
            (row.to.0.to_owned(), row.to.1.to_owned()),
            "{described}"
        );

        // The message comes after whatever the action caused, so it bounds the wait.
        sim.say(&conversation, "after").await;
        sim.ear
            .event("conversation:message", |payload| {
                about(payload) && payload["message"]["content"]["text"] == "after"
            })
            .await;
        let new = &sim.ear.events()[heard..];
        let caused: Vec<&Value> =
            new.iter().filter(|event| event["type"].as_str().unwrap().starts_with("switchboard:")).collect();
        let kinds: Vec<&str> = caused.iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, row.event.into_iter().collect::<Vec<_>>(), "{described}");
        for event in caused {
            assert_eq!(event["payload"]["metadata"], json!({ "mark": "x" }), "{described}");
        }
    }
}

#[tokio::test]
async fn the_first_activity_wakes_the_default_bot_unless_control_was_taken() {
    let sim = Sim::start(&[]).await;
    let (user, careless) = sim.bridge("our-user").await;
    let careful = sim.conversation_of(&user).await;
    assert_eq!(sim.control(&careless).await, ("-".to_owned(), "-".to_owned()));
    sim.act(&careful, "passControl", US).await;
    for conversation in [&careless, &careful] {
        sim.user_says(conversation, &user, "Hello").await;
    }
    assert_eq!(sim.control(&careless).await.0, BOT);
    assert_eq!(sim.control(&careful).await.0, US);
    let (_, careless) = sim.get(&format!("/conversations/{careless}/messages")).await;
    let (_, careful) = sim.get(&format!("/conversations/{careful}/messages")).await;
    assert_eq!(careless["messages"].as_array().unwrap().len(), 2);
    assert_eq!(careless["messages"][1]["author"]["displayName"], "Answer Bot");
    assert_eq!(careful["messages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn next_advances_again_with_an_app_key_and_not_with_our_own() {
    for (key, expected) in [(OWN_KEY, WORKSPACE), (APP_KEY, BOT)] {
        let sim = Sim::start(&["--agent-workspace-next", BOT]).await;
        let (_, conversation) = sim.bridge("our-user").await;
        bring(&sim, &conversation, US, "-").await;
        sim.sign_in(key);
        for _ in 0..2 {
            assert_eq!(sim.act(&conversation, "passControl", "next").await, 200);
        }
        assert_eq!(sim.control(&conversation).await.0, expected, "{key:?}");
    }
}

#[tokio::test]
async fn a_bad_target_can_be_accepted_and_fail_by_event() {
    let sim = Sim::start(&["--bad-target", "http200-then-failure-event"]).await;
    let (_, conversation) = sim.bridge("our-user").await;
    for key in [APP_KEY, OWN_KEY] {
        sim.sign_in(key);
        assert_eq!(sim.act(&conversation, "passControl", "nobody").await, 200);
    }
    sim.ear.until_called(1).await;
    let failed = sim.ear.event("switchboard:passControl:failure", |_| true).await;
    assert_eq!(
        failed["payload"]["error"],
        json!({ "code": "switchboard_invalid_target", "message": "Switchboard invalid target" })
    );
    assert_eq!(sim.control(&conversation).await.0, "-");
}

#[tokio::test]
async fn a_command_in_a_business_text_passes_control_unseen() {
    let sim = Sim::start(&[]).await;
    let (user, conversation) = sim.bridge("our-user").await;
    bring(&sim, &conversation, US, "-").await;
    sim.user_says(&conversation, &user, "%((switchboard:passControl))%").await;
    assert_eq!(sim.control(&conversation).await.0, US);
    sim.say(&conversation, "%((switchboard:passControl:zd-agentWorkspace))%").await;
    assert_eq!(sim.control(&conversation).await.0, WORKSPACE);
    assert_eq!(sim.seen(&conversation).await.len(), 1);
}

#[tokio::test]
async fn metadata_counts_only_for_the_pass_that_makes_the_ticket() {
    let sim = Sim::start(&[]).await;
    let (user, conversation) = sim.bridge("our-user").await;
    bring(&sim, &conversation, US, "-").await;
    sim.user_says(&conversation, &user, "Help").await;
    let captured = json!({
        "dataCapture.ticketField.360012345678": "refund", "dataCapture.systemField.tags": "from_assistant,billing",
        "dataCapture.systemField.priority": "high", "dataCapture.systemField.requester.email": "ada@example.org",
        "dataCapture.systemField.requester.name": "Ada Lovelace", "dataCapture.systemField.subject": "Refund",
    });
    sim.act_with(&conversation, "passControl", WORKSPACE, captured).await;
    let chat = sim.chat(&conversation).await;
    assert_eq!(chat["fields"], json!({ "360012345678": "refund" }));
    assert_eq!(chat["tags"], json!(["from_assistant", "billing"]));
    assert_eq!((&chat["priority"], &chat["subject"]), (&json!("high"), &json!("Refund")));
    assert_eq!(chat["requester"]["name"], "Ada Lovelace");
    assert_eq!(chat["requester"]["external_id"], "our-user");
    assert!(sim.get(&format!("/users/{user}")).await.1["user"]["zendeskId"].is_string());

    bring(&sim, &conversation, US, "-").await;
    sim.act_with(&conversation, "passControl", WORKSPACE, json!({ "dataCapture.systemField.tags": "late" }))
        .await;
    assert_eq!(sim.chat(&conversation).await["tags"], json!(["from_assistant", "billing"]));
    assert_eq!(sim.inspect().await["tickets"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_agent_sees_ten_messages_or_those_from_the_named_first() {
    let sim = Sim::start(&[]).await;
    let (user, short) = sim.bridge("our-user").await;
    let whole = sim.conversation_of(&user).await;
    let mut first = String::new();
    for conversation in [&short, &whole] {
        bring(&sim, conversation, US, "-").await;
        for n in 0..15 {
            let id = sim.say(conversation, &format!("text {n}")).await;
            first = if n == 1 { id } else { first };
        }
    }
    sim.act(&short, "passControl", WORKSPACE).await;
    sim.act_with(&whole, "passControl", WORKSPACE, json!({ "first_message_id": first })).await;
    assert_eq!(sim.seen(&short).await.first().unwrap(), "text 5");
    assert_eq!(sim.seen(&short).await.len(), 10);
    assert_eq!(sim.seen(&whole).await.first().unwrap(), "text 1");
    assert_eq!(sim.seen(&whole).await.len(), 14);
}

#[tokio::test]
async fn a_pass_without_a_message_makes_no_ticket_and_the_first_message_makes_a_bare_one() {
    let sim = Sim::start(&[]).await;
    let (user, conversation) = sim.bridge("our-user").await;
    let captured = json!({ "dataCapture.systemField.tags": "lost" });
    sim.act_with(&conversation, "passControl", WORKSPACE, captured).await;
    assert_eq!(sim.chat(&conversation).await, Value::Null);
    sim.user_says(&conversation, &user, "Hello?").await;
    let chat = sim.chat(&conversation).await;
    assert_eq!(chat["tags"], json!([]));
    assert_eq!(chat["messages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_bots_own_ticket_turns_into_the_agents() {
    let sim = Sim::start(&["--ai-agent-tickets", "true"]).await;
    let (user, conversation) = sim.bridge("our-user").await;
    bring(&sim, &conversation, US, "-").await;
    sim.user_says(&conversation, &user, "Help").await;
    assert_eq!(sim.inspect().await["tickets"].as_array().unwrap().len(), 1);
    assert_eq!(sim.chat(&conversation).await, Value::Null);
    assert_eq!(
        sim.try_script("/agent/reply", json!({ "conversation": conversation, "text": "x" })).await.0,
        400
    );
    sim.act_with(&conversation, "passControl", WORKSPACE, json!({ "dataCapture.systemField.tags": "kept" }))
        .await;
    assert_eq!(sim.inspect().await["tickets"].as_array().unwrap().len(), 1);
    assert_eq!(sim.chat(&conversation).await["tags"], json!(["kept"]));
}

#[tokio::test]
async fn a_late_reply_of_a_bot_is_accepted_and_seen_by_the_agent() {
    let sim = Sim::start(&[]).await;
    let (_, conversation) = sim.handed_over().await;
    sim.say(&conversation, "I am late").await;
    let chat = sim.chat(&conversation).await;
    assert_eq!(chat["messages"][1]["author"], "assistant");
    assert_eq!(chat["messages"][1]["text"], "I am late");
}

#[tokio::test]
async fn the_switchboard_can_be_read_and_set_up_by_an_admin() {
    let sim = Sim::start(&[]).await;
    let (_, found) = sim.get("/switchboards").await;
    let id = found["switchboards"][0]["id"].as_str().unwrap();
    let path = format!("/switchboards/{id}/switchboardIntegrations");
    let (_, members) = sim.get(&path).await;
    let members = members["switchboardIntegrations"].as_array().unwrap().clone();
    let named = |name: &str| members.iter().find(|member| member["name"] == name).unwrap();
    assert_eq!(named(US)["nextSwitchboardIntegrationId"], named(WORKSPACE)["id"]);
    assert_eq!(named(US)["deliverStandbyEvents"], false);
    assert_eq!(named(WORKSPACE)["integrationType"], "zd:agentWorkspace");
    assert_eq!(found["switchboards"][0]["defaultSwitchboardIntegrationId"], named(BOT)["id"]);

    let body = json!({ "name": "second bot", "integrationId": named(US)["integrationId"] });
    assert_eq!(sim.post(&path, body).await.0, 400);
    let body = json!({ "name": "second", "integrationId": named(US)["integrationId"] });
    assert_eq!(sim.post(&path, body).await.0, 201);
    assert_eq!(sim.post("/switchboards", json!({})).await.0, 400);
    let workspace = named(WORKSPACE)["id"].as_str().unwrap();
    let (status, _) = sim.call(reqwest::Method::DELETE, &format!("{path}/{workspace}"), Value::Null).await;
    assert_eq!(status, 400);
}
